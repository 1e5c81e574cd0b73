"""`report.md` of a study, and its tables on the terminal."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.details.study import StudyDetails
from ssl_benchmarks.record.record import Record
from ssl_reports.claims.error_rates import c4_line
from ssl_reports.summaries.evaluating import QUALITY, remark_lines
from ssl_reports.summaries.layout import NO_CO2E, bullets, disturbed_lines, document, grid_tables, noted_names
from ssl_reports.summaries.rates import bill_grid, noted, quality_grid
from ssl_reports.summaries.study_tables import RUNS, budget_line, cost_grid, run_rows, study_grid
from ssl_reports.tables.grid import Grid, grouped, legend_list, markdown_table

if TYPE_CHECKING:
    from rich.table import Table

COST = "cost of pretraining"
HOW = (
    "Time and energy include fitting targets; J per audio hour and FLOPs (1 MAC = 2 FLOPs) are of training only. "
    "With several seeds, numbers are means over seeds."
)


def study_tables(record: Record) -> list[Table]:
    """Cost, quality if it was rated, and every run."""
    grids = [
        (COST, cost_grid(record)),
        (QUALITY, quality_grid(record)),
        (budget_line(record), Grid(RUNS, run_rows(record), [])),
    ]
    return grid_tables(grids)


def write_study_report(record: Record, folder: Path) -> None:
    """Write `report.md` beside the record."""
    write_atomically(folder / "report.md", _report(record))


def _report(record: Record) -> str:
    models = study_grid(record)
    details = record.told(StudyDetails)
    stopped = f" Stopped {details.stopped}." if details.stopped else ""
    parts = [
        f"# {record.id}",
        f"`{record.command}`\n\n{record.status}, started {record.created}; {budget_line(record)}.{stopped}",
        "## Cost of pretraining, and quality (error rate [95 % interval])",
        markdown_table(models.header, models.rows),
        HOW,
        legend_list(models.legend),
        c4_line(record) or "",
        "## Runs",
        markdown_table(RUNS, run_rows(record)),
        _steps(record),
        *_evaluation(record),
        "## Notes",
        _notes(record),
    ]
    return document(parts)


def _steps(record: Record) -> str:
    """Models may differ in the audio of a step, and so in the number of steps."""
    plans = record.told(StudyDetails).study.plans
    return "Audio per step: " + ", ".join(f"{model} {plan.step_seconds:.4g} s" for model, plan in plans.items()) + "."


def _evaluation(record: Record) -> list[str]:
    rows = tuple(m for m in record.measurements if m.phase in {"evaluation", "finetuning"})
    if record.told(StudyDetails).speech is None:
        return []
    bill = bill_grid(replace(record, measurements=rows))
    speech = f"```json\n{json.dumps(record.details['speech'], indent=1)}\n```"
    read = bullets(remark_lines(record))
    return ["## Cost of the evaluation", markdown_table(bill.header, bill.rows), read, "## Speech", speech]


def _notes(record: Record) -> str:
    details = record.told(StudyDetails)
    costs = grouped(
        (row.quantity.note, f"{row.model}, {row.metric}{f', {row.scope}' if row.scope else ''}")
        for row in record.measurements
        if row.quantity.note and row.phase in {"training", "targets"} and row.quantity.value is not None
    )
    lines = disturbed_lines(details.disturbances) + noted_names(noted(record.measurements)) + noted_names(costs)
    return bullets([*lines, *([NO_CO2E] if details.grid is None else [])])
