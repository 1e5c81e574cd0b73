"""Columns of LaTeX tables whose numbers are aligned at their decimal point by siunitx."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.numbers import plain_number
from ssl_reports.tables.table import Shown

PLAIN = re.compile(r"(?P<sign>-?)(?P<whole>\d+)(?:\.(?P<part>\d+))?(?: \+- (?P<error>\d+(?:\.\d+)?))?")


@dataclass(frozen=True)
class Alignment:
    """The room that the numbers of a column need.

    Attributes:
        sign: whether any is negative.
        whole, part: the most digits before and behind the decimal point.
        error: the most digits of an uncertainty, its decimals included; 0 without any.
    """

    sign: bool
    whole: int
    part: int
    error: int

    def column(self, mark: str) -> str:
        """The column's type for `tabular`, with room for the widest sign behind a number, in LaTeX."""
        decimals = f".{self.part}" if self.part else ""
        error = f"({self.error})" if self.error else ""
        room = f"{{{mark}}}" if mark else ""
        return f"S[table-format={{{'-' * self.sign}{self.whole}{decimals}{error}{room}}}]"

    @property
    def widest(self) -> str:
        """A number as wide as the column's room."""
        decimals = f".{'0' * self.part}" if self.part else ""
        error = f" ± {'0' * (self.error - self.part)}{decimals}" if self.error else ""
        spaces = " " * ((self.whole - 1) // 3)  # between groups of digits
        return "-" * self.sign + "0" * self.whole + spaces + decimals + error


def aligned(column: Sequence[Shown]) -> Alignment | None:
    """The alignment of a column's figures; None where siunitx would pull them apart: where their precision differs.

    Numbers in brackets, with a power of ten or with a ratio are not aligned either.
    """
    figures = [shown for shown in column if isinstance(shown.cell, Quantity) and shown.cell.value is not None]
    matches = [PLAIN.fullmatch(text_of(shown)) for shown in figures]
    found = [match for match in matches if match is not None]
    texts = any(not isinstance(shown.cell, Quantity) or shown.ratio is not None for shown in column)
    if texts or not found or len(found) < len(matches):
        return None
    errors = {len((match["error"] or "").replace(".", "")) for match in found}
    parts = {len(match["part"] or "") for match in found}
    if errors != {0} and (len(parts) > 1 or len(errors) > 1):
        return None
    return Alignment(
        any(match["sign"] for match in found), max(len(match["whole"]) for match in found), max(parts), max(errors)
    )


def text_of(shown: Shown) -> str:
    """A figure as siunitx reads it: "12.34 +- 0.21"."""
    if not isinstance(shown.cell, Quantity):
        raise TypeError("no figure")
    return plain_number(shown.cell, shown.column.factor, shown.column.digits, " +- ")
