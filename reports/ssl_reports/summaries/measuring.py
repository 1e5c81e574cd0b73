"""`report.md` of `sslbench measure`, its figure, and its tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.details.measurement import MeasurementDetails
from ssl_benchmarks.record.record import Record, headline_scope
from ssl_benchmarks.record.surroundings import Protocol
from ssl_reports.paper.protocol import warmed_up
from ssl_reports.pictures.length import sweep_picture
from ssl_reports.reading.cells import SWEEP, Cell, cell_lines, cells_of, sweep_rows
from ssl_reports.summaries.layout import bullets, document, grid_table, noted_names
from ssl_reports.tables.grid import Grid, grouped, markdown_table

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = ("what", "value", "unit", "95 % interval", "method")


def write_measure_report(record: Record, folder: Path) -> None:
    """Write both beside the record; the figure only if there is a curve to draw."""
    drawn = sweep_picture(record, folder / "sweep.png")
    write_atomically(folder / "report.md", _report(record, drawn=drawn))


def measure_tables(record: Record) -> list[Table]:
    """One row per cell, or every figure of a single cell."""
    cells, c = cells_of(record), record.config
    title = f"{c['model']}: cost of {c['phase']} ({c['device']}, {c['precision']})"
    if len(cells) == 1 and not cells[0].failed:
        cell = cells[0]
        title += f", {_size(cell)}"
        rows = [(x.name, x.value, x.unit, x.interval, x.method) for x in cell_lines(cell, c["device"])]
        return [grid_table(title, Grid(COLUMNS, rows, []))]
    title += _energy_method(cells, c["device"])
    return [grid_table(title, Grid(SWEEP, sweep_rows(cells, c["device"]), []))]


def _size(cell: Cell) -> str:
    return f"{cell.clip_seconds:g} s clips, {cell.batch_seconds:g} s of audio per batch"


def _energy_method(cells: Sequence[Cell], device: object) -> str:
    """Scope and methods of the joules of all cells, for a title."""
    scope = headline_scope(device)
    known = [q for cell in cells if (q := cell.find("energy_per_audio_hour", scope)) is not None]
    methods = ", ".join(sorted({q.method for q in known if q.value is not None}))
    return f"; {scope} energy: {methods}" if methods else ""


def _report(record: Record, *, drawn: bool) -> str:
    cells, details = cells_of(record), record.told(MeasurementDetails)
    parts = [f"# {record.id}", _opening(record)]
    if len(cells) > 1:
        device = record.settings.device
        parts += [f"## Cells{_energy_method(cells, device)}", markdown_table(SWEEP, sweep_rows(cells, device))]
    parts += ["![cost and memory by size](sweep.png)"] if drawn else []
    for cell, entry in zip(cells, details.cells, strict=True):
        parts += _section(cell, entry.warm_up, record)
    disturbed = [f"{label}: {line}" for label, lines in details.disturbances.items() for line in lines]
    return document([*parts, *(["## Disturbances", bullets(disturbed)] if disturbed else [])])


def _opening(record: Record) -> str:
    c, details = record.settings, record.told(MeasurementDetails)
    stopped = f" Stopped {details.stopped}: not all cells were reached." if details.stopped else ""
    weights = " ".join(f"{line}." for line in details.about_weights)
    protocol = "How the cells were measured is not recorded." if c.protocol is None else _repeats(c.protocol)
    return (
        f"`{record.command}`\n\n{record.status}, started {record.created}, {c.phase} of {c.model} on "
        f"{record.machine.named}, {c.precision}.{stopped}\n\n{protocol} Waveforms are on the device before the first "
        f"batch. Speech: {details.speech}; only its length affects time and memory. {weights}"
    )


def _repeats(protocol: Protocol) -> str:
    """How the cells were measured; in older records the repeats of a cell shared a process, with rests in between."""
    steady = warmed_up(protocol)
    if protocol.cool_down:
        return (
            f"Each cell was measured in a separate process, {steady}, in {protocol.repeats} repeats of "
            f"{protocol.duration:g} s with {protocol.cool_down:g} s of rest between them. The interval of a time is "
            "the union of the order-statistics interval over all batches and Student's t interval over the repeats."
        )
    return (
        f"Each cell was measured in {protocol.repeats} repeats of up to {protocol.duration:g} s, each in a separate "
        f"process, {steady}. The interval of a time is Student's t over the processes, widened to cover a further run."
    )


def _section(cell: Cell, warm_up: str, record: Record) -> list[str]:
    title = f"## {cell.label}: {_size(cell)}"
    if cell.failed:
        return [title, f"Not available: {cell.failed}."]
    lines = cell_lines(cell, record.settings.device)
    notes = noted_names(grouped((line.note, line.name) for line in lines if line.note), ", ")
    table = markdown_table(COLUMNS, [(x.name, x.value, x.unit, x.interval, x.method) for x in lines])
    return [title, table, bullets([*notes, f"warm-up: {warm_up or 'not recorded'}"])]
