"""A paper's table as data, with every number in full: CSV, and rows for JSON."""

from __future__ import annotations

import csv
import io

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.numbers import scaled
from ssl_reports.tables.table import Cell, PaperTable, Shown, Words, word

PARTS = ("", " low", " high", " method", " note", " flaw")
RATIO = (" ratio", " ratio low", " ratio high")


def comma_separated(table: PaperTable) -> str:
    """The table as CSV: value, both ends, method, note and flaw in the table's units, and the ratio where there are any."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    rows = list(table.upright())
    figures = [
        column.unit != "" or any(isinstance(row[i].cell, Quantity) for row in rows)
        for i, column in enumerate(table.columns)
    ]
    parts = (*PARTS, *(RATIO if table.ratios else ()))
    head = zip(table.columns, figures, strict=True)
    writer.writerow(
        [f"{column.keyed('{} [{}]')}{part}" for column, figure in head for part in (parts if figure else ("",))]
    )
    for row in rows:
        cells = (
            _full(shown, len(parts)) if figure else [data_word(shown.cell)]
            for shown, figure in zip(row, figures, strict=True)
        )
        writer.writerow([text for cell in cells for text in cell])
    return file.getvalue()


def _full(shown: Shown, width: int) -> list[str]:
    """The parts of a figure; a text stands in the first of them."""
    quantity = shown.cell
    if not isinstance(quantity, Quantity):
        return [data_word(quantity), *[""] * (width - 1)]
    if quantity.value is None:
        return ["", "", "", quantity.method, quantity.note, *[""] * (width - 5)]
    value, ends = scaled(quantity, shown.column.factor)
    texts = [repr(value), *_ends(ends), quantity.method, quantity.note, quantity.flaw]
    if shown.ratio is not None and shown.ratio.value is not None:
        texts += [repr(shown.ratio.value), *_ends(shown.ratio.ci95)]
    return texts + [""] * (width - len(texts))


def data_word(cell: Cell) -> str:
    """The text of a cell in data."""
    return cell.data if isinstance(cell, Words) else word(cell)


def _ends(ends: tuple[float, float] | None) -> list[str]:
    return ["", ""] if ends is None else [repr(ends[0]), repr(ends[1])]


def rows_of(table: PaperTable) -> list[dict[str, object]]:
    """Each row by the names of the columns: text, or value, interval, unit, method, note, flaw and ratio in the table's units."""
    return [{shown.column.name: _document(shown) for shown in row} for row in table.upright()]


def _document(shown: Shown) -> object:
    cell, ratio = shown.cell, shown.ratio
    if not isinstance(cell, Quantity):
        return data_word(cell)
    value, ends = (None, None) if cell.value is None else scaled(cell, shown.column.factor)
    document: dict[str, object] = {
        "value": value, "ci95": ends, "unit": shown.column.unit, "method": cell.method, "note": cell.note, "flaw": cell.flaw
    }  # fmt: skip
    return document if ratio is None else {**document, "ratio": ratio.value, "ratio_ci95": ratio.ci95}
