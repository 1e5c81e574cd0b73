"""One table of a paper in three forms: LaTeX, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field

from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_reports.flaw_marks import SIGN, meaning, sign
from ssl_reports.tables.latex import (
    decimal,
    escape_latex,
    fixed,
    half_width,
    number,
    places_of,
    scaled,
    single,
    tabular,
)

MARKS: dict[Method, tuple[str, str]] = {
    "sampled": ("a", "sampled: integrated power samples"),
    "modelled": ("b", "modelled: an estimate, not metered"),
    "analytic": ("c", "counted from the graph"),
    "projected": ("d", "projected: a measured rate times a stated amount of audio"),
    "published": ("e", "published by others"),
}
"""The sign and meaning of each method; measured numbers have none."""

LONG = 40
"""The most rows of a table that does not break over pages."""

REASONS = 9
"""The most distinct reasons in a table's notes; the CSV has all."""


@dataclass(frozen=True)
class Column:
    """A column: numbers are shown times `factor` in `unit`; `width` is that of wrapped text, as a share of the line."""

    name: str
    unit: str = ""
    factor: float = 1.0
    width: float | None = None


@dataclass(frozen=True)
class Cite:
    """A cell that names a reference of `ssl_reports.reading.references`."""

    key: str
    text: str


Cell = str | Quantity | Cite | None


@dataclass(frozen=True)
class PaperTable:
    """A table.

    Attributes:
        name: the stem of its files.
        caption: one sentence.
        columns, rows: of the same width.
        notes: below the table, before those that its cells need.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass
class _Notes:
    """Which signs a table's cells use."""

    methods: set[Method] = field(default_factory=set)
    flaws: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)

    def mark(self, quantity: Quantity) -> str:
        if quantity.value is not None:
            if quantity.flaw:
                self.flaws.append(quantity.flaw)
            return ",".join(filter(None, (self._method(quantity), sign(quantity))))
        if quantity.note not in self.reasons and len(self.reasons) == REASONS:
            return "*"
        return self.reasons.setdefault(quantity.note, str(len(self.reasons) + 1))

    def _method(self, quantity: Quantity) -> str:
        self.methods.add(quantity.method)
        if quantity.method == "projected" and "modelled rate" in quantity.note:
            self.methods.add("modelled")
            return f"{MARKS['modelled'][0]},{MARKS['projected'][0]}"
        return MARKS[quantity.method][0] if quantity.method in MARKS else ""

    def lines(self, *, more: bool) -> list[tuple[str, str]]:
        """Sign and meaning."""
        lines = [("", "Unmarked numbers are measured; intervals are of 95 %.")] if self.methods else []
        lines += [MARKS[method] for method in MARKS if method in self.methods]
        lines += [(SIGN, meaning(self.flaws))] if self.flaws else []
        lines += [(number, f"not available: {reason}") for reason, number in self.reasons.items()]
        return [*lines, *([("*", "not available: see the table's CSV")] if more else [])]


