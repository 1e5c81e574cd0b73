"""A table of cells as text, with the legend of its signs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ssl_benchmarks.downstream.outcome import FINAL, NO_BETTER, UNCONVERGED
from ssl_benchmarks.record.quantity import Quantity

MARKS = {NO_BETTER: "*", UNCONVERGED: "+", FINAL: "#"}
"""What a note says, and the sign for it in a table."""


def marks(quantity: Quantity, used: dict[str, str]) -> str:
    """The signs that a quantity's note calls for, which are added to those `used`."""
    parts = quantity.note.split("; ")
    found = {meaning: sign for meaning, sign in MARKS.items() if any(part.startswith(meaning) for part in parts)}
    used |= found
    return "".join(f" {sign}" for sign in found.values())


def legend(used: dict[str, str]) -> list[str]:
    """What the signs in a table mean, a line each."""
    return [f"{sign} {meaning}" for meaning, sign in used.items()]


def legend_list(lines: Sequence[str]) -> str:
    """A legend in Markdown; its signs are none there."""
    return "\n".join(f"- \\{line}" for line in lines)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown; what would break its cells is escaped."""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    body = "\n".join(f"| {' | '.join(row)} |" for row in cells)
    return f"| {' | '.join(header)} |\n|{'---|' * len(header)}\n{body}\n"


@dataclass(frozen=True)
class Grid:
    """A table.

    Attributes:
        header: of its columns.
        rows: of cells.
        legend: what its signs mean.
    """

    header: tuple[str, ...]
    rows: list[tuple[str, ...]]
    legend: list[str]
