"""A step that is counted while it runs has the FLOPs of its graph, and runs on whatever the counter makes of it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import flop_registry

from ssl_bench.integrations.counted_step import CountedStep
from ssl_benchmarks.counting.flops import count_flops, fake_tensors
from ssl_benchmarks.counting.operators import kind_of


class Attending(nn.Module):
    """Fused attention between two projections."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.Linear(32, 96), nn.Linear(32, 8)

    def forward(self, x: torch.Tensor) -> Any:
        query, key, value = (each.unflatten(-1, (4, 8)).transpose(1, 2) for each in self.before(x).chunk(3, -1))
        return self.after(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)).sum()


def quantities(model: nn.Module, step: Any, ranks: int = 1, audio: float | None = 4.0) -> Any:
    counted = CountedStep(model, ranks)
    step()
    counted.end()
    counted.end()
    return counted.quantities(audio)


@pytest.mark.parametrize("ranks", [1, 3])
def test_fused_attention_counts_as_its_math(ranks: int) -> None:
    torch.manual_seed(0)
    model, x = Attending(), torch.randn(2, 50, 32)
    found = quantities(model, lambda: model(x).backward(), ranks)
    with fake_tensors():
        graph = Attending()
        expected = count_flops(lambda: graph(torch.zeros(2, 50, 32)).backward(), graph).flops
    assert found["flops"].value == ranks * expected
    assert found["flops_per_audio_second"].value == ranks * expected / 4
    assert ("3 ranks" in found["flops"].note) == (ranks == 3)
    assert found["parameters"].value == 32 * 96 + 96 + 32 * 8 + 8


def test_a_compiled_model_is_counted_without_its_compiler() -> None:
    """Otherwise no operator would be seen. The compiler is a stand-in that would raise."""
    model = nn.Linear(16, 16)

    def refuse(*_: Any) -> Any:
        raise AssertionError("compiled")

    compiled = torch.compile(model, backend=refuse)
    found = quantities(model, lambda: compiled(torch.randn(5, 16)).sum().backward(), audio=None)
    assert found["flops"].value == 2 * 2 * 5 * 16 * 16
    assert "flops_per_audio_second" not in found


def test_a_formula_that_fails_makes_a_lower_bound_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> int:
        raise RuntimeError("no")

    monkeypatch.setitem(flop_registry, torch.ops.aten.bmm, broken)
    kind_of.cache_clear()
    model = nn.Linear(16, 16)
    found = quantities(model, lambda: (model(torch.randn(1, 5, 16)) @ torch.randn(1, 16, 3)).sum().backward())
    kind_of.cache_clear()
    assert found["flops"].value is None
    assert "aten.bmm, whose formula fails" in found["flops"].note
