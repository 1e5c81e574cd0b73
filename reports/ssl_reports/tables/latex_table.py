"""A paper's table in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.alignment import Alignment, aligned, text_of
from ssl_reports.tables.fit import GAP, Fit, Width, fit, heads
from ssl_reports.tables.latex import escape_latex, number, tabular
from ssl_reports.tables.notes import Notes
from ssl_reports.tables.table import LONG, Cell, Cite, PaperTable, Shown, times, word

Font = Literal["serif", "sans"]
FONTS: dict[Font, str] = {"serif": "\\rmfamily", "sans": "\\sffamily"}


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

    def kind(self, i: int) -> str:
        """The type of a column for `tabular`."""
        alignment, column = self.alignments[i], self.table.heads[i]
        if alignment is not None:
            return alignment.column(_raised(self._widest(i)))
        if column.unit:
            return "r"
        return "l" if column.width is None else f">{{\\raggedright\\arraybackslash}}p{{{column.width:g}\\linewidth}}"

    def _widest(self, i: int) -> str:
        """The longest sign behind a number of a column."""
        known = zip(self.lines, self.signs, strict=True)
        return max((signs[i] for line, signs in known if _has_value(line[i].cell)), key=len, default="")


def latex(table: PaperTable, width: Width | None = None, font: Font | None = None) -> str:
    """The table and its notes, without float and caption; with a `width`, in the type and the parts in which it fits it; in its own font if asked."""
    notes, lines = Notes(), list(table.lines())
    signs = [[notes.marks(shown) for shown in line] for line in lines]
    body = _Body(table, lines, signs, [aligned([line[i] for line in lines]) for i in range(len(table.heads))])
    named = [(column.name, column.shown_unit) for column in table.heads]
    if width is None:
        units = [unit for _, unit in named]
        head, found = (
            [[name for name, _ in named], *([units] if any(units) else [])],
            Fit("", (tuple(range(len(named))),)),
        )
    else:
        head = heads(named, body.read)
        found = fit([*head, *body.read], width)
    cells, typeset = body.cells, [list(map(_typeset, line)) for line in head]
    blocks = [_block(body, typeset, cells, block) for block in found.blocks]
    said = notes.foot(table)
    tail = "\n\\quad ".join(f"{_raised(sign)}{_typeset(text)}" for sign, text in said)
    below = f"\\par\\smallskip\\noindent\n\\begin{{minipage}}{{\\linewidth}}\\scriptsize\\raggedright\n{tail}\n\\end{{minipage}}\n"
    commands = [FONTS[font]] if font else []
    commands += [f"\\{found.size}\\setlength{{\\tabcolsep}}{{{GAP:g}pt}}"] if found.size else []
    commands += ["\\sisetup{separate-uncertainty=true,detect-all}"]
    parts = f"% too wide for the column: set in {len(blocks)} parts\n" if len(blocks) > 1 else ""
    needs = f"% {table.name}: needs T1 fonts, booktabs, longtable and siunitx\n"
    whole = "\\par\\medskip\\noindent\n".join(blocks)
    return f"{needs}{parts}\\begingroup{''.join(commands)}\n{whole}{below if said else ''}\\endgroup\n"


def _block(body: _Body, head: Sequence[Sequence[str]], cells: Sequence[Sequence[str]], block: Sequence[int]) -> str:
    """The columns of one part between rules."""
    lines = [
        " & ".join(f"{{{line[i]}}}" if body.alignments[i] else line[i] for i in block)
        for line in head
        if any(line[i] for i in block)
    ]
    rows = [[row[i] for i in block] for row in cells]
    kinds = "".join(map(body.kind, block))
    return tabular(kinds, [" \\\\\n".join(lines)], rows, long=len(rows) > LONG, ruled=body.table.ruled)


def _has_value(cell: Cell) -> bool:
    return isinstance(cell, Quantity) and cell.value is not None


def _text(shown: Shown) -> str:
    return shown.number() if isinstance(shown.cell, Quantity) else word(shown.cell)


def _cell(shown: Shown, sign: str, alignment: Alignment | None) -> str:
    match shown.cell:
        case None:
            return ""
        case str():
            return _typeset(shown.cell)
        case Cite():
            return f"\\cite{{{shown.cell.key}}}"
    if shown.cell.value is None:
        missing = "--" if shown.absent else f"n/a{_raised(sign)}"
        return f"{{{missing}}}" if alignment else missing
    if alignment is not None:
        return ("\\bfseries " if shown.best else "") + text_of(shown) + _raised(sign)
    text = number(shown.cell, shown.column.factor, shown.column.digits)
    text = f"\\textbf{{{text}}}" if shown.best else text
    ratio = "" if shown.ratio is None else f" ({times(shown.ratio).removesuffix('x')}\\texttimes{{}})"
    return text + ratio + _raised(sign)


def _raised(sign: str) -> str:
    return f"\\textsuperscript{{{escape_latex(sign)}}}" if sign else ""


def _typeset(text: str) -> str:
    """A head or a note, with the signs of the field."""
    known = escape_latex(text).replace("CO2e", "CO\\textsubscript{2}e")
    return known.replace("x real time", "\\texttimes{} real time")
