"""`report.md` of `sslbench compare`, and its tables on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ssl_benchmarks.record.details.comparison import ComparisonDetails
from ssl_benchmarks.record.record import Record, write_atomically
from ssl_reports.summaries.comparison_tables import (
    break_even_lines,
    ledger_grid,
    phase_grid,
    projection_grid,
    reached_line,
    seconds_spent,
)
from ssl_reports.summaries.evaluating import GIVES, grid_table
from ssl_reports.summaries.rates import quality_grid
from ssl_reports.tables.grid import Grid, markdown_table

if TYPE_CHECKING:
    from rich.table import Table

TITLES = {"inference": "energy to use: inference", "training": "energy to train: a step of pretraining"}
WHOLE = "a whole pretraining on this device, projected"
LIFE = "a model's life"
HOW = {
    "inference": "Of encoding, all layers kept.",
    "training": "Of forward, backward and optimiser's step, by the functions of the training loop.",
}
RATIOS = "The second figure in a cell is the ratio to the baseline. 1 MAC = 2 FLOPs."


def compare_tables(record: Record) -> list[Table]:
    """Everything that there is to show, in the order of the report."""
    tables = [grid_table(title, grid) for title, grid in _grids(record) if grid.rows]
    for table in tables:
        table.columns[0].no_wrap = True
    return tables


def write_compare_report(record: Record, folder: Path) -> None:
    """Write it beside the record."""
    write_atomically(folder / "report.md", _report(record))


def _grids(record: Record) -> list[tuple[str, Grid]]:
    """Each with its title."""
    told = record.told(ComparisonDetails)
    grids = [(f"{TITLES[phase]} (baseline {told.baseline})", phase_grid(record, phase)) for phase in told.phases]
    grids.append((WHOLE, projection_grid(record)))
    grids += [(f"{LIFE}, {name}", ledger_grid(record, unit)) for unit, name in (("J", "energy"), ("FLOP", "FLOPs"))]
    return [*grids, (GIVES, quality_grid(record))]


def _report(record: Record) -> str:
    parts = [f"# {record.id}", _opening(record)]
    for title, grid in _grids(record):
        if not grid.rows:
            continue
        notes = "\n".join(f"- {line}" for line in grid.legend)
        parts += [f"## {title[0].upper()}{title[1:]}", markdown_table(grid.header, grid.rows), notes]
    parts += _paid_back(record)
    parts += ["## Notes", _notes(record)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(record: Record) -> str:
    told = record.told(ComparisonDetails)
    stopped = f" Stopped {told.stopped}." if told.stopped else ""
    head = f"`{record.command}`\n\n{record.status}, begun {record.created}.{stopped} {RATIOS}"
    if told.sources is not None:
        runs = ", ".join(f"{source.run} (`{source.command}`)" for source in told.sources)
        return (
            f"{head}\n\nRuns compared: {runs}. Ratios are not paired: the errors of two runs are taken as independent."
        )
    c = record.settings
    how = " ".join(HOW[phase] for phase in told.phases)
    return (
        f"{head}\n\nOn {record.machine.named}, {c.device}, {c.precision}; clips of {c.clip_seconds or 0:g} s, {c.batch_seconds or 0:g} s a call "
        f"unless marked. {how}\n\nIn turn: each round measures every model once, in an order drawn by the seed, each in a "
        f"{_process(record)} after a warm-up. Figures are geometric means over rounds, memory the largest; "
        "the 95 % interval is the hull of Student's over the rounds and of the rounds' own. Ratios are paired by round: "
        "Student's interval of the logs of the rounds' ratios. A modelled energy has no interval, since its model's error is not "
        f"known.\n\nThe {reached_line(record)}. The cells took {seconds_spent(record)}. Speech: {told.speech}."
    )


def _process(record: Record) -> str:
    """Where a cell is measured, and for how long; older comparisons built each anew in every round."""
    window = record.settings.protocol.duration if record.settings.protocol else 0.0
    if record.told(ComparisonDetails).rebuilt is not None:
        return f"process of its own that stays between rounds, in a window of up to {window:.3g} s, or one call where that is longer,"
    return f"process of its own, in a window of {window:.3g} s"


def _paid_back(record: Record) -> list[str]:
    lines = [f"- energy: {line}" for line in break_even_lines(record, "J")]
    lines += [f"- FLOPs: {line}" for line in break_even_lines(record, "FLOP")]
    about = (
        "The model that costs more before use, and less in use, has paid back after these hours of inference. Before use: "
        "pretraining, and fine-tuning at the cost of a pretraining step."
    )
    return ["## When a model has paid back", about, "\n".join(lines)] if lines else []


def _notes(record: Record) -> str:
    told = record.told(ComparisonDetails)
    lines = [f"- **disturbed** {part}: {line}" for part, found in told.disturbances.items() for line in found]
    lines += [f"- {cell}: {line}" for cell, found in told.halved.items() for line in found]
    lines += [f"- built again in later rounds, for want of memory: {line}" for line in told.rebuilt or ()]
    lines += [f"- differs: {line}" for line in told.differences]
    lines += [f"- {line}" for line in told.about_weights]
    notes: dict[str, list[str]] = {}
    for row in record.measurements:
        if row.quantity.note and row.phase in told.phases and row.quantity.method != "published":
            name = f"{row.model}, {row.phase}, {row.metric}{f', {row.scope}' if row.scope else ''}"
            notes.setdefault(row.quantity.note, []).append(name)
    lines += [f"- {'; '.join(dict.fromkeys(names))}: {note}" for note, names in notes.items()]
    return "\n".join(lines)
