"""A paper's table as aligned text: for a terminal, a pipe or a mail. Nothing is cut; what is too wide is folded."""

from __future__ import annotations

import textwrap
from collections.abc import Collection

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.fit import heads
from ssl_reports.tables.notes import Notes, marked
from ssl_reports.tables.table import PaperTable, Shown, word

GAP = "  "
RAISED = str.maketrans("smcplui0123456789", "ˢᵐᶜᵖˡᵘⁱ⁰¹²³⁴⁵⁶⁷⁸⁹", ",")


def plain_text(table: PaperTable, width: int = 80) -> str:
    """The table and its notes in lines of at most `width` characters, as far as single cells allow.

    A table that is wider is folded: its first column is repeated before the columns that did not fit.
    """
    notes = Notes()
    rows = [[_text(shown, notes) for shown in line] for line in table.lines()]
    lines = heads([(column.title, column.shown_unit) for column in table.heads], rows)
    widths = [max(len(line[i]) for line in (*lines, *rows)) for i in range(len(table.heads))]
    numeric = [column.unit != "" for column in table.heads]
    aligned = [
        [text.rjust(widths[i]) if numeric[i] else text.ljust(widths[i]) for i, text in enumerate(row)]
        for row in [*lines, *rows]
    ]
    head, body = aligned[: len(lines)], aligned[len(lines) :]
    blocks = ["\n".join(_block(part, head, body, table.ruled)) for part in _folds(widths, width)]
    said = [(f"{raised(sign)} " if sign else "") + text for sign, text in notes.foot(table, "*")]
    foot = [line for text in said for line in textwrap.wrap(text, width, subsequent_indent=GAP)]
    return "\n\n".join([textwrap.fill(table.caption, width), *blocks, "\n".join(foot)]) + "\n"


def raised(signs: str) -> str:
    """The signs of a figure as superscripts."""
    return signs.translate(RAISED)


def _text(shown: Shown, notes: Notes) -> str:
    if not isinstance(shown.cell, Quantity):
        return " ".join(word(shown.cell).split())
    return ("*" if shown.best else "") + shown.number() + raised(marked(shown, notes))


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


def _block(columns: list[int], head: list[list[str]], rows: list[list[str]], ruled: Collection[int]) -> list[str]:
    """The lines of some columns, of cells that are aligned already."""

    def line(cells: list[str]) -> str:
        return GAP.join(cells[i] for i in (0, *columns)).rstrip()

    heads = [text for text in map(line, head) if text]
    rule = "-" * max(len(each) for each in (*heads, *map(line, rows)))
    return [
        *heads,
        rule,
        *(text for i, row in enumerate(rows) for text in ([rule] if i in ruled else []) + [line(row)]),
    ]
