"""One figure from several seeds: against numpy and scipy, and what is said of seeds that are left out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.downstream.seeds import over_seeds
from ssl_benchmarks.record.intervals import student_half_width
from ssl_benchmarks.record.quantity import Quantity, unavailable


def outcome(value: float, half: float | None = 0.05, *, converged: bool | None = True) -> Outcome:
    ci95 = None if half is None else (value - half, value + half)
    return Outcome({"cer": Quantity(value, "1", "measured", ci95, 7, "greedy")}, converged)


NONE = Outcome({"cer": unavailable("1", "two speakers are needed")}, None)


def test_one_seed_is_itself() -> None:
    only = outcome(0.4)
    assert over_seeds([only], "cer") == only.rates["cer"]


def test_three_seeds_by_hand() -> None:
    """Mean 0.4; deviation 0.1, t(2) 4.302653, so 0.248414 over seeds; mean half-width 0.06; both by Pythagoras 0.255557."""
    found = over_seeds([outcome(0.3, 0.05), outcome(0.4, 0.06), outcome(0.5, 0.07)], "cer")
    assert found.value == pytest.approx(0.4)
    assert found.ci95 == pytest.approx((0.4 - 0.255557, 0.4 + 0.255557), abs=1e-5)
    assert (found.unit, found.method, found.n) == ("1", "measured", 7)
    assert found.note == "mean of 3 seeds: 30.0, 40.0, 50.0 %; greedy"


@given(st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_the_spread_over_seeds_is_scipys(values: list[float]) -> None:
    from scipy import stats

    error = float(stats.sem(values))
    expected = stats.t.interval(0.95, len(values) - 1, 0, error)[1] if error else 0.0
    assert student_half_width(values) == pytest.approx(expected, abs=1e-9)
    found = over_seeds([outcome(v, None) for v in values], "cer")
    assert found.ci95 is not None
    assert found.value == pytest.approx(np.mean(values))
    assert (found.ci95[1] - found.ci95[0]) / 2 == pytest.approx(expected, abs=1e-9)


def test_a_seed_that_did_not_converge_is_left_out_and_said() -> None:
    found = over_seeds([outcome(0.3), outcome(0.99, converged=False), outcome(0.5)], "cer")
    assert found.value == pytest.approx(0.4)
    assert found.note == "mean of 2 seeds: 30.0, 50.0 %; 1 of 3 seeds did not converge, left out of the mean; greedy"
    alone = over_seeds([outcome(0.99, converged=False), outcome(0.5)], "cer")
    assert (alone.value, alone.ci95) == (0.5, (0.45, 0.55))
    assert alone.note == "1 of 2 seeds did not converge, left out of the mean; greedy"


def test_where_none_converged_all_are_shown_and_said() -> None:
    assert over_seeds([outcome(0.9, converged=False)], "cer").note == "did not converge; greedy"
    found = over_seeds([outcome(0.9, converged=False), outcome(0.8, converged=False)], "cer")
    assert found.value == pytest.approx(0.85)
    assert "did not converge in any of 2 seeds; greedy" in found.note


def test_what_learns_nothing_counts() -> None:
    """Verification has no head: nothing to converge."""
    found = over_seeds([outcome(0.2, converged=None), outcome(0.4, converged=None)], "cer")
    assert found.value == pytest.approx(0.3)
    assert "converge" not in found.note


def test_seeds_without_a_rate() -> None:
    found = over_seeds([outcome(0.2), NONE, outcome(0.4)], "cer")
    assert found.value == pytest.approx(0.3)
    assert "1 of 3 seeds have no rate" in found.note
    assert over_seeds([NONE, NONE], "cer") == NONE.rates["cer"]


def test_a_mean_of_nothing_but_failures_does_not_say_they_are_left_out() -> None:
    found = over_seeds([outcome(0.9, converged=False), NONE], "cer")
    assert found.value == 0.9
    assert found.note == "did not converge; 1 of 2 seeds have no rate; greedy"
