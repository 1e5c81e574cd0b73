"""A figure with its caption and its numbers, before it is written."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.flaw_marks import SIGN, meaning
from ssl_reports.tables.grid import grouped

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

Row = dict[str, str | float | None]
FORMATS: dict[str, dict[str, Any]] = {
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    "svg": {"Creator": None, "Date": None},
    "png": {"Software": None},
}
"""Formats with the metadata left out of each: without dates and versions, the same numbers give the same bytes."""
NAMED = 6


@dataclass(frozen=True)
class Drawing:
    """A figure.

    Attributes:
        name: the stem of its files.
        caption: what it shows, as a paper prints it; or why there is no figure.
        rows: every number behind it.
        omitted: what is left out and why, for those who read the folder.
        canvas: matplotlib's figure, None if there is nothing to draw.
    """

    name: str
    caption: str
    rows: tuple[Row, ...] = ()
    omitted: str = ""
    canvas: Canvas | None = field(default=None, compare=False)


def save(drawing: Drawing, folder: Path) -> tuple[Path, ...]:
    """Write the figure in every format; return the paths, none if there is nothing to draw."""
    if drawing.canvas is None:
        return ()
    paths = tuple(folder / f"{drawing.name}.{suffix}" for suffix in FORMATS)
    with warnings.catch_warnings():
        # A character that the font lacks is drawn as a box; the caption and the table have it.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        for path in paths:
            drawing.canvas.savefig(path, metadata=FORMATS[path.suffix[1:]])
    return paths


def no_figure(name: str, about: str, why: str, omitted: str = "", rows: tuple[Row, ...] = ()) -> Drawing:
    """In place of a figure, what it would show and why there is none."""
    return Drawing(name, f"No figure of {about}: {why}", rows, omitted)


def columns(quantity: Quantity, prefix: str = "") -> Row:
    """A quantity as columns of a table, in the record's units."""
    low, high = quantity.ci95 or (None, None)
    found: Row = {
        "value": quantity.value, "unit": quantity.unit, "low": low, "high": high, "method": quantity.method,
        "note": quantity.note, "flaw": quantity.flaw,
    }  # fmt: skip
    return {f"{prefix}{name}": value for name, value in found.items()}


def left_out(reasons: Mapping[str, str]) -> str:
    """A sentence on what is missing and why, cut to a readable length."""
    groups = grouped((reason, name) for name, reason in reasons.items())
    parts = [f"{enumerated(names)} ({reason})" for reason, names in list(groups.items())[:NAMED]]
    if len(groups) > NAMED:
        parts.append(f"{sum(len(names) for names in list(groups.values())[NAMED:])} more")
    return f"Left out: {'; '.join(parts)}." if parts else ""


def flawed_numbers(rows: Sequence[Row]) -> str:
    """The meaning of the sign of flawed numbers in a figure."""
    found = [str(value) for row in rows for name, value in row.items() if name.endswith("flaw") and value]
    return f"{SIGN}: {meaning(found).replace('; ', ', or ')}." if found else ""


def enumerated(names: Sequence[str]) -> str:
    """The names, or the first few and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def sentences(*parts: str) -> str:
    """The parts that are not empty, joined by spaces."""
    return " ".join(part for part in parts if part)
