"""`sslbench compare`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ssl_bench.closing import closing_lines, print_run, require_quiet
from ssl_bench.console import Json, fail, print_summary, stderr, typed_command, verbose
from ssl_bench.front_door import apart_if_own
from ssl_bench.settings.comparing import CompareConfig
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.record.record import Record

Runs = Annotated[
    list[str] | None, typer.Argument(metavar="RUN", help="Finished runs to compare; nothing is measured then.")
]
MarkDifferences = Annotated[
    bool,
    typer.Option(
        "--mark-differences",
        help="Compare runs measured under different conditions and mark the affected numbers.",
    ),
]

FailIf = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-if",
        metavar="CONDITION",
        help="Exit with code 1 if the entire interval of a ratio to the baseline lies beyond a limit, such as 'energy>+5%'; "
        "may be repeated.",
    ),
]


def compare_command(
    config: CompareConfig,
    *,
    runs: Runs = None,
    mark_differences: MarkDifferences = False,
    fail_if: FailIf = None,
    allow_mixed: Annotated[
        bool, typer.Option("--allow-mixed", hidden=True)
    ] = False,  # its name before; for one release
    as_json: Json = False,
) -> None:
    """Measure models in turn to a target precision; report ratios, projected full pretraining and life-cycle cost."""
    config.check()
    from ssl_bench.comparing.gate import failures, parse_gate

    gates = [parse_gate(text) for text in fail_if or []]
    if runs and config.models:
        raise BadInputError("give run folders or --models, not both (separate models with commas)")
    if runs and config.track is not None:
        raise BadInputError("--track is for measuring; a comparison of finished runs goes out by sslbench export")
    mark_differences = mark_differences or allow_mixed
    if mark_differences and not runs:
        raise BadInputError(
            "--mark-differences needs run folders; --models measures all models under the same conditions"
        )
    apart_if_own(config.models)
    _require_runs(runs or [])
    run, record = _compared(runs or [], config, mark_differences=mark_differences)
    print_run("compare", run, record, _print_summary, as_json=as_json)
    _end(run, record)
    if beyond := failures(record, gates):
        fail("; ".join(beyond), 1)


def _require_runs(runs: list[str]) -> None:
    """Refuse names of models in the place of runs."""
    from ssl_models.catalog import CATALOG

    lost = [run for run in runs if not Path(run).exists()]
    if any(name in CATALOG or name.startswith("hf:") or ".py:" in name for run in lost for name in run.split(",")):
        raise BadInputError(f"{lost[0]}: no such run; to measure models: sslbench compare --models {','.join(runs)}")


def _compared(runs: list[str], config: CompareConfig, *, mark_differences: bool) -> tuple[RunFolder, Record]:
    if runs:
        from ssl_bench.comparing.runs import compare_runs

        return compare_runs(runs, config, mark_differences=mark_differences, command=typed_command())
    from ssl_bench.comparing.compare import compare

    with redirect_stdout(sys.stderr):  # what a user's model prints is not part of the document
        return compare(config, command=typed_command(), console=stderr())


def _end(run: RunFolder, record: Record) -> None:
    """Exit with code 1 if the user stopped it, nothing has a result, or --strict found a disturbance."""
    rounds = record.details["rounds"]
    if record.status != "finished":
        fail(f"{run.path}: unfinished, stopped {record.details['stopped']}; the record has {len(rounds)} rounds", 1)
    measured = any("failed" not in cell for entry in rounds for cell in entry["cells"])
    if not measured and (failed := record.details.get("failed")):
        cell, reason = next(iter(failed.items()))
        fail(f"{run.path}: nothing could be measured; {cell}: {reason}", 1)
    require_quiet(run, record)


def _print_summary(run: RunFolder, record: Record) -> None:
    from ssl_reports.summaries.comparing import compare_tables
    from ssl_reports.summaries.comparison_tables import break_even_lines, reached_line

    said = [f"break-even: {line}" for line in break_even_lines(record, "J")]
    said += [f"precision:  {line}"] if (line := reached_line(record)) else []
    notes = [f"differs:    {line}" for line in record.details["differences"]]
    notes += [f"note:       {line}" for line in record.details.get("about_weights", [])]
    notes += closing_lines(record)
    said += [f"run:        {run.path}", f"report:     {run.path / 'report.md'}"]
    said.append(f"next:       sslbench report {run.path} --out paper/")
    tables, first = compare_tables(record), len(record.details["phases"])
    if not verbose() and tables[first:]:
        said.insert(0, "also:       projected pretraining and life-cycle cost are in the report (-v prints them)")
        tables = tables[:first]
    print_summary(tables, said, notes)
