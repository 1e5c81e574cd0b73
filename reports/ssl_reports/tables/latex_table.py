"""A paper's table in LaTeX."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.alignment import Alignment, aligned, text_of
from ssl_reports.tables.citations import cite
from ssl_reports.tables.fit import GAP, POINTS, SIZES, Fit, Width, ems, fit, heads
from ssl_reports.tables.latex import number, tabular, typeset
from ssl_reports.tables.notes import Notes
from ssl_reports.tables.table import LONG, TALL, Cell, Cite, Column, PaperTable, Shown, Words, times, word

Font = Literal["serif", "sans"]
FONTS: dict[Font, str] = {"serif": "\\rmfamily", "sans": "\\sffamily"}
SISETUP = (
    "\\sisetup{uncertainty-mode=separate,group-separator={,},group-digits=integer,group-minimum-digits=4,%\n"
    "  table-align-text-after=false,mode=match,propagate-math-font=true,reset-math-version=false,%\n"
    "  reset-text-family=false,reset-text-series=false,reset-text-shape=false,text-family-to-math=true,text-series-to-math=true}\n"
)
"""Uncertainties as ± half-width, thousands as in the text, signs close to their numbers, and the font of the text."""


@dataclass(frozen=True)
class Float:
    r"""A floating table.

    Attributes:
        caption: text; empty for none.
        label: for `\ref`; empty for none.
    """

    caption: str = ""
    label: str = ""

    @property
    def above(self) -> str:
        """Caption and label."""
        caption = f"\\caption{{{typeset(self.caption)}}}" if self.caption else ""
        return caption + (f"\\label{{{self.label}}}" if self.label else "")


NO_FLOAT = Float()
CITATION = " [12]"
"""A reference as wide as it is read."""
OPTION = re.compile(r"[;:] (?:add )?--.*$")


@dataclass(frozen=True)
class _Body:
    """The cells of a table, the signs behind them, and how its columns are aligned."""

    table: PaperTable
    lines: list[list[Shown]]
    signs: list[list[str]]
    alignments: list[Alignment | None]

    @property
    def cells(self) -> list[list[str]]:
        """In LaTeX."""
        return [
            list(map(_cell, line, signs, self.alignments)) for line, signs in zip(self.lines, self.signs, strict=True)
        ]

    @property
    def read(self) -> list[list[str]]:
        """As a reader sees them, those of aligned numbers as wide as their column."""
        wide = [
            None if alignment is None else alignment.widest + self._widest(i)
            for i, alignment in enumerate(self.alignments)
        ]
        return [
            [
                _text(shown) + sign if widest is None else widest
                for shown, sign, widest in zip(line, signs, wide, strict=True)
            ]
            for line, signs in zip(self.lines, self.signs, strict=True)
        ]

    def kind(self, i: int, width: Width | None, size: str) -> str:
        """The type of a column for `tabular`."""
        alignment, column = self.alignments[i], self.table.heads[i]
        if alignment is not None:
            return alignment.column(_raised(self._widest(i)))
        if column.unit:
            return "r"
        if column.width is None or max(self.folded(i, width, size), default=1) == 1:
            return "l"
        return f">{{\\raggedright\\arraybackslash}}p{{{column.width:g}\\linewidth}}"

    def folded(self, i: int, width: Width | None, size: str) -> list[int]:
        """The lines of each cell of a column."""
        share = self.table.heads[i].width
        if share is None:
            return [1 for _ in self.lines]
        points = dict(SIZES).get(size, SIZES[0][1])
        return [math.ceil(ems(row[i]) * points / (share * POINTS[width or "double"])) for row in self.read]

    def tall(self, width: Width | None, size: str) -> bool:
        """Whether the table breaks over pages."""
        folded = [self.folded(i, width, size) for i in range(len(self.table.heads))]
        return len(self.lines) > LONG or sum(map(max, zip(*folded, strict=True))) > TALL

    def _widest(self, i: int) -> str:
        """The longest sign behind a number of a column."""
        known = zip(self.lines, self.signs, strict=True)
        return max((signs[i] for line, signs in known if _has_value(line[i].cell)), key=len, default="")


def latex(table: PaperTable, width: Width | None = None, font: Font | None = None, floating: Float = NO_FLOAT) -> str:
    """The table and its notes; with a `width`, in the type and the parts in which it fits it; in its own font if asked.

    With a caption or a label, it is a float: over both columns of the page for the width "double". A table that breaks over
    pages has its caption in its first part.
    """
    notes, lines = Notes(), list(table.lines())
    signs = [[notes.marks(shown) for shown in line] for line in lines]
    body = _Body(table, lines, signs, [aligned([line[i] for line in lines]) for i in range(len(table.heads))])
    found = Fit("", (tuple(range(len(table.heads))),)) if width is None else _fitted(body, width)
    long = body.tall(width, found.size)
    blocks = [
        _block(body, block, found, width, floating.above if long and not i else "")
        for i, block in enumerate(found.blocks)
    ]
    commands = [FONTS[font]] if font else []
    commands += [f"\\{found.size}\\setlength{{\\tabcolsep}}{{{GAP:g}pt}}"] if found.size else []
    parts = f"% too wide for the column: set in {len(blocks)} parts\n" if len(blocks) > 1 else ""
    whole = "\\par\\medskip\\noindent\n".join(blocks)
    text = f"\\begingroup{''.join(commands)}\n{SISETUP}{whole}{_below(notes.cited_foot(table))}\\endgroup\n"
    return (
        f"% {table.name}: needs {', '.join(_needs(text))}\n{parts}{text if long else _floated(text, floating, width)}"
    )


def _fitted(body: _Body, width: Width) -> Fit:
    """How the table fits the width, with whole heads, which are wider than those within a group."""
    columns = body.table.heads
    wrapped = {i: column.width for i, column in enumerate(columns) if column.width is not None}
    whole = heads([(c.title + CITATION * bool(c.key), c.shown_unit) for c in columns], body.read)
    return fit([*whole, *body.read], width, wrapped)


def _needs(text: str) -> list[str]:
    """The packages that a table in LaTeX needs."""
    known = {"longtable": "{longtable}", "array": "\\arraybackslash", "BibTeX": "\\cite{"}
    return ["T1 fonts", "booktabs", "siunitx 3", *(name for name, sign in known.items() if sign in text)]


def _floated(text: str, floating: Float, width: Width | None) -> str:
    if not floating.above:
        return text
    name = "table*" if width == "double" else "table"
    return f"\\begin{{{name}}}[t]\n\\centering\n{floating.above}\n{text}\\end{{{name}}}\n"


def _below(said: Sequence[tuple[str, str]]) -> str:
    """The notes, a line each, without the options that would supply what is missing: these are for who makes the table."""
    if not said:
        return ""
    lines = "\\\\\n".join(f"{_raised(sign)}{typeset(OPTION.sub('', text))}" for sign, text in said)
    return f"\\par\\smallskip\\noindent\n\\begin{{minipage}}{{\\linewidth}}\\scriptsize\\raggedright\n{lines}\n\\end{{minipage}}\\par\n"


def _block(body: _Body, block: Sequence[int], found: Fit, width: Width | None, above: str) -> str:
    """The columns of one part between rules, below the heads of their groups."""
    columns = [body.table.heads[i] for i in block]
    runs = [list(run) for _, run in groupby(columns, key=lambda column: column.group)]
    grouped = {id(column) for run in runs for column in run if _spans(run)}
    named = [
        ((c.within_group if id(c) in grouped else c.title) + (cite(c.key) if c.key else ""), c.shown_unit)
        for c in columns
    ]
    lines = [
        " & ".join(
            f"{{{typeset(cell)}}}" if body.alignments[i] else typeset(cell) for i, cell in zip(block, line, strict=True)
        )
        for line in heads(named, [[row[i] for i in block] for row in body.read])
        if any(line)
    ]
    head = [*_spanning(runs), " \\\\\n".join(lines)]
    rows = [[row[i] for i in block] for row in body.cells]
    kinds = "".join(body.kind(i, width, found.size) for i in block)
    return tabular(
        kinds, ["\n".join(head)], rows, long=body.tall(width, found.size), ruled=body.table.ruled, above=above
    )


def _spans(run: Sequence[Column]) -> bool:
    """Whether columns beside each other stand below the head of their group."""
    return len(run) > 1 and run[0].group != ""


def _spanning(runs: Sequence[Sequence[Column]]) -> list[str]:
    """The line of the groups' heads, and the rules below them; nothing where no group spans columns."""
    cells, rules, first = [], [], 1
    for run in runs:
        last = first + len(run) - 1
        cells.append(
            f"\\multicolumn{{{len(run)}}}{{c}}{{{typeset(run[0].group)}}}" if _spans(run) else "&" * (len(run) - 1)
        )
        rules += [f"\\cmidrule(lr){{{first}-{last}}}"] if _spans(run) else []
        first = last + 1
    return [" & ".join(cells) + " \\\\", "".join(rules)] if rules else []


