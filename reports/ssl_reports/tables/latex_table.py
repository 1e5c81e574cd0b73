"""A paper's table in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.flaw_marks import SIGN
from ssl_reports.tables.fit import GAP, Fit, Width, fit, heads
from ssl_reports.tables.latex import escape_latex, number, tabular
from ssl_reports.tables.notes import Notes, marked
from ssl_reports.tables.table import LONG, Cite, Column, PaperTable, Shown, times, word

Font = Literal["serif", "sans"]
FONTS: dict[Font, str] = {"serif": "\\rmfamily", "sans": "\\sffamily"}


def latex(table: PaperTable, width: Width | None = None, font: Font | None = None) -> str:
    """The table and its notes, without float and caption; with a `width`, in the type and the parts in which it fits it; in its own font if asked."""
    notes = Notes()
    rows = [[_cell(shown, notes) for shown in line] for line in table.lines()]
    named = [(column.name, column.shown_unit) for column in table.heads]
    if width is None:
        lines = [
            [name for name, _ in named],
            *([[unit for _, unit in named]] if any(unit for _, unit in named) else []),
        ]
        found = Fit("", (tuple(range(len(named))),))
    else:
        texts = _read(table)
        lines = heads(named, texts)
        found = fit([*lines, *texts], width)
    escaped = [list(map(escape_latex, line)) for line in lines]
    blocks = [_block(table, escaped, rows, block) for block in found.blocks]
    said = notes.foot(table)
    tail = "\n\\quad ".join(
        f"\\textsuperscript{{{_sign(sign)}}}{escape_latex(text)}" if sign else escape_latex(text) for sign, text in said
    )
    below = f"\\par\\smallskip\\noindent\n\\begin{{minipage}}{{\\linewidth}}\\scriptsize\\raggedright\n{tail}\n\\end{{minipage}}\n"
    commands = [FONTS[font]] if font else []
    commands += [f"\\{found.size}\\setlength{{\\tabcolsep}}{{{GAP:g}pt}}"] if found.size else []
    sized = f"\\begingroup{''.join(commands)}\n" if commands else ""
    body = "\\par\\medskip\\noindent\n".join(blocks)
    parts = f"% too wide for the column: set in {len(blocks)} parts\n" if len(blocks) > 1 else ""
    return (
        f"% {table.name}: needs T1 fonts, booktabs, longtable and siunitx\n{parts}{sized}{body}{below if said else ''}"
        + ("\\endgroup\n" if sized else "")
    )


def _block(
    table: PaperTable, lines: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], block: Sequence[int]
) -> str:
    """The columns of one part between rules."""
    columns = table.heads
    kinds = "".join("r" if columns[i].unit else _text_column(columns[i]) for i in block)
    head = [" & ".join(line[i] for i in block) for line in lines if any(line[i] for i in block)]
    cells = [[row[i] for i in block] for row in rows]
    return tabular(kinds, [" \\\\\n".join(head)], cells, long=len(rows) > LONG, ruled=table.ruled)


def _read(table: PaperTable) -> list[list[str]]:
    """The cells of a table as a reader sees them."""
    notes = Notes()
    return [[_text(shown) + marked(shown, notes) for shown in line] for line in table.lines()]


def _text(shown: Shown) -> str:
    return shown.number() if isinstance(shown.cell, Quantity) else word(shown.cell)


def _text_column(column: Column) -> str:
    return "l" if column.width is None else f">{{\\raggedright\\arraybackslash}}p{{{column.width:g}\\linewidth}}"


def _cell(shown: Shown, notes: Notes) -> str:
    match shown.cell:
        case None:
            return ""
        case str():
            return escape_latex(shown.cell)
        case Cite():
            return f"\\cite{{{shown.cell.key}}}"
    text = number(shown.cell, shown.column.factor, shown.column.digits) or "n/a"
    text = f"\\textbf{{{text}}}" if shown.best else text
    ratio = "" if shown.ratio is None else f" ({times(shown.ratio)})"
    return text + ratio + _sign(marked(shown, notes, "\\textsuperscript{{{}}}"))


def _sign(mark: str) -> str:
    return mark.replace(SIGN, escape_latex(SIGN))
