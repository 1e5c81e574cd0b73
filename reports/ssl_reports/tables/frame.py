"""A paper's table as a pandas frame, styled for notebooks."""

from __future__ import annotations

from functools import partial
from html import escape

import pandas as pd
from pandas.io.formats.style import Styler

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.data import data_word
from ssl_reports.tables.notes import Notes, marked
from ssl_reports.tables.numbers import scaled
from ssl_reports.tables.plain import raised
from ssl_reports.tables.table import PaperTable, Shown, word


def frame(table: PaperTable) -> pd.DataFrame:
    """A row for each model: figures in full, in the units of the heads; NaN for one that is not available."""
    heads = [column.keyed() for column in table.columns]
    return pd.DataFrame([[_value(shown) for shown in row] for row in table.upright()], columns=heads)


def styled(table: PaperTable) -> Styler:
    """The frame, shown as the table: rounded, marked, the best in bold, with the notes in the caption."""
    notes, found = Notes(), frame(table)
    heads = {column.keyed(): column.titled for column in table.columns}
    style = found.style.hide(axis="index").format_index(lambda name: heads.get(str(name), str(name)), axis="columns")
    for number, row in enumerate(table.upright()):
        for column, shown in zip(found.columns, row, strict=True):
            known = isinstance(shown.cell, Quantity)
            text = shown.number() + raised(marked(shown, notes)) if known else escape(word(shown.cell))
            where = pd.IndexSlice[[number], [column]]
            style = style.format(partial(_text, text), subset=where, na_rep=text)
            style = style.set_properties(where, **{"font-weight": "bold"}) if shown.best else style
    said = "<br>".join(escape(f"{raised(sign)} {text}".strip()) for sign, text in notes.foot(table))
    return style.set_caption(f"{escape(table.caption)}<br><small>{said}</small>")


def _text(text: str, _: object) -> str:
    """What stands in the place of a cell."""
    return text


def _value(shown: Shown) -> float | str:
    if not isinstance(shown.cell, Quantity):
        return data_word(shown.cell)
    return float("nan") if shown.cell.value is None else scaled(shown.cell, shown.column.factor)[0]
