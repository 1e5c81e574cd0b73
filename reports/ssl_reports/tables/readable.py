"""Units in which the numbers of a column are read at a glance."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.tables.table import Cell, Column

Units = tuple[tuple[str, float], ...]
"""Each with the factor from the record's unit, from small to large."""
LEAST, MOST = 0.1, 10_000.0
"""Numbers within are read at a glance."""
BYTES: Units = (("MiB", 2.0**-20), ("GiB", 2.0**-30))
ENERGY: Units = (("Wh", 1 / 3.6e3), ("kWh", 1 / 3.6e6), ("MWh", 1 / 3.6e9))
MASS: Units = (("g", 1.0), ("kg", 1e-3), ("t", 1e-6))
COUNTS: Units = (("GFLOP", 1e-9), ("TFLOP", 1e-12), ("PFLOP", 1e-15), ("EFLOP", 1e-18), ("ZFLOP", 1e-21))
CHOICES = {unit: units for units in (BYTES, ENERGY, MASS, COUNTS) for unit, _ in units}
"""The units that may take the place of one."""


def suited(units: Sequence[tuple[str, float]], values: Iterable[float]) -> tuple[str, float]:
    """The unit in which most values read well; of equals, the largest. No value is too small for the smallest unit."""
    positive, least = [abs(value) for value in values if value], [0.0, *[LEAST] * (len(units) - 1)]
    readable = [
        sum(low <= value * factor < MOST for value in positive) for low, (_, factor) in zip(least, units, strict=True)
    ]
    return max(zip(readable, range(len(units)), units, strict=True))[2]


def readable(columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> tuple[Column, ...]:
    """The columns, those of energy, mass, memory and FLOPs in the units that suit their figures."""
    found = []
    for place, column in enumerate(columns):
        cells = (row[place] for row in rows)
        values = [cell.value for cell in cells if isinstance(cell, Quantity) and cell.value]
        units = CHOICES.get(column.unit)
        unit, factor = (column.unit, column.factor) if units is None or not values else suited(units, values)
        found.append(replace(column, unit=unit, factor=factor))
    return tuple(found)
