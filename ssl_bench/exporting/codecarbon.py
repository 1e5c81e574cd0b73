"""A record as `emissions.csv` of CodeCarbon: a line for each model and phase, blank where nothing is known."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.quantity import JOULES_PER_KWH
from ssl_benchmarks.record.record import Conditions, Record
from ssl_models.errors import BadInputError

PARTS = {"cpu": "cpu", "gpu": "gpu", "dram": "ram"}
Cell = str | float | None
Key = tuple[str, str | None, Conditions]
Costs = Mapping[tuple[str, str | None], float | None]
"""Values by metric and scope."""


def write_emissions(record: Record, path: Path) -> int:
    """Write the lines; returns their number.

    Raises:
        BadInputError: if nothing in the record was metered.
    """
    from codecarbon.output_methods.emissions_data import EmissionsData

    found: dict[Key, dict[tuple[str, str | None], float | None]] = defaultdict(dict)
    for row in record.measurements:
        found[row.model, row.phase, row.conditions].setdefault((row.metric, row.scope), row.quantity.value)
    timed = {key: costs for key, costs in found.items() if costs.get(("duration", None)) is not None}
    if not timed:
        raise BadInputError(f"{record.id}: nothing in it was timed, so emissions.csv would have no line")
    held = io.StringIO(newline="")
    writer = csv.DictWriter(held, [field.name for field in fields(EmissionsData)], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_line(record, key, costs) for key, costs in timed.items())
    write_atomically(path, held.getvalue())
    return len(timed)


def _line(record: Record, key: Key, costs: Costs) -> dict[str, Cell]:
    model, phase, conditions = key
    pue = record.settings.pue if conditions.pue is None else conditions.pue
    seconds, grams = costs["duration", None], costs.get(("co2e", "machine"))
    line: dict[str, Cell] = {
        "timestamp": record.created[:19],
        "project_name": ", ".join(filter(None, (model, phase))),
        "run_id": record.id,
        "duration": seconds,
        "emissions": None if grams is None else grams / 1000,
        "emissions_rate": None if grams is None or not seconds else grams / 1000 / seconds,
        "energy_consumed": _kwh(costs.get(("energy", "machine")), pue),
        "codecarbon_version": f"sslbench {record.machine.packages.get('sslbench') or version('sslbench')}",
        "tracking_mode": "machine",
        "pue": pue,
        **_machine(record),
    }
    for scope, name in PARTS.items():
        line[f"{name}_energy"] = _kwh(costs.get(("energy", scope)), pue)
        line[f"{name}_power"] = costs.get(("power_mean", scope))
    return line


def _kwh(joules: float | None, pue: float) -> float | None:
    """As CodeCarbon writes energy: with the PUE in it."""
    return None if joules is None else joules * pue / JOULES_PER_KWH


def _machine(record: Record) -> dict[str, Cell]:
    machine, grid = record.machine, record.told(Details).grid
    gpus = Counter(gpu.name for gpu in machine.gpus)
    return {
        "os": machine.system,
        "python_version": machine.python,
        "cpu_count": machine.cores,
        "cpu_model": machine.cpu,
        "gpu_count": len(machine.gpus) or None,
        "gpu_model": ", ".join(f"{count} x {name}" for name, count in gpus.items()),
        "ram_total_size": None if machine.memory_bytes is None else machine.memory_bytes / 2**30,
        "country_iso_code": None if grid is None else grid.country,
    }
