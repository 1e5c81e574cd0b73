"""A paper's table as a fragment of HTML: a table with its caption, and its notes as a list."""

from __future__ import annotations

from html import escape

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.table import Cell, Cite, Column, Notes, PaperTable, plain_number


def html(table: PaperTable) -> str:
    """The fragment; it carries no style and asks for nothing from elsewhere."""
    notes = Notes()
    heads = "".join(f"<th>{escape(_head(column))}</th>" for column in table.columns)
    rows = "\n".join(
        f"<tr>{''.join(_cell(cell, column, notes, best=best) for cell, column, best in row)}</tr>"
        for row in table.numbered()
    )
    said = [("", note) for note in table.notes] + notes.lines()
    foot = "\n".join(f"<li>{f'<sup>{escape(sign)}</sup> ' if sign else ''}{escape(text)}</li>" for sign, text in said)
    return (
        f"<table>\n<caption>{escape(table.caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n"
        f"</table>\n<ul>\n{foot}\n</ul>\n"
    )


def _head(column: Column) -> str:
    return column.name + (f" ({column.unit})" if column.unit not in {"", "1"} else "")


def _cell(cell: Cell, column: Column, notes: Notes, *, best: bool) -> str:
    match cell:
        case None:
            return "<td></td>"
        case Cite():
            return f"<td>{escape(cell.text)}</td>"
        case Quantity():
            mark = notes.mark(cell, column)
            shown = escape(plain_number(cell, column.factor))
            shown = f"<strong>{shown}</strong>" if best else shown
            return f'<td align="right">{shown}{f"<sup>{escape(mark)}</sup>" if mark else ""}</td>'
    return f"<td>{escape(cell)}</td>"
