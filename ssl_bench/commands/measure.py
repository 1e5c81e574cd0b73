"""`sslbench measure`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from ssl_bench.closing import closing_lines, print_run, require_quiet
from ssl_bench.console import Json, fail, print_summary, stderr, typed_command
from ssl_bench.front_door import apart_if_own
from ssl_bench.settings.measuring import CURVE, MeasureConfig

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.record.record import Record


def measure_command(config: MeasureConfig, *, as_json: Json = False) -> None:
    """Measure time, memory and energy of inference or of a training step; write a record, a report and, for a sweep, a curve."""
    config.check()
    apart_if_own([config.model])
    from ssl_bench.measuring.measure import measure

    with redirect_stdout(sys.stderr):  # what a user's model prints is not part of the document
        run, record = measure(config, command=typed_command(), console=stderr())
    print_run("measure", run, record, _print_summary, as_json=as_json)
    _end(run, record)


def _end(run: RunFolder, record: Record) -> None:
    """Exit with code 1 if cells are missing, none has a result, or --strict found a disturbance."""
    cells = record.details["cells"]
    if record.status != "finished":
        done = sum("failed" not in cell for cell in cells)
        fail(f"{run.path}: unfinished, stopped {record.details.get('stopped')}; the record has {done} cells", 1)
    if all("failed" in cell for cell in cells):
        fail(f"{record.config['phase']} is unavailable: {cells[0]['failed']}", 1)
    require_quiet(run, record)


def _print_summary(run: RunFolder, record: Record) -> None:
    from ssl_reports.reading.cells import cells_of, failures
    from ssl_reports.summaries.measuring import measure_tables

    said = [f"missing:  {line}" for line in failures(cells_of(record))]
    said.append(f"run:      {run.path}")
    if (run.path / "sweep.png").is_file():
        said.append(f"picture:  {run.path / 'sweep.png'}")
    said.append(f"report:   {run.path / 'report.md'}")
    if len(record.details["cells"]) == 1 and "warm_up" in record.details["cells"][0]:
        said.append(f"warm-up:  {record.details['cells'][0]['warm_up']}")
    notes = [f"note:     {line}" for line in record.details["about_weights"]] + closing_lines(record)
    said.append(f"next:     {_next(record)}")
    print_summary(measure_tables(record), said, notes)


def _next(record: Record) -> str:
    """The suggested next command: a curve after a single cell, the other phase after a curve, else a profile."""
    from ssl_models.catalog import card, is_foreign

    model, phase = record.config["model"], record.config["phase"]
    if all("failed" in cell for cell in record.details["cells"]):
        return f"sslbench profile {model}"
    if record.config["sweep"] is None:
        chosen = "" if phase == "inference" else f" --phase {phase}"
        return f"sslbench measure {model}{chosen} --sweep {CURVE}"
    if phase == "training":
        return f"sslbench measure {model}"
    trainable = not is_foreign(model) and card(model).objective != "not built yet"
    return f"sslbench measure {model} --phase training" if trainable else f"sslbench profile {model}"
