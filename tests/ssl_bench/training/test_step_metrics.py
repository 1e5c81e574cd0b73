"""Means over groups of steps, and the first step that is no number."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssl_bench.training.step_metrics import DivergedError, StepMetrics


def scalars(loss: float, accuracy: float = 0.5) -> dict[str, torch.Tensor]:
    return {"loss": torch.tensor(loss, requires_grad=True), "accuracy": torch.tensor(accuracy)}


def test_means_by_hand() -> None:
    metrics = StepMetrics(3)
    assert metrics.add(1, scalars(4.0, 0.1)) == []
    assert metrics.add(2, scalars(2.0, 0.2)) == []
    assert metrics.add(3, scalars(3.0, 0.6)) == [(3, {"loss": pytest.approx(3.0), "accuracy": pytest.approx(0.3)})]
    assert metrics.add(4, scalars(7.0, 1.0)) == []
    assert metrics.flush(4, ("loss", "accuracy")) == [(4, {"loss": pytest.approx(7.0), "accuracy": pytest.approx(1.0)})]
    assert metrics.flush(4, ("loss", "accuracy")) == []


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=40), st.integers(1, 9), st.integers(0, 1_000))
def test_every_step_is_in_one_group_whatever_the_size(losses: list[float], every: int, before: int) -> None:
    metrics = StepMetrics(every)
    groups = [g for i, x in enumerate(losses) for g in metrics.add(before + i + 1, scalars(x))]
    groups += metrics.flush(before + len(losses), ("loss", "accuracy"))
    wanted = [losses[i : i + every] for i in range(0, len(losses), every)]
    assert [values["loss"] for _, values in groups] == pytest.approx([sum(w) / len(w) for w in wanted], abs=1e-4)
    assert [step for step, _ in groups] == [before + min(i + every, len(losses)) for i in range(0, len(losses), every)]


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [11, 12, 13, 14])
def test_the_first_bad_step_is_named_even_where_more_follow(bad: float, at: int) -> None:
    """Groups of three from step 11 on; step 14 is only seen at the end."""

    def fed() -> None:
        metrics = StepMetrics(3)
        for step in range(11, 15):
            metrics.add(step, scalars(bad if step >= at else 1.0))
        metrics.flush(14, ("loss", "accuracy"))

    with pytest.raises(DivergedError, match=f"not a finite number at step {at}$") as caught:
        fed()
    assert caught.value.step == at


def test_a_bad_value_beside_a_good_loss_counts_too() -> None:
    with pytest.raises(DivergedError, match="step 5"):
        StepMetrics(1).add(5, scalars(1.0, math.inf))
