"""One table of a paper: its columns, its cells, and what is emphasised, compared and ruled off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_reports.tables.numbers import DIGITS, decimal, plain_number, with_commas

ABSENT = "not measured in these runs"
"""The reason why a figure is missing that nobody asked for: a dash says as much."""
DASH = "–"
"""What stands for it."""
LONG = 40
"""The most rows of a table that does not break over pages."""
TALL = 70
"""The most lines of one."""


@dataclass(frozen=True)
class Column:
    """A column: numbers are shown times `factor` in `unit`.

    Attributes:
        name: in data.
        head: above the column; the name with a capital if it is empty.
        group: the head above several columns, for forms that have one; such a form shows `short` below it.
        short: the head within its group.
        better: which way is better, shown as an arrow.
        key: of the reference behind the head; empty for none.
        width: of text that is wrapped beyond it, as a share of the line.
        method: what a note says of the whole column, so that a cell of this method carries no sign.
        digits: significant digits; see `ssl_reports.tables.latex.DIGITS`.
    """

    name: str
    unit: str = ""
    factor: float = 1.0
    width: float | None = None
    method: Method | None = None
    digits: int = DIGITS
    head: str = ""
    group: str = ""
    short: str = ""
    better: Literal["low", "high"] | None = None
    key: str = ""

    @property
    def title(self) -> str:
        """The head with its arrow."""
        return (self.head or self.name[:1].upper() + self.name[1:]) + self._arrow

    @property
    def within_group(self) -> str:
        """The head below that of its group."""
        return self.short + self._arrow if self.short else self.title

    @property
    def _arrow(self) -> str:
        return "" if self.better is None else "\u00a0↓" if self.better == "low" else "\u00a0↑"

    @property
    def shown_unit(self) -> str:
        """The unit as heads show it: none for plain numbers; data has it in plain letters."""
        return "" if self.unit == "1" else self.unit.replace("x real", "× real")

    @property
    def titled(self) -> str:
        """The head with its unit, where it has one to show."""
        return f"{self.title} ({self.shown_unit})" if self.shown_unit else self.title

    def keyed(self, form: str = "{} ({})") -> str:
        """The name in data with its unit, where it has one to show."""
        return form.format(self.name, self.unit) if self.shown_unit else self.name


@dataclass(frozen=True)
class Cite:
    """A cell that names a reference of `ssl_reports.reading.references`."""

    key: str
    text: str


@dataclass(frozen=True)
class Words:
    """A text that is shown in other words than it has in data, or with a reference behind it.

    Attributes:
        shown: by the forms for reading.
        data: in CSV and JSON.
        key: of the reference; empty for none.
    """

    shown: str
    data: str
    key: str = ""


Cell = str | Quantity | Cite | Words | None


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
            return DASH
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
        sources: how notes name where numbers from elsewhere are from, by the notes of these numbers.
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
    sources: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def filled(self) -> tuple[int, ...]:
        """The columns that say anything."""
        columns = range(len(self.columns))
        return tuple(
            i
            for i in columns
            if not self.rows or any(isinstance(row[i], Quantity) or word(row[i]) for row in self.rows)
        )

    @property
    def heads(self) -> tuple[Column, ...]:
        """The columns as they are shown."""
        if not self.turned:
            return tuple(self.columns[i] for i in self.filled)
        models = ((word(row[0]), row[0].key if isinstance(row[0], Words) else "") for row in self.rows)
        return Column(""), *(Column(name, "1", head=name, key=key) for name, key in models)

    def lines(self) -> Iterator[list[Shown]]:
        """The cells line by line, as they are shown."""
        across = list(self.upright())
        if not self.turned:
            yield from ([row[i] for i in self.filled] for row in across)
            return
        for i in self.filled[1:]:
            yield [Shown(self.columns[i].titled, self.columns[0]), *(row[i] for row in across)]

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
    """A ratio without its interval: "0.480×"."""
    return "n/a" if ratio.value is None else f"{with_commas(decimal(ratio.value))}×"


def word(cell: Cell) -> str:
    """The text that is shown of a cell that holds no number."""
    match cell:
        case None:
            return ""
        case Cite():
            return cell.text
        case Words():
            return cell.shown
    return str(cell)
