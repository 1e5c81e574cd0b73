"""`sslbench study`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated

import typer

from ssl_bench.closing import closing_lines, print_run, require_quiet
from ssl_bench.commands.options import ModelConfig
from ssl_bench.console import Json, fail, print_summary, stderr, typed_command
from ssl_bench.settings.studying import StudyConfig

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.record.record import Record

Resume = Annotated[bool, typer.Option("--resume", help="Resume an unfinished study.")]


def study_command(
    config: StudyConfig,
    *,
    file: ModelConfig = None,  # noqa: ARG001 - its contents are in `config`
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Train several models or seeds under one budget, evaluate all in the same way, and write one record."""
    run_study(config, resume=resume, as_json=as_json)


def run_study(config: StudyConfig, *, resume: bool, as_json: bool, name: str = "study") -> None:
    """Train, evaluate and summarise, as the command `name`; exits with 1 if the user stopped it or all runs failed."""
    if not resume:
        config.check()
    from ssl_bench.studying.study import study

    with redirect_stdout(sys.stderr):  # what is printed meanwhile is not part of the document
        run, record = study(config, resume=resume, command=typed_command(), console=stderr())
    print_run(name, run, record, _print_summary, as_json=as_json)
    _end(run, record)


def _end(run: RunFolder, record: Record) -> None:
    runs = record.details["study"]["runs"]
    if runs and all(entry["status"] == "failed" for entry in runs):
        fail(f"{run.path}: every run failed; {runs[0]['folder']}: {runs[0]['reason']}", 1)
    if record.status != "finished":
        on = f"resume with: sslbench study --resume --out {run.path}"
        fail(f"{run.path}: unfinished, stopped {record.details.get('stopped')}; {on}", 1)
    require_quiet(run, record)


def _print_summary(run: RunFolder, record: Record) -> None:
    from ssl_bench.data.sample.sample import LAST_WORD
    from ssl_reports.summaries.evaluating import left_out_lines, remark_lines
    from ssl_reports.summaries.studying import study_tables
    from ssl_reports.summaries.training import limited_lines

    study = record.details["study"]
    said = [f"failed:   {entry['folder']}: {entry['reason']}" for entry in study["runs"] if entry["status"] == "failed"]
    notes = [*remark_lines(record), *left_out_lines(record)] if "speech" in record.details else []
    notes += closing_lines(record)
    said += [f"time:     {line}" for line in limited_lines(record)]
    said += [study["claim_c4"]] if "claim_c4" in study else []
    said += [f"run:      {run.path}", f"report:   {run.path / 'report.md'}"]
    if record.config["training"].get("data", "sample") == "sample":
        said.append(LAST_WORD)
    print_summary(study_tables(record), said, notes)
