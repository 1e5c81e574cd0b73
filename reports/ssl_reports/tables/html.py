"""A paper's table as a fragment of HTML: a table with its caption, and its notes as a list."""

from __future__ import annotations

from html import escape

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.table import Cell, Column, Notes, PaperTable, plain_number, word


def html(table: PaperTable) -> str:
    """The fragment; it carries no style and asks for nothing from elsewhere."""
    notes = Notes()
    heads = "".join(f"<th>{escape(column.titled())}</th>" for column in table.columns)
    rows = "\n".join(
        f"<tr>{''.join(_cell(cell, column, notes, best=best) for cell, column, best in row)}</tr>"
        for row in table.numbered()
    )
    said = notes.foot(table)
    foot = "\n".join(f"<li>{f'<sup>{escape(sign)}</sup> ' if sign else ''}{escape(text)}</li>" for sign, text in said)
    return (
        f"<table>\n<caption>{escape(table.caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n"
        f"</table>\n<ul>\n{foot}\n</ul>\n"
    )


def _cell(cell: Cell, column: Column, notes: Notes, *, best: bool) -> str:
    if not isinstance(cell, Quantity):
        return f"<td>{escape(word(cell))}</td>"
    mark = notes.mark(cell, column)
    shown = escape(plain_number(cell, column.factor))
    shown = f"<strong>{shown}</strong>" if best else shown
    return f'<td align="right">{shown}{f"<sup>{escape(mark)}</sup>" if mark else ""}</td>'
