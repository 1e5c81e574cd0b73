"""How a table is set so that it fits a column of a page: in smaller type, then in parts."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Width = Literal["single", "double"]
POINTS: dict[Width, float] = {"single": 219.0, "double": 455.0}
"""Width of one and of two columns in pt in the narrowest of the styles of ACL, IEEE and Interspeech, which is ACL's."""
SIZES = (("normalsize", 10.0), ("small", 9.0), ("footnotesize", 8.0), ("scriptsize", 7.0))
"""Sizes of type, in pt, of a text in 10 pt."""
GAP = 3.0
"""Points to either side of a column."""
NARROWEST = 9
"""Characters of a head's line, whatever its column holds."""
WIDE, NARROW = frozenset("mwMWGOQHN%@±"), frozenset(".,:;'|ilI()[]")
NONE: Mapping[int, float] = {}
EM_WIDE, EM_NARROW, EM = 0.9, 0.32, 0.55
"""Widths of letters as shares of the size of the type, those of the small sizes of Computer Modern, which are the widest."""


@dataclass(frozen=True)
class Fit:
    """A way to set a table.

    Attributes:
        size: LaTeX's name of the type size.
        blocks: the columns of each part, the first column of the table in every one.
    """

    size: str
    blocks: tuple[tuple[int, ...], ...]


def fit(cells: Sequence[Sequence[str]], width: Width, wrapped: Mapping[int, float] = NONE) -> Fit:
    """The largest type in which all columns fit beside each other; where none does, the smallest, in as few parts as hold them.

    Args:
        cells: the texts of each line, heads included, as they are read.
        width: of the page's column.
        wrapped: columns of text that is wrapped beyond these shares of the page's column.
    """
    room = POINTS[width]
    columns = range(len(cells[0]))
    shares = [max(ems(line[i]) for line in cells) for i in columns]
    wide: list[float] = []
    for name, points in SIZES:
        wide = [min(shares[i] * points, wrapped.get(i, 1.0) * room) + 2 * GAP for i in columns]
        if sum(wide) <= room:
            return Fit(name, (tuple(columns),))
    return Fit(SIZES[-1][0], _evenly(wide, room))


def _evenly(wide: Sequence[float], room: float) -> tuple[tuple[int, ...], ...]:
    """As few parts as fit, none wider than it must be, so that the last is not left with a single column."""
    fewest, ends = len(_parts(wide, room)), range(1, len(wide) + 1)
    limits = sorted(wide[0] + sum(wide[i:j]) for i in ends for j in ends[i:])
    return next(parts for limit in limits if len(parts := _parts(wide, limit)) == fewest)


def _parts(wide: Sequence[float], limit: float) -> tuple[tuple[int, ...], ...]:
    """The columns in order, the first of the table in every part, so many in each as the limit allows."""
    blocks: list[list[int]] = [[0]]
    for i in range(1, len(wide)):
        if len(blocks[-1]) > 1 and sum(wide[j] for j in blocks[-1]) + wide[i] > limit:
            blocks.append([0])
        blocks[-1].append(i)
    return tuple(map(tuple, blocks))


def heads(columns: Sequence[tuple[str, str]], cells: Sequence[Sequence[str]]) -> list[list[str]]:
    """Lines of heads, of a cell each, in which no head is wider than its column's cells or its longest word.

    Names end on the same line, and units begin on the next.

    Args:
        columns: the name and the unit of each.
        cells: the texts of each row.
    """
    wide = [max((len(row[i]) for row in cells), default=0) for i in range(len(columns))]
    names = [_broken(name, width) for (name, _), width in zip(columns, wide, strict=True)]
    units = [_broken(unit, width) for (_, unit), width in zip(columns, wide, strict=True)]
    above, below = (max(map(len, parts)) for parts in (names, units))
    filled = [
        [*[""] * (above - len(name)), *name, *unit, *[""] * (below - len(unit))]
        for name, unit in zip(names, units, strict=True)
    ]
    return [list(line) for line in zip(*filled, strict=True)]


def _broken(text: str, width: int) -> list[str]:
    """Lines of a text, none longer than `width` but for a single word."""
    return textwrap.wrap(text, max([width, NARROWEST, *map(len, text.split(" "))]), break_on_hyphens=False)


def ems(text: str) -> float:
    """The width of a text in units of its size of type, an upper estimate."""
    return sum(EM_WIDE if letter in WIDE else EM_NARROW if letter in NARROW else EM for letter in text)
