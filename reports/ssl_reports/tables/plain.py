"""A paper's table as aligned text: for a terminal, a pipe or a mail. Nothing is cut; what is too wide is folded."""

from __future__ import annotations

import textwrap

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.fit import heads
from ssl_reports.tables.table import Cell, Column, Notes, PaperTable, plain_number, word

GAP = "  "


def plain_text(table: PaperTable, width: int = 80) -> str:
    """The table and its notes in lines of at most `width` characters, as far as single cells allow.

    A table that is wider is folded: its first column is repeated before the columns that did not fit.
    """
    notes = Notes()
    rows = [[_text(cell, column, notes, best=best) for cell, column, best in row] for row in table.numbered()]
    lines = heads([(column.name, column.shown_unit) for column in table.columns], rows)
    widths = [max(len(line[i]) for line in (*lines, *rows)) for i in range(len(table.columns))]
    numeric = [column.unit != "" for column in table.columns]
    blocks = ["\n".join(_block(part, lines, rows, widths, numeric)) for part in _folds(widths, width)]
    said = [(f"{sign} " if sign else "") + text for sign, text in notes.foot(table)]
    foot = [line for text in said for line in textwrap.wrap(text, width, subsequent_indent=GAP)]
    return "\n\n".join([table.caption, *blocks, "\n".join(foot)]) + "\n"


def _text(cell: Cell, column: Column, notes: Notes, *, best: bool) -> str:
    if not isinstance(cell, Quantity):
        return " ".join(word(cell).split())
    mark = notes.mark(cell, column)
    return ("*" if best else "") + plain_number(cell, column.factor) + (f" {mark}" if mark else "")


def _folds(widths: list[int], width: int) -> list[list[int]]:
    """The columns of each block, the first column apart, so that a block fits where its columns allow it."""
    blocks: list[list[int]] = [[]]
    used = widths[0]
    for i, wide in enumerate(widths[1:], start=1):
        if blocks[-1] and used + len(GAP) + wide > width:
            blocks.append([])
            used = widths[0]
        blocks[-1].append(i)
        used += len(GAP) + wide
    return blocks


def _block(
    columns: list[int], lines: list[list[str]], rows: list[list[str]], widths: list[int], numeric: list[bool]
) -> list[str]:
    def line(cells: list[str]) -> str:
        placed = [cells[i].rjust(widths[i]) if numeric[i] else cells[i].ljust(widths[i]) for i in (0, *columns)]
        return GAP.join(placed).rstrip()

    shown = [text for text in map(line, lines) if text]
    rule = "-" * max(len(each) for each in (*shown, *map(line, rows)))
    return [*shown, rule, *map(line, rows)]
