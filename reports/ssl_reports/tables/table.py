"""One table of a paper in three forms: LaTeX, Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_reports.flaw_marks import SIGN, meaning, sign
from ssl_reports.tables.fit import GAP, Fit, Width, fit, heads
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
    """A column: numbers are shown times `factor` in `unit`.

    Attributes:
        width: of wrapped text, as a share of the line.
        method: what a note says of the whole column, so that a cell of this method carries no sign.
    """

    name: str
    unit: str = ""
    factor: float = 1.0
    width: float | None = None
    method: Method | None = None

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
class PaperTable:
    """A table.

    Attributes:
        name: the stem of its files.
        caption: one sentence.
        columns, rows: of the same width.
        notes: below the table, before those that its cells need.
        best: row and column of the figures that are emphasised.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    best: frozenset[tuple[int, int]] = frozenset()

    def numbered(self) -> Iterator[list[tuple[Cell, Column, bool]]]:
        """Row by row, each cell with its column and whether it is emphasised."""
        for line, row in enumerate(self.rows):
            yield [
                (cell, column, (line, place) in self.best)
                for place, (cell, column) in enumerate(zip(row, self.columns, strict=True))
            ]


@dataclass
class Notes:
    """Which signs a table's cells use.

    Attributes:
        methods, flaws: of the figures that were marked.
        reasons: the sign of each, for the figures that are missing.
        more: whether some reasons have no sign of their own.
    """

    methods: set[Method] = field(default_factory=set)
    flaws: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    more: bool = False

    def mark(self, quantity: Quantity, column: Column) -> str:
        """The signs of a figure, or the number of the reason why there is none."""
        if quantity.value is not None:
            if quantity.flaw:
                self.flaws.append(quantity.flaw)
            method = "" if quantity.method == column.method else self._method(quantity)
            return ",".join(filter(None, (method, sign(quantity))))
        if quantity.note not in self.reasons and len(self.reasons) == REASONS:
            self.more = True
            return "*"
        return self.reasons.setdefault(quantity.note, str(len(self.reasons) + 1))

    def _method(self, quantity: Quantity) -> str:
        self.methods.add(quantity.method)
        # Carbon is modelled even where its energy was measured; see `ssl_benchmarks.energy.carbon.co2e`.
        if quantity.method == "projected" and ("modelled rate" in quantity.note or quantity.unit == "g"):
            self.methods.add("modelled")
            return f"{MARKS['modelled'][0]},{MARKS['projected'][0]}"
        return MARKS[quantity.method][0] if quantity.method in MARKS else ""

    def foot(self, table: PaperTable) -> list[tuple[str, str]]:
        """The lines below a table: its own notes, then sign and meaning of all that its cells used."""
        return [("", note) for note in table.notes] + self.lines()

    def lines(self) -> list[tuple[str, str]]:
        """Sign and meaning of all that were used."""
        lines = [("", "Unmarked numbers are measured; intervals are 95 % intervals.")] if self.methods else []
        lines += [MARKS[method] for method in MARKS if method in self.methods]
        lines += [(SIGN, meaning(self.flaws))] if self.flaws else []
        lines += [(number, f"not available: {reason}") for reason, number in self.reasons.items()]
        return [*lines, *([("*", "not available: see the table's CSV")] if self.more else [])]


def latex(table: PaperTable, width: Width | None = None) -> str:
    """The table and its notes, without float and caption; with a `width`, in the type and the parts in which it fits it."""
    notes = Notes()
    rows = [[_latex_cell(*cell, notes) for cell in row] for row in table.numbered()]
    named = [(column.name, column.shown_unit) for column in table.columns]
    if width is None:
        lines = [
            [name for name, _ in named],
            *([[unit for _, unit in named]] if any(unit for _, unit in named) else []),
        ]
        found = Fit("", (tuple(range(len(table.columns))),))
    else:
        texts = _read(table)
        lines = heads(named, texts)
        found = fit([*lines, *texts], width)
    escaped = [list(map(escape_latex, line)) for line in lines]
    blocks = [_latex_block(table, escaped, rows, block) for block in found.blocks]
    said = notes.foot(table)
    tail = "\n\\quad ".join(
        f"\\textsuperscript{{{_latex_sign(sign)}}}{escape_latex(text)}" if sign else escape_latex(text)
        for sign, text in said
    )
    below = f"\\par\\smallskip\\noindent\n\\begin{{minipage}}{{\\linewidth}}\\scriptsize\\raggedright\n{tail}\n\\end{{minipage}}\n"
    sized = f"\\begingroup\\{found.size}\\setlength{{\\tabcolsep}}{{{GAP:g}pt}}\n" if found.size else ""
    body = "\\par\\medskip\\noindent\n".join(blocks)
    parts = f"% too wide for the column: set in {len(blocks)} parts\n" if len(blocks) > 1 else ""
    return (
        f"% {table.name}: needs T1 fonts, booktabs, longtable and siunitx\n{parts}{sized}{body}{below if said else ''}"
        + ("\\endgroup\n" if sized else "")
    )