def latex(table: PaperTable) -> str:
    """The table and its notes, without float and caption."""
    notes = _Notes()
    rows = [
        [_latex_cell(cell, column, notes) for cell, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    widths = ["r" if column.unit else _text_column(column) for column in table.columns]
    header = [escape_latex(column.name) for column in table.columns]
    units = [escape_latex(column.unit) if column.unit != "1" else "" for column in table.columns]
    heads = [" & ".join(header), " & ".join(units)] if any(units) else [" & ".join(header)]
    body = tabular("".join(widths), [" \\\\\n".join(heads)], rows, long=len(rows) > LONG)
    more = any("\\textsuperscript{*}" in cell for row in rows for cell in row)
    said = [("", note) for note in table.notes] + notes.lines(more=more)
    tail = "\n\\quad ".join(
        f"\\textsuperscript{{{_latex_sign(sign)}}}{escape_latex(text)}" if sign else escape_latex(text)
        for sign, text in said
    )
    below = f"\\par\\smallskip\\noindent\n\\begin{{minipage}}{{\\linewidth}}\\scriptsize\\raggedright\n{tail}\n\\end{{minipage}}\n"
    return f"% {table.name}: needs T1 fonts, booktabs, longtable and siunitx\n{body}{below if said else ''}"


def _text_column(column: Column) -> str:
    return "l" if column.width is None else f">{{\\raggedright\\arraybackslash}}p{{{column.width:g}\\linewidth}}"


def _latex_cell(cell: Cell, column: Column, notes: _Notes) -> str:
    match cell:
        case None:
            return ""
        case str():
            return escape_latex(cell)
        case Cite():
            return f"\\cite{{{cell.key}}}"
    mark = notes.mark(cell)
    shown = number(cell, column.factor) or "n/a"
    return shown + (f"\\textsuperscript{{{_latex_sign(mark)}}}" if mark else "")


def _latex_sign(mark: str) -> str:
    return mark.replace(SIGN, escape_latex(SIGN))


def markdown(table: PaperTable) -> str:
    """The same with its caption; the sign of a method stands after its number."""
    notes = _Notes()
    rows = [
        [_markdown_cell(cell, column, notes) for cell, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]
    header = [c.name + (f" ({c.unit})" if c.unit not in {"", "1"} else "") for c in table.columns]
    rule = "|".join(" ---: " if column.unit else " --- " for column in table.columns)
    body = "\n".join(f"| {' | '.join(row)} |" for row in [[escape_markdown(h) for h in header], *rows])
    head, _, rest = body.partition("\n")
    more = any("<sup>*</sup>" in cell for row in rows for cell in row)
    said = [("", note) for note in table.notes] + notes.lines(more=more)
    tail = "".join(f"- {f'<sup>{sign}</sup> ' if sign else ''}{escape_markdown(text)}\n" for sign, text in said)
    return f"# {escape_markdown(table.caption)}\n\n{head}\n|{rule}|\n{rest}\n\n{tail}"


def _markdown_cell(cell: Cell, column: Column, notes: _Notes) -> str:
    match cell:
        case None:
            return ""
        case str():
            return escape_markdown(cell)
        case Cite():
            return escape_markdown(cell.text)
    mark = notes.mark(cell)
    return plain_number(cell, column.factor) + (f" <sup>{mark}</sup>" if mark else "")


def plain_number(quantity: Quantity, factor: float = 1.0) -> str:
    """Value with its uncertainty in plain text: "12.34 ± 0.21", "12.3 [9.10, 20.0]", or "n/a"."""
    if quantity.value is None:
        return "n/a"
    value, ends = scaled(quantity, factor)
    if ends is None:
        return single(quantity, value)
    half = half_width(value, ends)
    if half is not None:
        places = places_of(half)
        return f"{fixed(value, places)} ± {fixed(half, places)}"
    return f"{decimal(value)} [{decimal(ends[0])}, {decimal(ends[1])}]"


def escape_markdown(text: str) -> str:
    """Any text, escaped for a cell; line ends become spaces."""
    flat = " ".join(text.split())
    flat = "".join(f"\\{letter}" if letter in "\\`*_[]|~#" else letter for letter in flat)
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def comma_separated(table: PaperTable) -> str:
    """The table as CSV, with every number in full: value, both ends, method, note and flaw, in the table's units."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    numeric = [
        any(isinstance(row[i], Quantity) for row in table.rows) or bool(c.unit) for i, c in enumerate(table.columns)
    ]
    parts = ("", " low", " high", " method", " note", " flaw")
    writer.writerow(
        [
            f"{_title(c)}{part}"
            for c, is_number in zip(table.columns, numeric, strict=True)
            for part in (parts if is_number else parts[:1])
        ]
    )
    for row in table.rows:
        cells: list[str] = []
        for cell, column, is_number in zip(row, table.columns, numeric, strict=True):
            cells += _full(cell, column) if is_number else [_word(cell)]
        writer.writerow(cells)
    return file.getvalue()


def _title(column: Column) -> str:
    return column.name + (f" [{column.unit}]" if column.unit not in {"", "1"} else "")


def _word(cell: Cell) -> str:
    return "" if cell is None else cell.text if isinstance(cell, Cite) else str(cell)


def _full(cell: Cell, column: Column) -> list[str]:
    if not isinstance(cell, Quantity):
        return [_word(cell), "", "", "", "", ""]
    if cell.value is None:
        return ["", "", "", cell.method, cell.note, ""]
    value, ends = scaled(cell, column.factor)
    low, high = ("", "") if ends is None else (repr(ends[0]), repr(ends[1]))
    return [repr(value), low, high, cell.method, cell.note, cell.flaw]
