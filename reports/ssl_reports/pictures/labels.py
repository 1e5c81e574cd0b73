"""Names beside the points of a plot, drawn where there is room, over nothing else, and always in the same place."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from ssl_reports.pictures.style import GREY, SMALL_POINTS

At = tuple[float, float]
NEAR = 4.0
"""Distance between a label and its point, if there is room."""
LEADER = 6.0
"""A label farther away than this is joined to its point by a line."""
STEP = 6.0
RINGS = 6
OVER_MARK, OVER_LINE = 40.0, 12.0
"""The cost of covering another point, or a line, in units of the distance from a label to its point."""
Segment = tuple[At, At]
LONGEST = 28
LINE_HEIGHT = 1.25
MARK_POINTS = 2.5
"""Half the width of a point's mark."""


@dataclass(frozen=True)
class Box:
    """A rectangle along the axes, in typographic points."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box) -> bool:
        """Whether they share any area; boxes that only touch do not."""
        return (
            self.left < other.right and other.left < self.right and self.bottom < other.top and other.bottom < self.top
        )

    def within(self, frame: Box) -> bool:
        """Whether it lies inside `frame`."""
        return (
            self.left >= frame.left
            and self.right <= frame.right
            and self.bottom >= frame.bottom
            and self.top <= frame.top
        )


def around(at: At, half: float) -> Box:
    """The square around a point."""
    return Box(at[0] - half, at[1] - half, at[0] + half, at[1] + half)


def place(
    anchors: Sequence[At],
    sizes: Sequence[At],
    frame: Box,
    marks: Sequence[Box],
    lines: Sequence[Box] = (),
) -> list[Box | None]:
    """A place for each label, None for a label without room.

    Labels are placed in the order given, each in the cheapest place around its point: distance costs, covering a mark
    or a line costs more, and covering an earlier label or leaving the frame is forbidden.

    Args:
        anchors: the points of the labels.
        sizes: width and height of each label.
        frame: the box that no label may leave.
        marks: boxes that labels should not cover, those of their own points included.
        lines: boxes that labels should preferably not cover.
    """
    placed: list[Box | None] = []
    taken: list[Box] = []
    leaders: list[Segment] = []

    def free(places: Iterator[Box]) -> list[Box]:
        return [box for box in places if not any(map(box.overlaps, taken))]

    for at, size in zip(anchors, sizes, strict=True):
        cost = partial(_cost, at=at, marks=marks, lines=lines, taken=taken, leaders=leaders)
        best = min(free(_rings(at, size, frame)) or free(_grid(size, frame)), key=cost, default=None)
        placed.append(best)
        if best is not None:
            taken.append(best)
            leaders += leader(best, at)
    return placed


def _cost(
    box: Box, *, at: At, marks: Sequence[Box], lines: Sequence[Box], taken: Sequence[Box], leaders: Sequence[Segment]
) -> float:
    own = leader(box, at)
    through = sum(cuts(*line, other) for line in own for other in taken)
    across = sum(cuts(*line, other) for line in own for other in lines)
    across += sum(cuts(*line, box) for line in leaders) + sum(map(box.overlaps, lines))
    return OVER_MARK * (sum(map(box.overlaps, marks)) + through) + OVER_LINE * across + gap(box, at)


def nearest(box: Box, at: At) -> At:
    """The point of a box that is nearest to `at`."""
    return min(max(at[0], box.left), box.right), min(max(at[1], box.bottom), box.top)


def leader(box: Box, at: At) -> list[Segment]:
    """The line that joins a distant label to its point; none for a label beside it."""
    return [(at, nearest(box, at))] if gap(box, at) > LEADER else []


def cuts(one: At, other: At, box: Box) -> bool:
    """Whether the straight line between two points passes through a box (clipping by Liang and Barsky)."""
    enter, leave = 0.0, 1.0
    for start, end, low, high in ((one[0], other[0], box.left, box.right), (one[1], other[1], box.bottom, box.top)):
        step = end - start
        if step == 0:
            if not low < start < high:
                return False
            continue
        first, last = sorted(((low - start) / step, (high - start) / step))
        enter, leave = max(enter, first), min(leave, last)
    return enter < leave


def gap(box: Box, at: At) -> float:
    """The distance between a point and a box."""
    return math.dist(nearest(box, at), at)


def _rings(at: At, size: At, frame: Box) -> Iterator[Box]:
    """Places around the point, ring by ring, beginning on the right."""
    (x, y), (width, height) = at, size
    for ring in range(RINGS):
        far = NEAR + ring * STEP
        lefts = (x + far, x - width / 2, x - width - far)
        bottoms = (y - height / 2, y + far, y - height - far)
        for left, bottom in product(lefts, bottoms):
            box = Box(left, bottom, left + width, bottom + height)
            if not box.overlaps(around(at, NEAR / 2)) and box.within(frame):
                yield box


def _grid(size: At, frame: Box) -> Iterator[Box]:
    """Places all over the frame."""
    width, height = size
    columns = int((frame.right - frame.left - width) / STEP) + 1
    rows = int((frame.top - frame.bottom - height) / (height / 2)) + 1
    for column, row in product(range(max(columns, 0)), range(max(rows, 0))):
        left, bottom = frame.left + column * STEP, frame.bottom + row * height / 2
        box = Box(left, bottom, left + width, bottom + height)
        if box.within(frame):
            yield box


@dataclass(frozen=True)
class Name:
    """A name, its point in data coordinates, and its colour."""

    text: str
    at: At
    colour: str

    @property
    def short(self) -> str:
        """The name, cut to `LONGEST` characters."""
        return self.text if len(self.text) <= LONGEST else f"{self.text[: LONGEST - 1]}…"


def draw_names(axes: Any, names: Sequence[Name], points: Sequence[At], lines: Sequence[Segment]) -> int:  # noqa: ANN401
    """Draw each name, with a thin line to its point if it is far away; return how many found no room.

    The layout is fixed first: from then on a typographic point is a pixel at 72 dots per inch. Draw nothing afterwards.

    Args:
        axes: matplotlib's, with its limits set.
        names: the more important first.
        points: those that no name should cover.
        lines: those that names should preferably not cover, along the axes.
    """
    canvas = axes.figure
    canvas.draw_without_rendering()
    canvas.set_layout_engine("none")
    (left, bottom), (right, top) = axes.transAxes.transform([(0, 0), (1, 1)])
    anchors = [_spot(axes, name.at) for name in names]
    marks = [around(_spot(axes, at), MARK_POINTS) for at in points]
    strokes = [_stroke(_spot(axes, one), _spot(axes, other)) for one, other in lines]
    boxes = place(anchors, [text_size(name.short) for name in names], Box(left, bottom, right, top), marks, strokes)
    for name, anchor, box in zip(names, anchors, boxes, strict=True):
        if box is not None:
            _draw_name(axes, name, anchor, box)
    return boxes.count(None)


def text_size(text: str) -> At:
    """Width and height of a name in points, from the outlines of its characters."""
    from matplotlib.textpath import TextPath

    return float(TextPath((0, 0), text, size=SMALL_POINTS).get_extents().x1) + 2, LINE_HEIGHT * SMALL_POINTS


def _draw_name(axes: Any, name: Name, anchor: At, box: Box) -> None:  # noqa: ANN401 - matplotlib's axes
    offset = (box.left + 1 - anchor[0], (box.bottom + box.top) / 2 - anchor[1])
    axes.annotate(
        name.short, name.at, offset, textcoords="offset points", fontsize=SMALL_POINTS, color=name.colour, va="center",
        zorder=1.9, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.2},
    )  # fmt: skip
    for _, near in leader(box, anchor):
        axes.annotate(
            "", name.at, (near[0] - anchor[0], near[1] - anchor[1]), textcoords="offset points", zorder=1.8,
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": GREY, "shrinkA": 0, "shrinkB": 2},
        )  # fmt: skip


def _spot(axes: Any, at: At) -> At:  # noqa: ANN401 - matplotlib's axes
    x, y = axes.transData.transform(at)
    return float(x), float(y)


def _stroke(one: At, other: At) -> Box:
    return Box(min(one[0], other[0]), min(one[1], other[1]), max(one[0], other[0]) + 0.1, max(one[1], other[1]) + 0.1)
