"""Ratios by numbers worked by hand, with intervals that are not symmetrical, so that no end can stand for the other."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from ssl_benchmarks.comparing.ratios import paired_ratio, ratio, ratio_of_largest
from ssl_benchmarks.record.quantity import Method, Quantity, unavailable


def q(value: float, low: float | None = None, high: float | None = None, **rest: str) -> Quantity:
    method: Method = rest.get("method", "measured")  # type: ignore[assignment]
    ends = None if low is None or high is None else (low, high)
    return Quantity(value, "J", method, ends, 1, rest.get("note", ""), rest.get("flaw", ""))


@pytest.mark.parametrize(
    ("ours", "theirs", "ends"),
    [
        ((200.0, 160.0, 280.0), (100.0, 95.0, 102.0), (math.hypot(math.log(1.25), math.log(1.02)), math.hypot(math.log(1.4), math.log(100 / 95)))),
        ((200.0, 200.0, 280.0), (100.0, 100.0, 100.0), (0.0, math.log(1.4))),
        ((200.0, 200.0, 200.0), (100.0, 50.0, 100.0), (0.0, math.log(2.0))),
        ((200.0, 200.0, 200.0), (100.0, 100.0, 125.0), (math.log(1.25), 0.0)),
    ],
)  # fmt: skip
def test_the_ends_of_a_ratio_by_hand(
    ours: tuple[float, float, float], theirs: tuple[float, float, float], ends: tuple[float, float]
) -> None:
    """Our lower end and their upper one make the lower end of the ratio, with logs added in quadrature."""
    found = ratio(q(*ours), q(*theirs))
    assert found.value == 2.0
    assert found.ci95 == pytest.approx((2 * math.exp(-ends[0]), 2 * math.exp(ends[1])))


def test_a_ratio_of_independent_figures_covers_the_truth() -> None:
    """Logs scatter by 3 % and 8 %: 20,000 draws resolve 95 % to within 0.5 %, and ends of 90 % would be detected."""
    draw, scatter = np.random.default_rng(0), np.array([[0.03], [0.08]])
    logs = scatter * draw.standard_normal((2, 20_000))
    for level, least, most in ((0.975, 0.945, 0.955), (0.95, 0.89, 0.91)):
        z = NormalDist().inv_cdf(level)
        a, b = (q(1.0, math.exp(-z * s), math.exp(z * s)) for s in scatter[:, 0])
        found = ratio(a, b).ci95
        assert found is not None
        apart = logs[0] - logs[1]
        assert least <= np.mean((math.log(found[0]) <= apart) & (apart <= math.log(found[1]))) <= most


def test_a_count_has_no_error_of_its_own() -> None:
    found = ratio(q(6.0, method="analytic"), q(3.0, 2.5, 4.0))
    assert (found.value, found.method) == (2.0, "analytic")
    found = ratio(q(6.0, method="projected", low=5.0, high=8.0), q(3.0, method="analytic"))
    assert found.ci95 == pytest.approx((5 / 3, 8 / 3))


@pytest.mark.parametrize(
    ("ours", "theirs"), [(q(2.0), q(1.0, 0.9, 1.1)), (q(2.0, 1.9, 2.1), q(1.0)), (q(2.0, 0.0, 3.0), q(1.0, 0.9, 1.1))]
)
def test_a_figure_without_a_positive_interval_leaves_none(ours: Quantity, theirs: Quantity) -> None:
    assert (ratio(ours, theirs).value, ratio(ours, theirs).ci95) == (2.0, None)
    assert ratio(ours, theirs).note == "no interval: not known for both"
    assert ratio(q(2.0, 1e-9, 3.0), q(1.0, 0.9, 1.1)).ci95 is not None


@pytest.mark.parametrize(("ours", "theirs"), [(None, 1.0), (1.0, None)])
def test_what_is_missing_on_either_side_is_said(ours: float | None, theirs: float | None) -> None:
    a, b = (unavailable("J", "no counter") if value is None else q(value) for value in (ours, theirs))
    assert (ratio(a, b).value, ratio(a, b).note) == (None, "no counter")
    assert paired_ratio([a], [b]).note == "no counter"
    assert paired_ratio([a, q(3.0)], [b, q(1.5)]).value == 2.0
    assert ratio(q(0.0), q(1.0)).value is None
    assert ratio(q(1.0), q(0.0)).value is None


def test_a_paired_ratio_by_hand() -> None:
    """Ratios 1 and 4: geometric mean 2, logs 0.693 either way, t of one degree 12.706 over sqrt(2) of their deviation 0.980."""
    found = paired_ratio([q(1.0), q(8.0)], [q(1.0), q(2.0)])
    half = 12.7062 * math.log(2)
    assert found.value == pytest.approx(2.0)
    assert found.ci95 == pytest.approx((2 * math.exp(-half), 2 * math.exp(half)), rel=1e-3)
    assert (found.n, found.note, found.method) == (2, "paired in 2 rounds", "measured")


def test_one_round_in_common_is_the_ratio_of_its_figures() -> None:
    ours, theirs = q(200.0, 180.0, 240.0), q(100.0, 90.0, 105.0)
    assert paired_ratio([ours, None], [theirs, q(1.0)]) == ratio(ours, theirs)


def test_rounds_with_a_flaw_are_left_out_where_enough_are_without() -> None:
    """With one of three flawed, the two others decide. With one of two flawed, both stay, and so does the flaw."""
    flawed = q(9.0, flaw="disturbed")
    kept = paired_ratio([q(2.0), flawed, q(2.0)], [q(1.0)] * 3)
    assert (kept.value, kept.flaw, kept.n) == (pytest.approx(2.0), "", 2)
    assert "1 of 3 left out (flawed)" in kept.note
    both = paired_ratio([q(1.0), flawed], [q(1.0), q(1.0)])
    assert (both.value, both.flaw, both.n) == (pytest.approx(3.0), "disturbed", 2)
    assert "left out" not in both.note


def test_flaws_of_both_sides_come_along_ours_first() -> None:
    ours, theirs = q(2.0, 1.9, 2.1, flaw="disturbed"), q(1.0, 0.9, 1.1, flaw="not steady")
    assert ratio(ours, theirs).flaw == ratio(replace(ours, ci95=None), theirs).flaw == "disturbed; not steady"
    assert paired_ratio([ours] * 2, [theirs] * 2).flaw == "disturbed; not steady"


def test_a_modelled_ratio_has_no_interval() -> None:
    found = paired_ratio([q(2.0, method="modelled"), q(2.2)], [q(1.0)] * 2)
    assert (found.ci95, found.method) == (None, "modelled")
    assert "no interval (modelled)" in found.note


def test_the_ratio_of_the_largest_by_hand() -> None:
    """6 / 4, though the rounds' own ratios are 3 and 1; the interval holds it and theirs. One round: that of its figures."""
    found = ratio_of_largest([q(6.0), q(4.0)], [q(2.0), q(4.0)])
    paired = paired_ratio([q(6.0), q(4.0)], [q(2.0), q(4.0)])
    assert found.value == 1.5
    assert found.ci95 == paired.ci95
    assert found.note == "ratio of the largest; paired in 2 rounds"
    far = ratio_of_largest([q(10.0), q(4.0), q(1.0)], [q(10.0), q(4.0), q(1.0)])
    assert far.ci95 == pytest.approx((1.0, 1.0))
    apart = ratio_of_largest([q(8.0), q(2.0)], [q(4.0), q(1.0)])
    assert (apart.value, apart.ci95) == (2.0, pytest.approx((2.0, 2.0)))
    unknown = ratio_of_largest([q(8.0), unavailable("B", "killed"), None], [q(4.0), q(5.0), q(1.0)])
    assert unknown.value == 8 / 5
    nothing = ratio_of_largest([unavailable("B", "killed")], [q(2.0)])
    assert (nothing.value, nothing.note) == (None, "killed")


def test_the_largest_of_no_common_round_have_no_ratio() -> None:
    assert ratio_of_largest([q(8.0), None], [None, q(2.0)]).value is None


def test_rounds_are_paired_one_to_one() -> None:
    with pytest.raises(ValueError, match="zip"):
        paired_ratio([q(1.0), q(2.0)], [q(1.0)])


def test_the_interval_holds_the_ratio_of_the_largest_where_the_rounds_lie_elsewhere() -> None:
    """Our largest and theirs are of different rounds: 100 / 2 and 1 / 1 are 50 either way of no pair."""
    found = ratio_of_largest([q(100.0), q(100.0), q(100.0)], [q(1.0), q(1.0), q(50.0)])
    assert found.value == 2.0
    assert found.ci95 is not None
    assert found.ci95[0] <= 2.0 <= found.ci95[1]
    close = ratio_of_largest([q(2.0), q(2.001)], [q(1.0), q(1.0005)])
    assert close.ci95 is not None
    assert close.ci95[0] <= (close.value or 0) <= close.ci95[1]
