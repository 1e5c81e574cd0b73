"""`report.md` of `sslbench compare`, and its tables on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.details.comparison import ComparisonDetails
from ssl_benchmarks.record.record import Measurement, Record
from ssl_reports.reading.concerned import concerned
from ssl_reports.summaries.comparison_tables import (
    break_even_lines,
    ledger_grid,
    phase_grid,
    projection_grid,
    reached_line,
    seconds_spent,
)
from ssl_reports.summaries.evaluating import QUALITY
from ssl_reports.summaries.layout import bullets, disturbed_lines, document, grid_tables
from ssl_reports.summaries.rates import quality_grid
from ssl_reports.tables.grid import Grid, markdown_table

if TYPE_CHECKING:
    from rich.table import Table

TITLES = {"inference": "inference", "training": "pretraining step"}
WHOLE = "projected full pretraining on this device"
LIFE = "life-cycle cost"
HOW = {
    "inference": "Inference is encoding with all layers kept.",
    "training": "A pretraining step is forward, backward and optimiser step, run by the functions of the training "
    "loop.",
}
RATIOS = "The second number in a cell is the ratio to the baseline. 1 MAC = 2 FLOPs."


def compare_tables(record: Record) -> list[Table]:
    """The tables of the report, in the same order."""
    return grid_tables(_grids(record))


def write_compare_report(record: Record, folder: Path) -> None:
    """Write `report.md` beside the record."""
    write_atomically(folder / "report.md", _report(record))


def _grids(record: Record) -> list[tuple[str, Grid]]:
    """Title and grid of each table."""
    details = record.told(ComparisonDetails)
    grids = [(f"{TITLES[phase]} (baseline {details.baseline})", phase_grid(record, phase)) for phase in details.phases]
    grids.append((WHOLE, projection_grid(record)))
    grids += [(f"{LIFE}, {name}", ledger_grid(record, unit)) for unit, name in (("J", "energy"), ("FLOP", "FLOPs"))]
    return [*grids, (QUALITY, quality_grid(record))]


def _report(record: Record) -> str:
    parts = [f"# {record.id}", _opening(record)]
    for title, grid in _grids(record):
        if not grid.rows:
            continue
        parts += [f"## {title[0].upper()}{title[1:]}", markdown_table(grid.header, grid.rows), bullets(grid.legend)]
    parts += _break_even(record)
    return document([*parts, "## Notes", _notes(record)])


def _opening(record: Record) -> str:
    details = record.told(ComparisonDetails)
    stopped = f" Stopped {details.stopped}." if details.stopped else ""
    head = f"`{record.command}`\n\n{record.status}, started {record.created}.{stopped} {RATIOS}"
    if details.sources is not None:
        runs = ", ".join(f"{source.run} (`{source.command}`)" for source in details.sources)
        independent = "Ratios are not paired: the errors of two runs are assumed to be independent."
        return f"{head}\n\nRuns compared: {runs}. {independent}"
    c = record.settings
    how = " ".join(HOW[phase] for phase in details.phases)
    return (
        f"{head}\n\nOn {record.machine.named}, {c.device}, {c.precision}; {c.clip_seconds or 0:g} s clips, "
        f"{c.batch_seconds or 0:g} s of audio per batch unless marked. {how}\n\nAll models were measured in one "
        f"session. Each round measures every model and phase once, in random order, each in a {_process(record)} after "
        "a warm-up. Numbers are geometric means over rounds; peak memory is the maximum. The 95 % interval is the "
        "union of Student's t interval over rounds and the mean within-round interval. Ratios are paired by round; their "
        "interval is Student's t over the logarithms of the per-round ratios. Modelled energy has no interval, "
        f"because the error of its model is unknown.\n\nThe {reached_line(record)}. Measuring took "
        f"{seconds_spent(record)}. Speech: {details.speech}."
    )


def _process(record: Record) -> str:
    """Where a cell is measured, and for how long; older comparisons built each model anew in every round."""
    window = record.settings.protocol.duration if record.settings.protocol else 0.0
    if record.told(ComparisonDetails).rebuilt is not None:
        return f"separate process kept between rounds, in a window of up to {window:.3g} s (or one batch, if longer)"
    return f"separate process, in a window of {window:.3g} s"


def _break_even(record: Record) -> list[str]:
    lines = [f"energy: {line}" for line in break_even_lines(record, "J")]
    lines += [f"FLOPs: {line}" for line in break_even_lines(record, "FLOP")]
    about = (
        "Hours of inference after which the model that costs more to train, but less to run, is cheaper in total. The "
        "cost to train is that of pretraining and of fine-tuning, whose steps are taken to cost as much as a "
        "pretraining step."
    )
    return ["## Break-even", about, bullets(lines)] if lines else []


def _notes(record: Record) -> str:
    details = record.told(ComparisonDetails)
    lines = disturbed_lines(details.disturbances)
    lines += [f"{cell}: {line}" for cell, found in details.halved.items() for line in found]
    lines += [f"rebuilt in later rounds for lack of memory: {line}" for line in details.rebuilt or ()]
    lines += [f"differs: {line}" for line in details.differences]
    lines += details.about_weights
    noted: dict[str, list[Measurement]] = {}
    for row in record.measurements:
        if row.quantity.note and row.phase in details.phases and row.quantity.method != "published":
            noted.setdefault(row.quantity.note, []).append(row)
    models = list(dict.fromkeys(row.model for rows in noted.values() for row in rows))
    return bullets([*lines, *(f"{concerned(rows, models)}: {note}" for note, rows in noted.items())])
