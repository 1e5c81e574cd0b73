"""`sslbench measure`."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ssl_bench.commands.closing import (
    Compile,
    Country,
    Device,
    GridIntensity,
    Idle,
    Precision,
    Pretrained,
    Pue,
    Strict,
    closing_lines,
    require_quiet,
)
from ssl_bench.console import Json, Model, fail, print_json, stderr, stdout, typed_command
from ssl_bench.front_door import apart_if_own

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.record.record import Record

CURVE = "clip-seconds=1,2,5,10,20,30"


def measure_command(
    model: Model,
    *,
    phase: Annotated[str, typer.Option(help="inference or training.")] = "inference",
    clip_seconds: Annotated[float, typer.Option(help="Of one clip.")] = 15.0,
    batch_seconds: Annotated[float | None, typer.Option(help="Audio a call. [240 on a GPU, one clip on a CPU]")] = None,
    duration: Annotated[float | None, typer.Option(help="Seconds of one repeat. [10 on a GPU, 5 on a CPU]")] = None,
    repeats: Annotated[int, typer.Option(help="Each in a process of its own.")] = 5,
    minutes: Annotated[
        float | None, typer.Option(help="Of the whole command: repeats are shorter or fewer. [no bound]")
    ] = None,
    sweep: Annotated[
        str | None, typer.Option(help=f"KEY=V1,V2,...: a cell for each value, such as {CURVE}; or batch-seconds=...")
    ] = None,
    precision: Precision = "auto",
    compile_: Compile = False,
    device: Device = "auto",
    seed: Annotated[int, typer.Option(help="Of random weights and masks.")] = 0,
    pretrained: Pretrained = None,
    data: Annotated[str, typer.Option(help="A folder of audio to cut clips from, or 'sample' (synthetic).")] = "sample",
    country: Country = None,
    grid_intensity: GridIntensity = None,
    pue: Pue = 1.0,
    idle: Idle = True,
    strict: Strict = False,
    out: Annotated[str | None, typer.Option(help="The run's folder. [runs/MODEL-measure-TIME]")] = None,
    as_json: Json = False,
) -> None:
    """Measure time, memory and energy of inference or of a training step; leave a record, a report and a curve."""
    from ssl_bench.settings.measuring import MeasureConfig, check_early, parse_sweep
    from ssl_bench.settings.training import check_choices
    from ssl_models.errors import choose

    choices: dict[str, Any] = {"device": device, "precision": precision}
    check_choices(choices)
    choose(phase, ("inference", "training"), "--phase")
    config = MeasureConfig(
        model=model, phase=phase, clip_seconds=clip_seconds, batch_seconds=batch_seconds, duration=duration,  # type: ignore[arg-type]
        repeats=repeats, minutes=minutes, compile=compile_, seed=seed, data=data, country=country, grid_intensity=grid_intensity, pue=pue,
        idle=idle, strict=strict, out=out, pretrained=pretrained, sweep=None if sweep is None else parse_sweep(sweep), **choices,
    )  # fmt: skip
    check_early(config)
    apart_if_own([model])
    from ssl_bench.measuring.measure import measure

    with redirect_stdout(sys.stderr):  # what a model of the user's prints is no part of the document
        run, record = measure(config, command=typed_command(), console=stderr())
    if as_json:
        print_json("measure", {"run": str(run.path), **record.document()})
    else:
        _print_summary(run, record)
    _end(run, record)


def _end(run: RunFolder, record: Record) -> None:
    """Exit code 1 where cells are missing, where none has a result, or by --strict."""
    cells = record.details["cells"]
    if record.status != "finished":
        done = sum("failed" not in cell for cell in cells)
        fail(f"{run.path}: unfinished, stopped {record.details.get('stopped')}; the record has {done} cells", 1)
    if all("failed" in cell for cell in cells):
        fail(f"{record.config['phase']}: unavailable, {cells[0]['failed']}", 1)
    require_quiet(run, record)


def _print_summary(run: RunFolder, record: Record) -> None:
    from ssl_reports.reading.cells import cells_of, failures
    from ssl_reports.summaries.measuring import measure_tables

    console = stdout()
    for table in measure_tables(record):
        console.print(table)
    said = [f"missing:  {line}" for line in failures(cells_of(record))]
    said.append(f"run:      {run.path}")
    if (run.path / "sweep.png").is_file():
        said.append(f"picture:  {run.path / 'sweep.png'}")
    said.append(f"report:   {run.path / 'report.md'}")
    if len(record.details["cells"]) == 1 and "warm_up" in record.details["cells"][0]:
        said.append(f"warm-up:  {record.details['cells'][0]['warm_up']}")
    said += [f"note:     {line}" for line in record.details["about_weights"]]
    said += closing_lines(record)
    said.append(f"next:     {_next(record)}")
    console.print("\n".join(said), highlight=False, markup=False, soft_wrap=True)


def _next(record: Record) -> str:
    """The curve after a single cell, the other phase after a curve; the count on paper where there is no more to measure."""
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
