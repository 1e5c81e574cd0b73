"""The CO2e of finished runs on another grid, or in another building: energy times PUE times intensity, without a new measurement."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, replace

from ssl_benchmarks.energy.carbon import GridIntensity, co2e
from ssl_benchmarks.record.details.common import Details, Grid
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_reports.reading.evidence import Evidence

Place = tuple[str, str | None, str | None, Conditions]


def grid_of(record: Record) -> GridIntensity | None:
    """The grid intensity from which a record's CO2e was calculated."""
    grid = record.told(Details).grid
    return GridIntensity(grid.g_per_kwh, grid.country, grid.year, grid.source) if grid is not None else None


def country_of(grid: GridIntensity | Grid) -> str | None:
    """The name of the grid's country, which CodeCarbon's source ends with; the code if there is none."""
    name = re.search(r"energy mixes \(([^()]+)\)$", grid.source)
    return name[1] if name and grid.country else grid.country


def grid_words(grid: GridIntensity | Grid) -> str:
    """Country, year and intensity: "France in 2023 (56 g/kWh)", or the intensity alone."""
    amount, country = f"{grid.g_per_kwh:.3g} g/kWh", country_of(grid)
    if country is None:
        return amount
    return f"{country} in {grid.year} ({amount})" if grid.year else f"{country} ({amount})"


def repriced(evidence: Evidence, grid: GridIntensity | None, pue: float | None) -> Evidence:
    """The evidence with the CO2e of another grid, another PUE, or both; what is None stays as each record has it."""
    if grid is None and pue is None:
        return evidence
    return Evidence(tuple(_repriced(record, grid, pue) for record in evidence.records), evidence.folders)


def _repriced(record: Record, grid: GridIntensity | None, pue: float | None) -> Record:
    grid = grid or grid_of(record)
    joules = {_place(row): row.quantity for row in record.measurements if row.metric == "energy"}
    rows = tuple(_row(row, joules, grid, pue) for row in record.measurements)
    details = {**record.details, "grid": None if grid is None else asdict(grid)}
    return replace(record, measurements=rows, details=details)


def _row(
    row: Measurement, joules: Mapping[Place, Quantity], grid: GridIntensity | None, pue: float | None
) -> Measurement:
    """A row under the conditions of the grid and the PUE, where it has such conditions; CO2e is worked out anew from its energy."""
    if row.conditions.pue is None:
        return row
    own = pue or row.conditions.pue
    energy = joules.get(_place(row)) if row.metric == "co2e" else None
    quantity = row.quantity if energy is None else co2e(energy, grid, own)
    held = replace(row.conditions, pue=own, grid=None if grid is None else grid.label)
    return replace(row, conditions=held, quantity=quantity)


def _place(row: Measurement) -> Place:
    return row.model, row.phase, row.scope, row.conditions
