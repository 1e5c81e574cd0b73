"""A callable as a training step: what it gets, what is found in it, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from ssl_models.catalog import load_model, pretraining
from ssl_models.errors import BadInputError
from ssl_models.loading import holdings
from ssl_models.loading.holdings import held_by
from ssl_models.loading.user_step import OpaqueStep

PARAMETERS = 32 * 400 + 32 + 32 * 32 + 32


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(3)
    return torch.randn(2, 8000), torch.tensor([8000, 8000])


@pytest.mark.parametrize("kind", ["opaque", "with_lengths", "Trainer", "method", "in_partial", "in_globals"])
def test_its_own_optimiser_steps_and_both_are_found(own_steps: Path, kind: str) -> None:
    """Wherever the step holds them: a closure, an attribute, what it is bound to, arguments, globals."""
    step = pretraining(f"{own_steps}:{kind}")
    assert isinstance(step, OpaqueStep)
    held = step.held
    assert [len(found) for found in (held.modules, held.optimisers)] == [1, 1]
    assert sum(p.numel() for p in held.parameters) == PARAMETERS
    before = [p.detach().clone() for p in held.parameters]
    step(*batch())
    assert all(not torch.equal(one, p) for one, p in zip(before, step.held.parameters, strict=True))
    assert step.held.parameters == held.parameters


def test_where_there_is_no_model_nothing_is_found(own_steps: Path) -> None:
    for kind in ("without_a_model", "without_products"):
        held = pretraining(f"{own_steps}:{kind}").held
        assert (held.modules, held.optimisers, held.parameters, held.buffers) == ((), (), (), ())


def test_a_module_inside_another_counts_once_and_free_parameters_count() -> None:
    whole = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    inner, free, frozen = whole[0], torch.zeros(5, requires_grad=True), torch.zeros(7)

    def step() -> tuple[object, ...]:
        return inner, whole, free, frozen, step

    held = held_by(step)
    assert held.modules == (whole,)
    assert sum(p.numel() for p in held.parameters) == 3 * 2 + 2 + 2 + 2 + 5
    assert sum(b.numel() for b in held.buffers) == 2 + 2 + 1


def test_a_lazy_module_counts_once_it_has_a_shape() -> None:
    lazy = nn.LazyLinear(4)
    assert held_by(lambda: lazy).parameters == ()
    lazy(torch.zeros(1, 3))
    assert sum(p.numel() for p in held_by(lambda: lazy).parameters) == 4 * 3 + 4


def test_objects_of_any_making_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    class Odd:
        @property
        def __dict__(self) -> dict[str, object]:  # type: ignore[override]
            raise RuntimeError("not for you")

    endless: list[object] = []
    endless.append(endless)
    data, model = [[number] for number in range(1000)], nn.Linear(2, 2)
    assert held_by(lambda: (Odd(), endless, data, model)).modules == (model,)
    monkeypatch.setattr(holdings, "MOST_OBJECTS", 100)
    assert held_by([data, *data]).modules == ()


def test_modules_that_are_found_move_and_the_optimiser_keeps_their_parameters(own_steps: Path) -> None:
    """With a type in place of a device, as a test without a GPU can."""
    step = pretraining(f"{own_steps}:opaque")
    (optimiser,), before = step.held.optimisers, step.held.parameters
    step.to(torch.float64)
    assert {p.dtype for p in step.held.parameters} == {torch.float64}
    assert all(one is other for one, other in zip(before, optimiser.param_groups[0]["params"], strict=True))


@pytest.mark.parametrize(("kind", "returned"), [("number", "int"), ("kind", "type")])
def test_anything_else_is_refused_with_the_three_forms(own_steps: Path, kind: str, returned: str) -> None:
    with pytest.raises(BadInputError) as caught:
        pretraining(f"{own_steps}:{kind}")
    said = str(caught.value)
    assert "\n" not in said
    forms = (
        "torch.nn.Module whose forward returns a loss",
        "a LightningModule",
        "callable that makes one optimiser step",
    )
    assert all(form in said for form in (f"{kind}() returned {returned}", *forms)), said


def test_a_step_encodes_nothing(own_steps: Path) -> None:
    with pytest.raises(BadInputError, match=r"returned function; .* measured with --phase training"):
        load_model(f"{own_steps}:opaque")
