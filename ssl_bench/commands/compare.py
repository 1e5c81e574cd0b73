"""`sslbench compare`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ssl_bench.commands.closing import (
    WEIGHTS,
    Compile,
    Country,
    Device,
    GridIntensity,
    Idle,
    Precision,
    Price,
    Pue,
    Strict,
    closing_lines,
    require_quiet,
)
from ssl_bench.console import Json, fail, print_json, stderr, stdout, typed_command
from ssl_bench.front_door import apart_if_own

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.record.record import Record

LEDGER = "Ledger"


def compare_command(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="Finished runs to put side by side; nothing is measured."),
    ] = None,
    *,
    models: Annotated[
        str | None,
        typer.Option(help="With commas between; catalog names, run folders, or models of your own. [by device]"),
    ] = None,
    phases: Annotated[str, typer.Option(help="inference, training, or both.")] = "inference,training",
    clip_seconds: Annotated[float | None, typer.Option(help="Of one clip. [15 on a GPU, 5 on a CPU]")] = None,
    batch_seconds: Annotated[float | None, typer.Option(help="Audio a call. [240 on a GPU, one clip on a CPU]")] = None,
    precision: Precision = "auto",
    compile_: Compile = False,
    device: Device = "auto",
    minutes: Annotated[
        float, typer.Option(help="Of the whole command; a model that has no time is left out by name.")
    ] = 10.0,
    precision_target: Annotated[str, typer.Option(help="Half-width of the 95 % intervals that is enough.")] = "2%",
    baseline: Annotated[str | None, typer.Option(help="Of the ratios. [the first model]")] = None,
    pretrained: Annotated[
        str | None, typer.Option(help=f"{WEIGHTS} Of all models, or as MODEL=WEIGHTS with commas between.")
    ] = None,
    data: Annotated[str, typer.Option(help="A folder of audio to cut clips from, or 'sample' (synthetic).")] = "sample",
    seed: Annotated[int, typer.Option(help="Of orders, weights and masks.")] = 0,
    country: Country = None,
    grid_intensity: GridIntensity = None,
    pue: Pue = 1.0,
    price_per_gpu_hour: Price = None,
    finetunings: Annotated[int, typer.Option(help="In a model's life.", rich_help_panel=LEDGER)] = 1,
    finetuning_hours: Annotated[float, typer.Option(help="Audio heard in each.", rich_help_panel=LEDGER)] = 1_000.0,
    inference_hours: Annotated[float, typer.Option(help="Audio a model is used on.", rich_help_panel=LEDGER)] = 1e6,
    published: Annotated[bool, typer.Option("--published", help="Show what others publish, marked.")] = False,
    allow_mixed: Annotated[
        bool, typer.Option("--allow-mixed", help="Runs that were not measured alike: mark each cell, refuse nothing.")
    ] = False,
    idle: Idle = True,
    strict: Strict = False,
    out: Annotated[str | None, typer.Option(help="The run's folder. [runs/compare-TIME]")] = None,
    as_json: Json = False,
) -> None:
    """Measure several models in turn until their figures are known; ratios, whole pretrainings, and what a life costs."""
    from ssl_bench.settings.comparing import CompareConfig, check_comparison, parse_names, parse_phases, parse_share
    from ssl_bench.settings.training import check_choices
    from ssl_benchmarks.record.details.life import Life
    from ssl_models.errors import BadInputError

    choices: dict[str, Any] = {"device": device, "precision": precision}
    check_choices(choices)
    config = CompareConfig(
        models=parse_names(models), phases=parse_phases(phases), clip_seconds=clip_seconds, batch_seconds=batch_seconds,
        minutes=minutes, precision_target=parse_share(precision_target), baseline=baseline, country=country,
        grid_intensity=grid_intensity, pue=pue, price_per_gpu_hour=price_per_gpu_hour, published=published, data=data, seed=seed,
        life=Life(finetunings, finetuning_hours, inference_hours), idle=idle, strict=strict, out=out, pretrained=pretrained,
        compile=compile_, **choices,
    )  # fmt: skip
    check_comparison(config)
    if runs and models is not None:
        raise BadInputError("runs are compared as they are, --models measures; give one of them")
    if allow_mixed and not runs:
        raise BadInputError("--allow-mixed is of runs that are compared; models measured together are measured alike")
    apart_if_own(config.models)
    run, record = _compared(runs or [], config, allow_mixed=allow_mixed)
    if as_json:
        print_json("compare", {"run": str(run.path), **record.document()})
    else:
        _print_summary(run, record)
    _end(run, record)


def _compared(runs: list[str], config: Any, *, allow_mixed: bool) -> tuple[RunFolder, Record]:  # noqa: ANN401 - a CompareConfig, imported late
    if runs:
        from ssl_bench.comparing.runs import compare_runs

        return compare_runs(runs, config, allow_mixed=allow_mixed, command=typed_command())
    from ssl_bench.comparing.compare import compare

    with redirect_stdout(sys.stderr):  # what a model of the user's prints is no part of the document
        return compare(config, command=typed_command(), console=stderr())


def _end(run: RunFolder, record: Record) -> None:
    """Exit code 1 where the user stopped it, where nothing has a result, or by --strict."""
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

    console = stdout()
    for table in compare_tables(record):
        console.print(table)
    said = [f"paid back: {line}" for line in break_even_lines(record, "J")]
    said += [f"precision: {line}"] if (line := reached_line(record)) else []
    said += [f"differs:   {line}" for line in record.details["differences"]]
    said += [f"run:       {run.path}", f"report:    {run.path / 'report.md'}"]
    said += [f"note:      {line}" for line in record.details.get("about_weights", [])]
    said += closing_lines(record)
    said.append(f"next:      sslbench report {run.path} --out paper/")
    console.print("\n".join(said), highlight=False, markup=False, soft_wrap=True)
