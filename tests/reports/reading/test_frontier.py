"""The frontier is exactly what no point dominates, ties and equal points included."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_reports.reading.frontier import Point, frontier

COORDINATES = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), max_size=12)


def points(*places: tuple[float, float]) -> list[Point]:
    return [
        Point(str(number), Quantity(float(x), "J", "measured"), Quantity(float(y), "1", "measured"), "measured")
        for number, (x, y) in enumerate(places)
    ]


@given(COORDINATES, st.booleans(), st.booleans())
def test_the_frontier_is_that_of_brute_force(places: list[tuple[int, int]], high_x: bool, high_y: bool) -> None:  # noqa: FBT001
    """Every pair compared, in coordinates turned so that less is better."""
    turned = [(-x if high_x else x, -y if high_y else y) for x, y in places]
    kept = {
        str(n) for n, (x, y) in enumerate(turned) if not any(u <= x and v <= y and (u < x or v < y) for u, v in turned)
    }
    found = frontier(points(*places), high_x=high_x, high_y=high_y)
    assert {p.name for p in found} == kept
    assert len(found) == len(kept)


@given(COORDINATES)
def test_the_frontier_runs_from_the_best_x_to_the_best_y(places: list[tuple[int, int]]) -> None:
    at = [p.at for p in frontier(points(*places))]
    assert at == sorted(at)
    assert [y for _, y in at] == sorted((y for _, y in at), reverse=True)


def test_by_hand() -> None:
    """(2, 2) is beaten by (1, 2) on x alone; the two at (3, 1) are equal and both stay."""
    found = frontier(points((2, 2), (1, 2), (3, 1), (3, 1), (4, 1)))
    assert [p.name for p in found] == ["1", "2", "3"]


def test_a_point_needs_both_values() -> None:
    with pytest.raises(ValueError, match="no GPU"):
        Point("a", unavailable("J", "no GPU"), Quantity(1.0, "1", "measured"), "measured")
