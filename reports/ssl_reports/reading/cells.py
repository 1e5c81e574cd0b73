"""The cells of a measured run, picked out of its long table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ssl_benchmarks.record.details.measurement import MeasuredCell, MeasurementDetails
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement, Record, headline_scope
from ssl_reports.flaw_marks import noted, signed
from ssl_reports.units import method_word, shown, worded

LINES = (
    ("speed", "audio_seconds_per_second", ""),
    ("real-time factor", "real_time_factor", ""),
    ("median latency", "latency_p50", ""),
    ("95th percentile of latency", "latency_p95", ""),
    ("median latency of one clip", "latency_p50", "alone"),
    ("95th percentile of latency of one clip", "latency_p95", "alone"),
    ("peak memory", "peak_memory", ""),
    ("predicted peak memory", "predicted_peak_memory", ""),
    ("weights", "memory_weights", ""),
    ("gradients", "memory_gradients", ""),
    ("optimiser state", "memory_optimizer", ""),
    ("activations and other", "memory_activations", ""),
    ("reserved by the allocator", "memory_reserved", ""),
    ("FLOPs of one clip", "flops", ""),
    ("MFU", "mfu", ""),
    ("measured for", "duration", ""),
    ("energy per audio hour", "energy_per_audio_hour", "*"),
    ("energy", "energy", "*"),
    ("energy above idle", "energy_net", "headline"),
    ("mean power", "power_mean", "headline"),
    ("CO2e", "co2e", "headline"),
)
"""Name, metric, scope: "*" all available, "headline" that of the headlines, "alone" the row of a batch of one clip."""
SCOPES = ("machine", "gpu", "cpu", "dram", "module")


@dataclass(frozen=True)
class Cell:
    """One cell of a record.

    Attributes:
        label: distinguishes it from the other cells.
        clip_seconds, batch_seconds: as measured; a batch may have been halved.
        failed: why it has no result; empty if it has one.
        rows: of its batch.
        alone: rows of a single clip, if the batch has several.
    """

    label: str
    clip_seconds: float
    batch_seconds: float
    failed: str
    rows: tuple[Measurement, ...]
    alone: tuple[Measurement, ...]

    def find(self, metric: str, scope: str | None = None, *, alone: bool = False) -> Quantity | None:
        """The cell's quantity, None if it was not asked for."""
        rows = self.alone if alone else self.rows
        return next((row.quantity for row in rows if (row.metric, row.scope) == (metric, scope)), None)


@dataclass(frozen=True)
class CellLine:
    """One line of a cell's table, with its note."""

    name: str
    value: str
    unit: str
    interval: str
    method: str
    note: str


def cells_of(record: Record) -> list[Cell]:
    """The cells of a record, in the order measured."""
    return [_cell(record, entry) for entry in record.told(MeasurementDetails).cells]


def _cell(record: Record, entry: MeasuredCell) -> Cell:
    clip, batch = entry.clip_seconds, entry.batch_seconds

    def rows(seconds: float) -> tuple[Measurement, ...]:
        held = (clip, seconds)
        return tuple(m for m in record.measurements if (m.conditions.clip_seconds, m.conditions.batch_seconds) == held)

    alone = rows(clip) if batch != clip else ()
    return Cell(entry.label, clip, batch, entry.failed, rows(batch), alone)


def scopes_of(scope: str, device: object) -> Sequence[str | None]:
    """The scopes that a line asks for, see `LINES`; None for a line without one."""
    return {"*": SCOPES, "headline": (headline_scope(device),)}.get(scope, (None,))


def cell_lines(cell: Cell, device: object) -> list[CellLine]:
    """Every quantity of a cell, in a fixed order."""
    lines = []
    for name, metric, scope in LINES:
        for each in scopes_of(scope, device):
            quantity = cell.find(metric, each, alone=scope == "alone")
            if quantity is None or (each not in {None, headline_scope(device)} and quantity.value is None):
                continue
            quantity = in_percent(metric, quantity)
            value, unit = shown(quantity)
            full = name if each is None else f"{name}, {each}"
            method = "" if quantity.value is None else method_word(quantity.method)
            parts = (signed(value, quantity), unit, interval(quantity), method, noted(quantity))
            lines.append(CellLine(full, *parts))
    return lines


def in_percent(metric: str, quantity: Quantity) -> Quantity:
    """A share in per cent; any other quantity as it is."""
    return quantity.scaled(100, "%") if METRICS[metric].share else quantity


def interval(quantity: Quantity) -> str:
    """The 95 % interval in the unit of the value shown; empty if there is none."""
    if quantity.value is None or quantity.ci95 is None:
        return ""
    ends = [shown(Quantity(end, quantity.unit, quantity.method)) for end in quantity.ci95]
    unit = shown(quantity)[1]
    return "[" + ", ".join(value if own == unit else f"{value} {own}" for value, own in ends) + "]"


SWEEP = (
    "clip",
    "batch",
    "× real time",
    "95 % interval",
    "J per audio hour",
    "median latency",
    "p95",
    "peak memory",
    "MFU",
)


def sweep_rows(cells: Sequence[Cell], device: object) -> list[tuple[str, ...]]:
    """One row per cell, with the columns of `SWEEP`; `failures` gives the reasons for missing results."""
    return [_sweep_row(cell, headline_scope(device)) for cell in cells]


def failures(cells: Sequence[Cell]) -> list[str]:
    """A line for each cell without a result."""
    return [f"{cell.label}: {cell.failed}" for cell in cells if cell.failed]


def _sweep_row(cell: Cell, scope: str) -> tuple[str, ...]:
    size = (f"{cell.clip_seconds:g} s", f"{cell.batch_seconds:g} s")
    if cell.failed:
        return (*size, "not available", *[""] * (len(SWEEP) - 3))
    speed, joules = cell.find("audio_seconds_per_second"), cell.find("energy_per_audio_hour", scope)
    times = ("", "") if speed is None else (signed(shown(speed)[0], speed), interval(speed))
    rest = ((metric, cell.find(metric)) for metric in ("latency_p50", "latency_p95", "peak_memory", "mfu"))
    words = ("" if quantity is None else worded(in_percent(metric, quantity)) for metric, quantity in rest)
    return (*size, *times, "" if joules is None else signed(shown(joules)[0], joules), *words)
