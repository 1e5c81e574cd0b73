"""A paper's table in Markdown."""

from __future__ import annotations

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.notes import Notes, marked
from ssl_reports.tables.table import PaperTable, Shown, word


def markdown(table: PaperTable) -> str:
    """The table with its caption; the sign of a method stands after its number."""
    notes = Notes()
    rows = [[_cell(shown, notes) for shown in line] for line in table.lines()]
    header = [escape_markdown(column.titled) for column in table.heads]
    rule = "|".join(" ---: " if column.unit else " --- " for column in table.heads)
    body = "\n".join(f"| {' | '.join(row)} |" for row in [header, *rows])
    head, _, rest = body.partition("\n")
    said = notes.foot(table)
    tail = "".join(f"- {f'<sup>{sign}</sup> ' if sign else ''}{escape_markdown(text)}\n" for sign, text in said)
    return f"# {escape_markdown(table.caption)}\n\n{head}\n|{rule}|\n{rest}\n\n{tail}"


def _cell(shown: Shown, notes: Notes) -> str:
    if not isinstance(shown.cell, Quantity):
        return escape_markdown(word(shown.cell))
    text = f"**{shown.number()}**" if shown.best else shown.number()
    return text + marked(shown, notes, "<sup>{}</sup>")


def escape_markdown(text: str) -> str:
    """Any text, escaped for a cell; line ends become spaces."""
    flat = " ".join(text.split())
    flat = "".join(f"\\{letter}" if letter in "\\`*_[]|~#" else letter for letter in flat)
    return flat.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
