"""Names beside the points of a plot, drawn where there is room for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ssl_reports.pictures.label_places import At, Box, around, leader, place
from ssl_reports.pictures.style import GREY, SMALL_POINTS

Segment = tuple[At, At]
LONGEST = 28
LINE_HEIGHT = 1.25
MARK_POINTS = 2.5
"""Half the width of a point's mark."""


@dataclass(frozen=True)
class Name:
    """A name, the point it is of (in the data's units), and its colour."""

    text: str
    at: At
    colour: str

    @property
    def short(self) -> str:
        """No longer than a column bears."""
        return self.text if len(self.text) <= LONGEST else f"{self.text[: LONGEST - 1]}…"


def draw_names(axes: Any, names: Sequence[Name], points: Sequence[At], lines: Sequence[Segment]) -> int:  # noqa: ANN401
    """Draw each, with a thin line to its point where it had to go far; how many found no room.

    The layout is settled first: from then on a point of print is a pixel at 72 dots an inch. Draw nothing after it.

    Args:
        axes: matplotlib's, its limits set.
        names: the more important first.
        points: which no name should cover.
        lines: which names had better not cover, along the axes.
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
    """Width and height of a name in points, by the outlines of its letters."""
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
