"""A table of text cells with the legend of its signs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ssl_benchmarks.record.learned import FINAL, NOT_SHOWN, UNCONVERGED, WORSE
from ssl_benchmarks.record.quantity import Quantity

MARKS = {NOT_SHOWN: "*", WORSE: "!", UNCONVERGED: "+", FINAL: "#"}
"""The sign in a table for what a note begins with."""


def marks(quantity: Quantity, used: dict[str, str]) -> str:
    """The signs for a quantity's note; they are added to `used`."""
    parts = quantity.note.split("; ")
    found = {meaning: sign for meaning, sign in MARKS.items() if any(part.startswith(meaning) for part in parts)}
    used |= found
    return "".join(f" {sign}" for sign in found.values())


def legend(used: dict[str, str]) -> list[str]:
    """The meaning of each sign used in a table, one line each."""
    return [f"{sign} {meaning}" for meaning, sign in used.items()]


def grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Names by what is said of them, from pairs of text and name, in order of appearance."""
    found: dict[str, list[str]] = {}
    for said, name in pairs:
        found.setdefault(said, []).append(name)
    return found


def legend_list(lines: Sequence[str]) -> str:
    """A legend in Markdown; its signs are escaped, because each would begin a list or a heading there."""
    return "\n".join(f"- \\{line}" for line in lines)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, with anything that would break its cells escaped."""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    body = "\n".join(f"| {' | '.join(row)} |" for row in cells)
    return f"| {' | '.join(header)} |\n|{'---|' * len(header)}\n{body}\n"


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        header: names of the columns.
        rows: cells of each row.
        legend: meaning of the signs.
    """

    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    legend: list[str]
