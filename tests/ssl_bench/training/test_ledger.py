"""The budget is spent when the first of its limits is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_bench.training.ledger import Budget, Spent

HALF_WAY = Spent(steps=30, audio_seconds=7_200.0, seconds=45.0, joules=1.8e6)


def test_fractions_by_hand() -> None:
    """30 of 60 steps, 2 of 10 h of audio, 0.75 of 3 minutes, 0.5 of 0.8 kWh (1 kWh = 3.6 MJ)."""
    budget = Budget(steps=60, audio_hours=10.0, minutes=3.0, kwh=0.8)
    assert budget.fractions(HALF_WAY) == pytest.approx(
        {"steps": 0.5, "audio hours": 0.2, "minutes": 0.25, "kWh": 0.625}
    )
    assert budget.progress(HALF_WAY) == pytest.approx(0.625)


@pytest.mark.parametrize(
    ("budget", "progress"),
    [
        (Budget(steps=40), 0.75),
        (Budget(audio_hours=8.0), 0.25),
        (Budget(minutes=1.0), 0.75),
        (Budget(kwh=2.0), 0.25),
        (Budget(steps=1_000, minutes=1.5), 0.5),
        (Budget(steps=30, minutes=90.0), 1.0),
        (Budget(steps=3), 1.0),
    ],
)
def test_what_comes_first_counts_and_more_than_all_is_all(budget: Budget, progress: float) -> None:
    assert budget.progress(HALF_WAY) == pytest.approx(progress)


@given(st.integers(1, 10**6), st.floats(1e-3, 1e6), st.integers(0, 10**6), st.floats(0, 1e9))
def test_progress_grows_with_what_is_spent_and_ends_at_one(
    limit: int, minutes: float, steps: int, seconds: float
) -> None:
    budget = Budget(steps=limit, minutes=minutes)
    progress = budget.progress(Spent(steps=steps, seconds=seconds))
    assert 0.0 <= progress <= 1.0
    assert progress <= budget.progress(Spent(steps=steps + 1, seconds=seconds + 1.0))
    assert (progress == 1.0) == (steps >= limit or seconds / 60 >= minutes)
