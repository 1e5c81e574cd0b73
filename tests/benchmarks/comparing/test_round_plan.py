"""What a comparison and a measurement have time for."""

from __future__ import annotations

import pytest

from ssl_bench.measuring.repeat_plan import OVERHEAD, RepeatPlan
from ssl_benchmarks.comparing.round_plan import (
    ASIDE,
    LONGEST_WINDOW,
    REPORT_SECONDS,
    ROUNDS,
    Pace,
    expected_pace,
    latest_end,
    left_out,
    window_seconds,
)  # fmt: skip
from ssl_benchmarks.timing.protocol import Protocol


def test_a_pace_by_hand() -> None:
    """3 GFLOP at 0.3 of 10 GFLOP/s are a second a call; 100 M parameters take 3 s; what cannot be counted is taken for a second."""
    pace = expected_pace(3e9, 1e8, 1e10)
    assert (pace.call, pace.build) == (pytest.approx(1.0), pytest.approx(3.0))
    assert pace.first(0.5, 1.5) == pytest.approx(1.5 + 3.0 + 1.0 + 2.0 + 1.0 + ASIDE)
    assert Pace(0.1, 0.0).again(1.0) == pytest.approx(1.1 + ASIDE)
    assert expected_pace(None, None, 1e10).call == expected_pace(1.0, None, None).call == 1.0


def test_the_longest_models_are_left_out_first_and_the_baseline_never() -> None:
    paces = {("a", "inference"): 1.0, ("b", "inference"): 5.0, ("b", "training"): 9.0, ("c", "training"): 20.0}
    models = ("a", "b", "c")
    assert left_out(paces, models, "a", 100.0) == []
    assert left_out(paces, models, "a", 16.0) == ["c"]
    assert left_out(paces, models, "a", 2.0) == ["c", "b"]
    assert left_out(paces, models, "c", 2.0) == ["b", "a"], "even where it does not help"


@pytest.mark.parametrize("calls", [[0.01] * 12, [0.01, 0.5, 2.0, 3.0], [30.0]])
@pytest.mark.parametrize("left", [5.0, 60.0, 200.0, 4000.0])
def test_windows_let_the_rounds_aimed_at_fit_where_they_can(calls: list[float], left: float) -> None:
    window = window_seconds(calls, left, "cpu")
    rounds = (ROUNDS - 1) * sum(Pace(call, 0.0).again(window) for call in calls)
    assert 0.6 <= window <= LONGEST_WINDOW
    if window > 0.6:
        assert rounds <= left
    if window < LONGEST_WINDOW:
        longer = sum(Pace(call, 0.0).again(1.2 * max(window, *calls)) for call in calls)
        assert (ROUNDS - 1) * longer > left
    assert window_seconds(calls, left, "cuda") == 10.0


def test_a_promise_has_a_fifth_or_half_a_minute_to_spare() -> None:
    assert latest_end(1.0) == 90.0
    assert latest_end(10.0) == 720.0


class Visits:
    """A clock on which every visit takes its window and `beside` s."""

    def __init__(self, beside: float) -> None:
        self.now, self.beside = 0.0, beside

    def __call__(self) -> float:
        return self.now

    def done(self, plan: RepeatPlan, visits: int) -> list[float]:
        """The windows that are measured of so many visits."""
        windows = []
        for _ in range(visits):
            if (window := plan.window()) is None:
                continue
            with plan.timed(window):
                self.now += window + self.beside
            windows.append(window)
        return windows


@pytest.mark.parametrize("beside", [1.0, OVERHEAD, 9.0])
@pytest.mark.parametrize("minutes", [0.5, 1.0, 3.0])
def test_repeats_are_shorter_or_fewer_so_that_all_ends_in_time(minutes: float, beside: float) -> None:
    """Two cells of five repeats of 10 s."""
    clock = Visits(beside)
    plan = RepeatPlan(Protocol(10.0, 5), 2, 0.0, minutes, "cpu", clock=clock)
    windows = clock.done(plan, 10)
    assert len(windows) >= 2, "every cell once"
    assert clock.now + REPORT_SECONDS <= latest_end(minutes)
    assert all(0.6 <= window <= 10.0 for window in windows)


def test_without_a_bound_all_is_as_asked_for() -> None:
    clock = Visits(100.0)
    assert clock.done(RepeatPlan(Protocol(7.0, 3), 1, 0.0, None, "cpu", clock=clock), 3) == [7.0, 7.0, 7.0]
