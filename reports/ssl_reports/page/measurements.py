"""The table of every measurement: each row of every record, each in a unit of its own."""

from __future__ import annotations

from collections.abc import Sequence

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions
from ssl_reports.page.choices import alone
from ssl_reports.page.store import Store
from ssl_reports.page.tables import LARGEST, Document, anchors, foot, head, ordered
from ssl_reports.reading.conditions import where
from ssl_reports.reading.evidence import Evidence
from ssl_reports.tables.data import comma_separated
from ssl_reports.tables.latex_table import latex
from ssl_reports.tables.markdown import markdown
from ssl_reports.tables.notes import Notes
from ssl_reports.tables.table import Column, PaperTable, Shown, word
from ssl_reports.units import phase_word

CHOICES = ("", "kWh", "J", "FLOP", "MAC")


def measurements_table(evidence: Evidence) -> PaperTable:
    """One row per row of a record, in the record's own unit."""
    names = ("model", "value", "unit", "metric", "phase", "scope", "conditions", "run")
    rows = tuple(
        (
            found.row.model, found.quantity, found.quantity.unit, found.row.metric.replace("_", " "), phase_word(found.row.phase),
            found.row.scope or "", conditions_said(found.conditions), found.label,
        )
        for found in evidence.rows
    )  # fmt: skip
    columns = tuple(Column(name, "1" if name == "value" else "") for name in names)
    return PaperTable("measurements", "Every measurement", columns, rows)


def page_measurements(evidence: Evidence, store: Store) -> Document:
    """The data of the table; a number that is missing has its reason in its cell."""
    table, notes = measurements_table(evidence), Notes()
    values = [found.quantity for found in evidence.rows]
    words = [
        {"heads": {"": head(column.title)}, "cells": [word(row[place]) for row in table.rows], "word": True}
        for place, column in enumerate(table.columns)
        if column.name not in {"value", "unit"}
    ]  # fmt: skip
    figures = {
        "heads": {"": head("Value", factor=None)}, "cells": [store.quantity(value) for value in values], "texts": _texts(values), "best": [],
        "signs": ["" if value.value is None else notes.marks(Shown(value, table.columns[1])) for value in values],
    }  # fmt: skip
    small = len(values) <= LARGEST
    forms = {"tex": latex, "md": markdown, "csv": comma_separated} if small else {}
    return {
        "name": table.name, "caption": table.caption, "tab": table.caption, "rows": len(values),
        "columns": ordered([words[0], figures, *words[1:]]),
        "notes": foot(notes.foot(table)), "forms": {suffix: form(table) for suffix, form in forms.items()}, "reasons": True,
        "anchors": anchors(table.name, [found.row.model for found in evidence.rows]) if small else [],
    }  # fmt: skip


def _texts(values: Sequence[Quantity]) -> dict[str, list[str | None]]:
    """For each choice of units the numbers that have one of their own in it; "" for numbers without a choice."""
    found = [dict(alone(value)) for value in values]
    return {choice: [each.get(choice) for each in found] for choice in CHOICES}


def conditions_said(c: Conditions) -> str:
    """Conditions in words."""
    rated = (c.task, c.head, c.labels and f"{c.labels} of labels", c.tested_on)
    return ", ".join([where(c), *(part for part in rated if part)])
