"""Labels never lie on each other nor leave the frame, and those of few points all find room."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssl_reports.pictures.labels import NEAR, Box, around, cuts, gap, place

FRAME = Box(0, 0, 190, 135)
"""The frame of a column-wide plot, in points."""
PLACES = st.lists(st.tuples(st.floats(5, 185), st.floats(5, 130)), min_size=1, max_size=15)
WIDTHS = st.lists(st.floats(15, 75), min_size=15, max_size=15)


@settings(max_examples=40)
@given(PLACES, WIDTHS)
def test_up_to_fifteen_labels_find_room_apart(places: list[tuple[float, float]], widths: list[float]) -> None:
    sizes = [(width, 8.1) for width, _ in zip(widths, places, strict=False)]
    boxes = place(places, sizes, FRAME, [around(at, 2.5) for at in places])
    found = [box for box in boxes if box is not None]
    assert len(found) == len(places)
    for number, box in enumerate(found):
        assert box.within(FRAME)
        assert box.right - box.left == pytest.approx(sizes[number][0])
        for other in found[number + 1 :]:
            across = min(box.right, other.right) - max(box.left, other.left)
            up = min(box.top, other.top) - max(box.bottom, other.bottom)
            assert across <= 0 or up <= 0


def test_a_lone_label_stands_to_the_right_of_its_point() -> None:
    (box,) = place([(50.0, 50.0)], [(30.0, 8.0)], FRAME, [around((50.0, 50.0), 2.5)])
    assert box == Box(50 + NEAR, 46, 80 + NEAR, 54)


def test_at_the_right_edge_it_stands_elsewhere() -> None:
    (box,) = place([(185.0, 50.0)], [(30.0, 8.0)], FRAME, [around((185.0, 50.0), 2.5)])
    assert box is not None
    assert box.right < 185


def test_a_label_too_large_for_the_frame_has_no_place() -> None:
    assert place([(50.0, 50.0)], [(300.0, 8.0)], FRAME, []) == [None]


def test_a_full_frame_leaves_the_last_labels_out() -> None:
    boxes = place([(5.0, 5.0)] * 5, [(9.0, 9.0)] * 5, Box(0, 0, 10, 20), [])
    assert 1 <= sum(box is not None for box in boxes) <= 2
    assert None in boxes


def test_the_distance_by_hand() -> None:
    """From (0, 0) to the corner (3, 4), and from inside."""
    assert gap(Box(3, 4, 5, 6), (0, 0)) == pytest.approx(5)
    assert gap(Box(-1, -1, 1, 1), (0, 0)) == 0


@given(*[st.integers(-5, 5)] * 4)
def test_a_line_cuts_a_box_when_some_of_its_points_lie_inside(x: int, y: int, u: int, v: int) -> None:
    """Against ten thousand points on the line; the box' own edges are no part of it."""
    t = np.linspace(0, 1, 10_001)
    across, up = x + t * (u - x), y + t * (v - y)
    inside = bool(((abs(across) < 2.02) & (abs(up) < 1.01)).any())
    strictly = bool(((abs(across) < 1.98) & (abs(up) < 0.99)).any())
    found = cuts((x, y), (u, v), Box(-2, -1, 2, 1))
    if (x, y) != (u, v) and inside == strictly:
        assert found == inside
