"""The schedules of the learning rate against torch's own and numbers worked by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssl_models.optimisation import OptimisationConfig

ONE_CYCLE = OptimisationConfig(3e-4, 4320.0, warmup=0.08, schedule="cosine")
TRI_STAGE = OptimisationConfig(3e-5, 4320.0, warmup=0.1, schedule="tri-stage", hold=0.4, final=1e-6)


def test_one_cycle_is_that_of_torch() -> None:
    """500 steps of OneCycleLR, whose last step is number 499 and whose peak is the 39th, one before 8 %."""
    optimiser = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=3e-4, total_steps=500, pct_start=0.08, div_factor=1e9, final_div_factor=1
    )
    rates = []
    for _ in range(500):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if len(rates) < 500:
            schedule.step()
    up, down = [i / 39 * 0.08 for i in range(39)], [0.08 + i / 460 * 0.92 for i in range(461)]
    expected = [ONE_CYCLE.learning_rate(progress, 4320.0) for progress in (*up, *down)]
    assert expected == pytest.approx(rates, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("progress", "rate"),
    [(0.0, 0.0), (0.05, 1.5e-5), (0.1, 3e-5), (0.3, 3e-5), (0.5, 3e-5), (0.75, 3e-8), (1.0, 3e-11), (1.1, 3e-11)],
)
def test_tri_stage_by_hand(progress: float, rate: float) -> None:
    """A tenth up, four tenths at the peak, half of the budget down to a millionth: halfway down a thousandth is left."""
    assert TRI_STAGE.learning_rate(progress, 4320.0) == pytest.approx(rate)


@given(st.floats(0, 1), st.sampled_from([OptimisationConfig(), ONE_CYCLE, TRI_STAGE]))
def test_no_rate_is_above_the_peak_or_below_zero(progress: float, settings: OptimisationConfig) -> None:
    rate = settings.learning_rate(progress, settings.reference_batch_seconds)
    assert 0 <= rate <= settings.peak_learning_rate * (1 + 1e-12)


@pytest.mark.parametrize(
    "build",
    [
        lambda: OptimisationConfig(warmup=0.5, hold=0.5),
        lambda: OptimisationConfig(hold=-0.1),
        lambda: OptimisationConfig(final=0.0),
        lambda: OptimisationConfig(final=float("nan")),
    ],
)
def test_schedules_that_cannot_be_are_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must"):
        build()
