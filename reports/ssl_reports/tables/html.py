"""A paper's table as a fragment of HTML: a table with its caption, and its notes as a list."""

from __future__ import annotations

from html import escape

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.latex_table import Font
from ssl_reports.tables.notes import Notes, marked
from ssl_reports.tables.table import PaperTable, Shown, word

FAMILIES: dict[Font, str] = {"serif": "serif", "sans": "sans-serif"}


def html(table: PaperTable, font: Font | None = None) -> str:
    """The fragment; it carries no style but the font, if asked, and asks for nothing from elsewhere."""
    notes = Notes()
    heads = "".join(f"<th>{escape(column.titled)}</th>" for column in table.heads)
    lines = [f"<tr>{''.join(_cell(shown, notes) for shown in line)}</tr>" for line in table.lines()]
    rows = "\n".join(("</tbody>\n<tbody>\n" if i in table.ruled else "") + line for i, line in enumerate(lines))
    style = f' style="font-family: {FAMILIES[font]}"' if font else ""
    said = notes.foot(table)
    foot = "\n".join(f"<li>{f'<sup>{escape(sign)}</sup> ' if sign else ''}{escape(text)}</li>" for sign, text in said)
    return (
        f"<table{style}>\n<caption>{escape(table.caption)}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n"
        f"</table>\n<ul>\n{foot}\n</ul>\n"
    )


def _cell(shown: Shown, notes: Notes) -> str:
    if not isinstance(shown.cell, Quantity):
        return f"<td>{escape(word(shown.cell))}</td>"
    text = escape(shown.number())
    text = f"<strong>{text}</strong>" if shown.best else text
    return f'<td align="right">{text}{marked(shown, notes, "<sup>{}</sup>")}</td>'
