"""Scales of figures: logarithmic only where it helps, and never ruled by one wide interval."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_reports.pictures.scales import draw_scale, limits, log_ticks


@pytest.mark.parametrize(
    ("values", "logarithmic"),
    [([1.0, 3.1], True), ([1.0, 3.0], False), ([0.0, 100.0], False), ([-1.0, 100.0], False), ([5.0], False)],
)
def test_which_scale(values: list[float], logarithmic: bool) -> None:  # noqa: FBT001
    assert limits(values)[2] is logarithmic


@given(st.lists(st.floats(1e-9, 1e20), min_size=1, max_size=8))
def test_all_values_lie_within(values: list[float]) -> None:
    low, high, _ = limits(values)
    assert low < high
    assert all(low <= value <= high for value in values)


def test_an_interval_may_widen_the_axis_by_two_fifths_of_the_values_span() -> None:
    """Values span 10 to 20; the margin is nine hundredths of it."""
    assert limits([10.0, 20.0], [9.0, 22.0])[:2] == pytest.approx((9 - 0.9, 22 + 0.9))
    assert limits([10.0, 20.0], [-500.0, 9e9])[:2] == pytest.approx((10 - 4 - 0.9, 20 + 4 + 0.9))


@pytest.mark.parametrize(
    ("low", "high", "logarithmic", "expected"),
    [
        (4.0, 60.0, True, ["5", "10", "20", "50"]),
        (1e14, 2e16, True, ["10¹⁴", "10¹⁵", "10¹⁶"]),
        (0.65, 2.9, True, ["0.8", "1", "1.5", "2"]),
        (1.1e14, 1.5e15, True, ["2·10¹⁴", "5·10¹⁴", "10¹⁵"]),
        (0.0, 10_000.0, False, ["0", "2,000", "4,000", "6,000", "8,000", "10,000"]),
    ],
)
def test_numbers_on_the_axis_by_hand(low: float, high: float, logarithmic: bool, expected: list[str]) -> None:  # noqa: FBT001
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    draw_scale(axes.xaxis, low, high, logarithmic)
    figure.draw_without_rendering()
    seen = [t.get_text() for t, at in zip(axes.get_xticklabels(), axes.get_xticks(), strict=True) if low <= at <= high]
    assert seen == expected


@given(st.floats(-9, 20), st.floats(0.01, 15))
def test_a_logarithmic_axis_has_three_labels_and_not_many_more(low: float, decades: float) -> None:
    ends = 10**low, 10 ** (low + decades)
    ticks = log_ticks(*ends)
    assert 3 <= len(ticks) <= 8
    assert ticks == sorted(set(ticks))
    assert ends[0] <= ticks[0]
    assert ticks[-1] <= ends[1]
