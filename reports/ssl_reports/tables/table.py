"""One table of a paper: its columns, its cells, and what is emphasised, compared and ruled off."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_reports.tables.numbers import DIGITS, decimal, half_width, plain_number, with_commas

ABSENT = "not measured in these runs"
"""The reason why a figure is missing that nobody asked for: a dash says as much."""
LONG = 40
"""The most rows of a table that does not break over pages."""


@dataclass(frozen=True)
class Column:
    """A column: numbers are shown times `factor` in `unit`.

    Attributes:
        width: of wrapped text, as a share of the line.
        method: what a note says of the whole column, so that a cell of this method carries no sign.
        digits: significant digits; see `ssl_reports.tables.latex.DIGITS`.
    """

    name: str
    unit: str = ""
    factor: float = 1.0
    width: float | None = None
    method: Method | None = None
    digits: int = DIGITS

    @property
    def shown_unit(self) -> str:
        """The unit as heads show it: none for plain numbers."""
        return "" if self.unit == "1" else self.unit

    def titled(self, form: str = "{} ({})") -> str:
        """The name with its unit, where it has one to show."""
        return form.format(self.name, self.shown_unit) if self.shown_unit else self.name


@dataclass(frozen=True)
class Cite:
    """A cell that names a reference of `ssl_reports.reading.references`."""

    key: str
    text: str


Cell = str | Quantity | Cite | None


@dataclass(frozen=True)
class Shown:
    """A cell as the forms of a table show it.

    Attributes:
        column: whose unit, factor and digits the cell has.
        best: whether it is emphasised.
        ratio: to the baseline; None where there is none.
    """

    cell: Cell
    column: Column
    best: bool = False
    ratio: Quantity | None = None

    @property
    def absent(self) -> bool:
        """Whether it is a figure that was not measured at all."""
        return isinstance(self.cell, Quantity) and self.cell.value is None and self.cell.note == ABSENT

    def number(self) -> str:
        """The figure in plain text, with its ratio in brackets.

        Raises:
            TypeError: if the cell is no figure.
        """
        if not isinstance(self.cell, Quantity):
            raise TypeError("no figure")
        if self.absent:
            return "-"
        ratio = "" if self.ratio is None else f" ({times(self.ratio)})"
        return with_commas(plain_number(self.cell, self.column.factor, self.column.digits)) + ratio


@dataclass(frozen=True)
class PaperTable:
    """A table.

    Attributes:
        name: the stem of its files.
        caption: one sentence.
        columns, rows: of the same width.
        notes: below the table, before those that its cells need.
        best: row and column of the figures that are emphasised.
        ratios: of figures to those of a baseline, by row and column.
        ruled: the rows before which a rule stands.
        turned: whether the forms for reading show each row as a column.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    best: frozenset[tuple[int, int]] = frozenset()
    ratios: Mapping[tuple[int, int], Quantity] = field(default_factory=dict)
    ruled: frozenset[int] = frozenset()
    turned: bool = False

    @property
    def heads(self) -> tuple[Column, ...]:
        """The columns as they are shown."""
        if not self.turned:
            return self.columns
        return (replace(self.columns[0], name="", unit=""), *(Column(word(row[0]), "1") for row in self.rows))

    def lines(self) -> Iterator[list[Shown]]:
        """The cells line by line, as they are shown."""
        if not self.turned:
            yield from self.upright()
            return
        across = list(self.upright())
        for place, column in enumerate(self.columns[1:], start=1):
            yield [Shown(column.titled(), self.columns[0]), *(row[place] for row in across)]

    def upright(self) -> Iterator[list[Shown]]:
        """The cells row by row, whichever way they are shown."""
        return map(self._row, range(len(self.rows)))

    def _row(self, number: int) -> list[Shown]:
        pairs = enumerate(zip(self.rows[number], self.columns, strict=True))
        return [
            Shown(cell, column, (number, place) in self.best, self.ratios.get((number, place)))
            for place, (cell, column) in pairs
        ]


def times(ratio: Quantity) -> str:
    """A ratio without its interval, rounded to it: "0.48x"."""
    if ratio.value is None:
        return "n/a"
    half = None if ratio.ci95 is None else half_width(ratio.value, ratio.ci95)
    known = DIGITS if half is None else 2 + math.floor(math.log10(abs(ratio.value) / half))
    return f"{decimal(ratio.value, min(known, DIGITS))}x"


def word(cell: Cell) -> str:
    """The text of a cell that holds no figure."""
    return "" if cell is None else cell.text if isinstance(cell, Cite) else str(cell)
