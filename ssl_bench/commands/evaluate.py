"""`sslbench evaluate`."""

from __future__ import annotations

import sys
import time
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ssl_bench.commands.closing import (
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
from ssl_bench.commands.options import KeepOddAudio, Speakers
from ssl_bench.commands.tasks import (
    Alignments,
    Controls,
    Features,
    Head,
    Heads,
    Keywords,
    Labels,
    LanguageModel,
    LearnHours,
    Tasks,
)
from ssl_bench.console import Json, fail, print_json, stderr, stdout, typed_command
from ssl_bench.front_door import apart_if_own

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.record.record import Record


Train = Annotated[
    str, typer.Option(help="Folder of labelled speech to learn from, or 'sample': synthetic, in all three splits.")
]
Dev = Annotated[str | None, typer.Option(help="Folder to choose the learning rate on. [a tenth of --train's speakers]")]
Test = Annotated[
    str | None, typer.Option(help="Folder of other speakers to rate on. [with --train it has to be named]")
]


def evaluate_command(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL_OR_RUN...",
            help="Runs, hf:FOLDER, file.py:function, or catalog names, whose weights are random without --pretrained; "
            "runs that differ in their seed alone make one row.",
        ),
    ],
    *,
    tasks: Tasks = "asr",
    train: Train = "sample",
    dev: Dev = None,
    test: Test = None,
    speakers: Speakers = None,
    keep_odd_audio: KeepOddAudio = None,
    labels: Labels = "1h",
    head: Head = None,
    heads: Heads = 1,
    seeds: Annotated[
        int, typer.Option(help="How many seeds of heads and random weights; a row has their mean and interval.")
    ] = 1,
    seed: Annotated[int, typer.Option(help="The first seed; a run goes on from its own.")] = 0,
    learn_hours: LearnHours = None,
    lm: LanguageModel = None,
    keywords: Keywords = None,
    alignments: Alignments = None,
    minutes: Annotated[
        float | None,
        typer.Option(
            help="For all of it; of the speech as much is taken as fits, and the record says how much. [no limit]"
        ),
    ] = None,
    pretrained: Pretrained = None,
    features: Features = None,
    controls: Controls = None,
    device: Device = "auto",
    precision: Precision = "auto",
    country: Country = None,
    grid_intensity: GridIntensity = None,
    pue: Pue = 1.0,
    idle: Idle = True,
    strict: Strict = False,
    out: Annotated[str | None, typer.Option(help="The run's folder. [runs/MODEL-evaluate-TIME]")] = None,
    as_json: Json = False,
) -> None:
    """What models and runs give, beside their own random weights and log-mel, and what finding out cost."""
    began = time.monotonic()
    from ssl_bench.settings.evaluating import EvaluateConfig, EvaluationSettings, check_early, parse_tasks
    from ssl_bench.settings.training import check_choices

    choices: dict[str, Any] = {"device": device, "precision": precision}
    check_choices(choices)
    evaluation = EvaluationSettings(
        tasks=parse_tasks(tasks), labels=labels, head=head, heads=heads, hours=learn_hours, lm=lm, keywords=keywords,  # type: ignore[arg-type]
        alignments=alignments, features=features, controls=tuple(controls or ()),
    )  # fmt: skip
    config = EvaluateConfig(
        models=tuple(models), evaluation=evaluation, train=train, dev=dev, test=test, speakers=speakers, keep_odd_audio=bool(keep_odd_audio), seeds=seeds, seed=seed,
        pretrained=pretrained, minutes=minutes, country=country, grid_intensity=grid_intensity, pue=pue, idle=idle, strict=strict, out=out,
        **choices,
    )  # fmt: skip
    check_early(config)
    apart_if_own(models)
    from ssl_bench.evaluating.evaluate import evaluate

    with redirect_stdout(sys.stderr):  # what a model of the user's prints is no part of the document
        run, record = evaluate(config, command=typed_command(), console=stderr(), began=began)
    if as_json:
        print_json("evaluate", {"run": str(run.path), **record.document()})
    else:
        _print_summary(run, record)
    if record.status != "finished":
        done = len(record.details["findings"])
        fail(f"{run.path}: unfinished, stopped {record.details.get('stopped')}; the record has {done} findings", 1)
    require_quiet(run, record)


def _print_summary(run: RunFolder, record: Record) -> None:
    from ssl_reports.summaries.evaluating import evaluation_tables, left_out_lines, remark_lines

    console = stdout()
    for table in evaluation_tables(record):
        console.print(table)
    said = [*remark_lines(record), f"speech:   {record.details['speech']['how']}", *left_out_lines(record)]
    said += [f"run:      {run.path}", f"report:   {run.path / 'report.md'}"]
    said += closing_lines(record)
    said.append(f"next:     {_next(record)}")
    console.print("\n".join(said), highlight=False, markup=False, soft_wrap=True)


def _next(record: Record) -> str:
    """Training after random weights, more seeds after one, the cost after the quality."""
    from ssl_models.catalog import CATALOG

    config = record.config
    random = [m for m in config["models"] if config["pretrained"] is None and m in CATALOG and CATALOG[m].objective]
    if random:
        return f"sslbench train-and-measure --model {random[0]}"
    if config["seeds"] == 1 and len(config["models"]) == 1:
        return f"{record.command} --seeds 3"
    return f"sslbench measure {config['models'][0]}"
