"""A processor that computes bfloat16 wrongly is noticed before anything is measured on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from ssl_bench import MeasureConfig
from ssl_benchmarks.machine import bfloat16
from ssl_benchmarks.machine.bfloat16 import bfloat16_fault
from ssl_models.errors import BadInputError


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    bfloat16_fault.cache_clear()
    yield
    bfloat16_fault.cache_clear()


def noise(x: torch.Tensor, weight: torch.Tensor, **how: Any) -> torch.Tensor:
    """A convolution that is right in float32 alone."""
    found = torch.nn.functional.conv1d(x.float(), weight.float(), **how)
    return found if x.dtype == torch.float32 else torch.randn_like(found).bfloat16()


def test_a_wrong_convolution_is_refused_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bfloat16, "conv1d", noise)
    config = MeasureConfig("efficient-tiny", precision="bfloat16")
    with pytest.raises(BadInputError, match="ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16"):
        config.resolved(cuda=False)
    assert config.resolved(cuda=True).precision == "bfloat16"
    assert MeasureConfig("efficient-tiny").resolved(cuda=False).precision == "float32"


def test_a_right_one_is_not() -> None:
    """As the tests run: without the kernels in question."""
    assert bfloat16_fault() == ""
