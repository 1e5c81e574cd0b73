"""`sslbench evaluate`."""

from __future__ import annotations

import sys
import time
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from ssl_bench.closing import closing_lines, print_run, require_quiet
from ssl_bench.console import Json, fail, print_summary, stderr, typed_command
from ssl_bench.front_door import apart_if_own
from ssl_bench.settings.evaluating import EvaluateConfig

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.record.record import Record


def evaluate_command(config: EvaluateConfig, *, as_json: Json = False) -> None:
    """Evaluate models and runs against two controls (random weights, log-mel), and meter what that costs."""
    began = time.monotonic()
    config.check()
    apart_if_own(config.models)
    from ssl_bench.evaluating.evaluate import evaluate

    with redirect_stdout(sys.stderr):  # what a user's model prints is not part of the document
        run, record = evaluate(config, command=typed_command(), console=stderr(), began=began)
    print_run("evaluate", run, record, _print_summary, as_json=as_json)
    if record.status != "finished":
        done = len(record.details["findings"])
        fail(f"{run.path}: unfinished, stopped {record.details.get('stopped')}; the record has {done} results", 1)
    require_quiet(run, record)


def _print_summary(run: RunFolder, record: Record) -> None:
    from ssl_reports.summaries.evaluating import evaluation_tables, left_out_lines, remark_lines

    notes = [*remark_lines(record), *left_out_lines(record), *closing_lines(record)]
    said = [f"speech:   {record.details['speech']['how']}"]
    said += [f"run:      {run.path}", f"report:   {run.path / 'report.md'}"]
    said.append(f"next:     {_next(record)}")
    print_summary(evaluation_tables(record), said, notes)


def _next(record: Record) -> str:
    """The suggested next command: training after random weights, more seeds after one, cost after quality."""
    from ssl_models.catalog import CATALOG

    config = record.config
    random = [m for m in config["models"] if config["pretrained"] is None and m in CATALOG and CATALOG[m].objective]
    if random:
        return f"sslbench train-and-measure --model {random[0]}"
    if config["seeds"] == 1 and len(config["models"]) == 1:
        return f"{record.command} --seeds 3"
    return f"sslbench measure {config['models'][0]}"