def _latex_block(
    table: PaperTable, lines: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], block: Sequence[int]
) -> str:
    """The columns of one part between rules."""
    kinds = "".join("r" if table.columns[i].unit else _text_column(table.columns[i]) for i in block)
    head = [" & ".join(line[i] for i in block) for line in lines if any(line[i] for i in block)]
    cells = [[row[i] for i in block] for row in rows]
    return tabular(kinds, [" \\\\\n".join(head)], cells, long=len(rows) > LONG)


def _read(table: PaperTable) -> list[list[str]]:
    """The cells of a table as a reader sees them."""
    notes = Notes()
    rows = []
    for row in table.numbered():
        texts = []
        for cell, column, _ in row:
            mark = notes.mark(cell, column) if isinstance(cell, Quantity) else ""
            texts.append((plain_number(cell, column.factor) if isinstance(cell, Quantity) else word(cell)) + mark)
        rows.append(texts)
    return rows


def _text_column(column: Column) -> str:
    return "l" if column.width is None else f">{{\\raggedright\\arraybackslash}}p{{{column.width:g}\\linewidth}}"


def _latex_cell(cell: Cell, column: Column, best: bool, notes: Notes) -> str:  # noqa: FBT001 - as `numbered` has it
    match cell:
        case None:
            return ""
        case str():
            return escape_latex(cell)
        case Cite():
            return f"\\cite{{{cell.key}}}"
    mark = notes.mark(cell, column)
    shown = number(cell, column.factor) or "n/a"
    shown = f"\\textbf{{{shown}}}" if best else shown
    return shown + (f"\\textsuperscript{{{_latex_sign(mark)}}}" if mark else "")


def _latex_sign(mark: str) -> str:
    return mark.replace(SIGN, escape_latex(SIGN))


def markdown(table: PaperTable) -> str:
    """The same with its caption; the sign of a method stands after its number."""
    notes = Notes()
    rows = [[_markdown_cell(*cell, notes) for cell in row] for row in table.numbered()]
    header = [column.titled() for column in table.columns]
    rule = "|".join(" ---: " if column.unit else " --- " for column in table.columns)
    body = "\n".join(f"| {' | '.join(row)} |" for row in [[escape_markdown(h) for h in header], *rows])
    head, _, rest = body.partition("\n")
    said = notes.foot(table)
    tail = "".join(f"- {f'<sup>{sign}</sup> ' if sign else ''}{escape_markdown(text)}\n" for sign, text in said)
    return f"# {escape_markdown(table.caption)}\n\n{head}\n|{rule}|\n{rest}\n\n{tail}"


def _markdown_cell(cell: Cell, column: Column, best: bool, notes: Notes) -> str:  # noqa: FBT001 - as `numbered` has it
    match cell:
        case None:
            return ""
        case str():
            return escape_markdown(cell)
        case Cite():
            return escape_markdown(cell.text)
    mark = notes.mark(cell, column)
    shown = plain_number(cell, column.factor)
    return (f"**{shown}**" if best else shown) + (f" <sup>{mark}</sup>" if mark else "")


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
            f"{c.titled('{} [{}]')}{part}"
            for c, is_number in zip(table.columns, numeric, strict=True)
            for part in (parts if is_number else parts[:1])
        ]
    )
    for row in table.rows:
        cells: list[str] = []
        for cell, column, is_number in zip(row, table.columns, numeric, strict=True):
            cells += _full(cell, column) if is_number else [word(cell)]
        writer.writerow(cells)
    return file.getvalue()


def rows_of(table: PaperTable) -> list[dict[str, object]]:
    """Each row by the names of the columns: text, or value, interval, unit, method, note and flaw in the table's units."""
    return [{column.name: _document(cell, column) for cell, column, _ in row} for row in table.numbered()]


def _document(cell: Cell, column: Column) -> object:
    if not isinstance(cell, Quantity):
        return word(cell)
    value, ends = (None, None) if cell.value is None else scaled(cell, column.factor)
    return {
        "value": value, "ci95": ends, "unit": column.unit, "method": cell.method, "note": cell.note, "flaw": cell.flaw
    }  # fmt: skip


def word(cell: Cell) -> str:
    """The text of a cell that holds no figure."""
    return "" if cell is None else cell.text if isinstance(cell, Cite) else str(cell)


def _full(cell: Cell, column: Column) -> list[str]:
    if not isinstance(cell, Quantity):
        return [word(cell), "", "", "", "", ""]
    if cell.value is None:
        return ["", "", "", cell.method, cell.note, ""]
    value, ends = scaled(cell, column.factor)
    low, high = ("", "") if ends is None else (repr(ends[0]), repr(ends[1]))
    return [repr(value), low, high, cell.method, cell.note, cell.flaw]
