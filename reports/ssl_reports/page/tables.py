"""The tables of a page: those of the paper, with every cell as text in each choice of units."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from typing import Any

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.page.choices import column_choices, renamed
from ssl_reports.page.store import Store
from ssl_reports.reading.references import REFERENCES
from ssl_reports.tables.data import data_word
from ssl_reports.tables.notes import Notes
from ssl_reports.tables.table import Cell, Cite, Column, PaperTable, Shown, Words

Document = dict[str, Any]
FORMS = {"tex": "LaTeX", "md": "Markdown", "csv": "CSV"}
"""The forms in which a table can be copied, by the suffix of its file."""
SHORT = {"efficiency": "Efficiency"}
"""What a tab calls a table, where not by its caption."""
LARGEST = 5_000
"""The most rows of a table that is held in other forms too, so that the page stays small."""
ELSEWHERE = ("", "LaTeX, Markdown and CSV of this table are in the folder tables beside this page.")


def page_table(table: PaperTable, store: Store, forms: Mapping[str, str]) -> Document:
    """The data of a table: its columns, names of its rows for links, its notes, and its other forms.

    Args:
        table: one of the paper's.
        store: takes its numbers.
        forms: texts by the names of the paper's files; those of this table are kept.
    """
    notes, rows = Notes(), list(table.upright())
    signs = [[notes.marks(shown) for shown in row] for row in rows]
    columns = [
        _column(column, [row[i] for row in rows], [row[i] for row in signs], store)
        for i, column in enumerate(table.columns)
        if not rows or any(row[i].cell is not None for row in rows)
    ]
    held = {suffix: text for suffix in FORMS if (text := forms.get(f"tables/{table.name}.{suffix}"))}
    small = len(rows) <= LARGEST
    return {
        "name": table.name, "caption": table.caption, "tab": SHORT.get(table.name, table.caption), "rows": len(rows), "columns": ordered(columns),
        "notes": foot(notes.foot(table) if small else [*notes.foot(table), ELSEWHERE]),
        "anchors": anchors(table.name, [data_word(row[0].cell) for row in rows]), "forms": held if small else {},
    }  # fmt: skip


def foot(lines: Sequence[tuple[str, str]]) -> str:
    """The notes of a table as markup: signs, and what they mean."""
    return " ".join(f"<span><sup>{escape(sign)}</sup>{escape(text)}</span>" for sign, text in lines)


def _column(column: Column, cells: Sequence[Shown], signs: Sequence[str], store: Store) -> Document:
    """A column of words, or one of figures with its texts in each choice of units."""
    places = [_place(shown.cell, store) for shown in cells]
    quantities = [shown.cell for shown in cells if isinstance(shown.cell, Quantity)]
    if not quantities:
        return {"heads": {"": head(column.title)}, "cells": places, "word": True}
    units = {quantity.unit for quantity in quantities}
    values = [quantity.value for quantity in quantities if quantity.value is not None]
    choices = (
        column_choices(column, next(iter(units)), values)
        if len(units) == 1
        else {"": (column.factor, column.shown_unit)}
    )
    return {
        "heads": {choice: head(renamed(column.title, choice), unit, factor) for choice, (factor, unit) in choices.items()},
        "cells": places, "signs": signs, "best": [number for number, shown in enumerate(cells) if shown.best],
        "texts": {choice: [_text(shown, factor) for shown in cells] for choice, (factor, _) in choices.items()},
    }  # fmt: skip


def head(name: str, unit: str = "", factor: float | None = 1.0) -> tuple[str, str, float | None, str]:
    """Name, unit, factor from the record's unit (None for a column of many units), and the markup of the head."""
    return name, unit, factor, f'{escape(name)} <span class="unit">{escape(unit)}</span>'


def _place(cell: Cell, store: Store) -> int | str | tuple[str, str] | None:
    """The index of a quantity, a text, or a text with its address."""
    match cell:
        case Quantity():
            return store.quantity(cell)
        case Cite():
            return cell.text, REFERENCES[cell.key].url
        case Words():
            return cell.data
    return cell


def _text(shown: Shown, factor: float) -> str | None:
    if not isinstance(shown.cell, Quantity):
        return None
    return replace(shown, column=replace(shown.column, factor=factor)).number()


def ordered(columns: Sequence[Document]) -> list[Document]:
    """The columns with the figures next to the first, and the words after them."""
    first, *rest = columns
    return [{**first, "word": False}, *sorted(rest, key=lambda column: column.get("word", False))]


def anchors(table: str, names: Sequence[str]) -> list[str]:
    """A name for each row by which a link finds it, such as "row-efficiency-hubert-base"."""
    found: dict[str, None] = {}
    last: dict[str, int] = {}
    for name in names:
        stem = "-".join(filter(None, ["row", table, re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-")]))
        anchor, number = stem, last.get(stem, 1)
        while anchor in found:
            number += 1
            anchor = f"{stem}-{number}"
        last[stem] = number
        found[anchor] = None
    return list(found)