def _has_value(cell: Cell) -> bool:
    return isinstance(cell, Quantity) and cell.value is not None


def _text(shown: Shown) -> str:
    """A cell as wide as it is read, a reference as "[12]"."""
    if isinstance(shown.cell, Quantity):
        return shown.number()
    return word(shown.cell) + (CITATION if isinstance(shown.cell, Words) and shown.cell.key else "")


def _cell(shown: Shown, sign: str, alignment: Alignment | None) -> str:
    if not isinstance(shown.cell, Quantity):
        return _words(shown.cell)
    if shown.cell.value is None:
        missing = "--" if shown.absent else f"n/a{_raised(sign)}"
        return f"{{{missing}}}" if alignment else missing
    if alignment is not None:
        return ("\\bfseries " if shown.best else "") + text_of(shown) + _raised(sign)
    text = number(shown.cell, shown.column.factor, shown.column.digits)
    text = f"\\textbf{{{text}}}" if shown.best else text
    ratio = "" if shown.ratio is None else f" ({times(shown.ratio).removesuffix('×')}\\texttimes{{}})"
    return text + ratio + _raised(sign)


def _words(cell: str | Cite | Words | None) -> str:
    """A cell without a number."""
    match cell:
        case Cite():
            return f"\\cite{{{cell.key}}}"
        case Words():
            return typeset(cell.shown) + (f"~\\cite{{{cell.key}}}" if cell.key else "")
    return typeset(cell or "")


def _raised(sign: str) -> str:
    return f"\\textsuperscript{{{typeset(sign)}}}" if sign else ""
