"""A paper's table as aligned text: for a terminal, a pipe or a mail. Nothing is cut; what is too wide is folded."""

from __future__ import annotations

import textwrap

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.table import Cell, Cite, Column, Notes, PaperTable, plain_number

GAP = "  "


def plain_text(table: PaperTable, width: int = 80) -> str:
    """The table and its notes in lines of at most `width` characters, as far as single cells allow.

    A table that is wider is folded: its first column is repeated before the columns that did not fit.
    """
    notes = Notes()
    heads = [_head(column) for column in table.columns]
    rows = [[_text(cell, column, notes, best=best) for cell, column, best in row] for row in table.numbered()]
    widths = [max(len(line) for line in (*head, *(row[i] for row in rows))) for i, head in enumerate(heads)]
    blocks = [
        "\n".join(_block(part, heads, rows, widths, [c.unit != "" for c in table.columns]))
        for part in _folds(widths, width)
    ]
    said = [(f"{sign} " if sign else "") + text for sign, text in notes.lines()]
    foot = [line for text in (*table.notes, *said) for line in textwrap.wrap(text, width, subsequent_indent=GAP)]
    return "\n\n".join([table.caption, *blocks, "\n".join(foot)]) + "\n"


def _head(column: Column) -> tuple[str, str]:
    """The name, and the unit below it."""
    return column.name, "" if column.unit == "1" else column.unit


def _text(cell: Cell, column: Column, notes: Notes, *, best: bool) -> str:
    match cell:
        case None:
            return ""
        case Cite():
            return cell.text
        case Quantity():
            mark = notes.mark(cell, column)
            shown = plain_number(cell, column.factor)
            return ("*" if best else "") + shown + (f" {mark}" if mark else "")
    return " ".join(cell.split())


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
    columns: list[int], heads: list[tuple[str, str]], rows: list[list[str]], widths: list[int], numeric: list[bool]
) -> list[str]:
    def line(cells: list[str] | tuple[str, ...]) -> str:
        placed = [cells[i].rjust(widths[i]) if numeric[i] else cells[i].ljust(widths[i]) for i in (0, *columns)]
        return GAP.join(placed).rstrip()

    names, units = ([head[part] for head in heads] for part in (0, 1))
    shown = [line(names), *([line(units)] if any(units) else [])]
    rule = "-" * max(len(each) for each in (*shown, *map(line, rows)))
    return [*shown, rule, *map(line, rows)]
