"""The tables of a page: those of the paper, and one of every measurement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions
from ssl_reports.page.store import CHOICES, Store, unit_choices
from ssl_reports.paper.tables import where
from ssl_reports.reading.evidence import Evidence
from ssl_reports.reading.references import REFERENCES
from ssl_reports.tables.table import Cell, Cite, Column, PaperTable

EVERY = ("model", "metric", "phase", "scope", "value", "conditions", "run")


def page_tables(evidence: Evidence, tables: Sequence[PaperTable], store: Store) -> list[dict[str, Any]]:
    """The data of the page's tables; a cell is a text, the index of a quantity, a reference, or None."""
    return [*(_document(table, store) for table in tables), _every_measurement(evidence, store)]


def _document(table: PaperTable, store: Store) -> dict[str, Any]:
    rows = [[_cell(cell, store) for cell in row] for row in table.rows]
    cells = [[row[number] for row in rows] for number in range(len(table.columns))]
    columns = [_column(*each, store) for each in zip(table.columns, cells, strict=True)]
    return {"name": table.name, "caption": table.caption, "columns": columns, "notes": table.notes}


def _cell(cell: Cell, store: Store) -> int | str | list[str] | None:
    match cell:
        case Quantity():
            return store.quantity(cell)
        case Cite():
            return [cell.text, REFERENCES[cell.key].url]
    return cell


def _column(column: Column, cells: Sequence[object], store: Store) -> dict[str, Any]:
    """A column; one of numbers has a unit, or a choice of units for energy and compute."""
    places = [cell for cell in cells if isinstance(cell, int)]
    if not column.unit:
        return {"name": column.name, "cells": cells}
    units = {store.unit(place) for place in places}
    if len(units) == 1 and units <= CHOICES.keys() | {"g", "B"}:
        return {"name": column.name, "cells": cells, "units": unit_choices(store.known(places), *units)}
    own = {"": (column.factor, "" if column.unit == "1" else column.unit)}
    return {"name": column.name, "cells": cells, "units": own}


def _every_measurement(evidence: Evidence, store: Store) -> dict[str, Any]:
    """Every row of every record, each in its own unit."""
    rows = [
        [
            found.row.model, found.row.metric.replace("_", " "), found.row.phase or "", found.row.scope or "",
            store.quantity(found.quantity), _conditions(found.conditions), found.label,
        ]
        for found in evidence.rows
    ]  # fmt: skip
    columns: list[dict[str, Any]] = [
        {"name": name, "cells": [row[number] for row in rows]} for number, name in enumerate(EVERY)
    ]
    columns[EVERY.index("value")]["units"] = {}
    return {"name": "measurements", "caption": "Every measurement", "columns": columns, "notes": []}


def _conditions(c: Conditions) -> str:
    rated = (c.task, c.head, c.labels and f"{c.labels} of labels", c.tested_on)
    return ", ".join([where(c), *(part for part in rated if part)])
