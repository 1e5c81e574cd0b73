"""`sslbench train-and-measure` of several models or seeds: a study."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ssl_bench.commands.closing import closing_lines, require_quiet
from ssl_bench.console import fail, print_json, stderr, typed_command

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_bench.settings.studying import StudyConfig
    from ssl_benchmarks.record.record import Record

STUDY = "Study (several runs, told the same)"

Models = Annotated[
    str | None, typer.Option(help="Catalog names to train, commas between. [--model alone]", rich_help_panel=STUDY)
]
Seeds = Annotated[
    int | None, typer.Option(help="Runs of each model; a row has their mean and interval. [1]", rich_help_panel=STUDY)
]
Equal = Annotated[
    str | None,
    typer.Option(
        help="What each run may spend alike: joules, audio-hours, flops or minutes. [the budget above]",
        rich_help_panel=STUDY,
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(help="How much of --equal each run may spend: J, h, FLOP or min. [none]", rich_help_panel=STUDY),
]
UNLEARNED: tuple[object, ...] = ("1h", None, 1, None, None, None, None, None, ())
"""The options of an evaluation, left alone."""


def asks_for_study(asked: Mapping[str, Any], learned: tuple[object, ...]) -> bool:
    """Whether any option was given that only a study has; one seed is a plain run."""
    alone = {**asked, "seeds": None if asked["seeds"] == 1 else asked["seeds"], "tasks": asked["tasks"] or None}
    return any(value is not None for value in alone.values()) or learned != UNLEARNED


def goes_on_with_study(settings: Mapping[str, Any]) -> bool:
    """Whether what `--resume` goes on with is a study."""
    from ssl_bench.sessions.run_folder import unfinished_run

    return unfinished_run(settings.get("out")).read().kind == "study"


def study_command(
    asked: Mapping[str, Any], learned: tuple[Any, ...], settings: Mapping[str, Any], *, resume: bool, as_json: bool
) -> None:
    """Train, evaluate and say how it went; exits 1 where the user stopped it or all runs failed."""
    from ssl_bench.settings.studying import check_study

    config = _config(asked, learned, settings)
    if not resume:
        check_study(config)
    from ssl_bench.studying.study import study

    with redirect_stdout(sys.stderr):  # what is printed meanwhile is no part of the document
        run, record = study(config, resume=resume, command=typed_command(), console=stderr())
    if as_json:
        print_json("train-and-measure", {"run": str(run.path), **record.document()})
    else:
        _print_summary(run, record)
    _end(run, record)


def _config(asked: Mapping[str, Any], learned: tuple[Any, ...], settings: Mapping[str, Any]) -> StudyConfig:
    """The study that the options name.

    Raises:
        BadInputError: for options that do not go together.
    """
    from ssl_bench.settings.evaluating import EvaluationSettings, parse_tasks
    from ssl_bench.settings.studying import StudyConfig, parse_models
    from ssl_models.errors import BadInputError

    if asked["models"] is not None and settings.get("model") is not None:
        raise BadInputError("--model and --models both name what is trained; give one")
    if learned != UNLEARNED and not asked["tasks"]:
        raise BadInputError("--labels, --head and what else an evaluation is told go with --tasks")
    if asked["tasks"] and settings.get("evaluate") is not None:
        raise BadInputError("--evaluate and --no-evaluate are of the probe of a plain run; a study has --tasks")
    models = [settings["model"]] if settings.get("model") is not None else []
    own = {"model", "seed", "out", "evaluate"}
    return StudyConfig(
        models=tuple(models) if asked["models"] is None else parse_models(asked["models"]),
        seeds=1 if asked["seeds"] is None else asked["seeds"],
        seed=settings.get("seed", 0),
        equal=asked["equal"],
        budget=asked["budget"],
        evaluation=EvaluationSettings(parse_tasks(asked["tasks"]), *learned) if asked["tasks"] else None,
        training={key: value for key, value in settings.items() if key not in own},
        out=settings.get("out"),
    )


def _end(run: RunFolder, record: Record) -> None:
    runs = record.details["study"]["runs"]
    if runs and all(entry["status"] == "failed" for entry in runs):
        fail(f"{run.path}: every run failed; {runs[0]['folder']}: {runs[0]['reason']}", 1)
    if record.status != "finished":
        on = f"go on with: sslbench train-and-measure --resume --out {run.path}"
        fail(f"{run.path}: unfinished, stopped {record.details.get('stopped')}; {on}", 1)
    require_quiet(run, record)


def _print_summary(run: RunFolder, record: Record) -> None:
    from rich.console import Console

    from ssl_reports.summaries.evaluating import left_out_lines, remark_lines
    from ssl_reports.summaries.studying import study_tables
    from ssl_reports.summaries.training import limited_lines

    console = Console()
    for table in study_tables(record):
        console.print(table)
    study = record.details["study"]
    said = [f"failed:   {entry['folder']}: {entry['reason']}" for entry in study["runs"] if entry["status"] == "failed"]
    said += [*remark_lines(record), *left_out_lines(record)] if "speech" in record.details else []
    said += [f"time:     {line}" for line in limited_lines(record)]
    said += [study["claim_c4"]] if "claim_c4" in study else []
    said += [f"run:      {run.path}", f"report:   {run.path / 'report.md'}"]
    if record.config["training"].get("data", "sample") == "sample":
        said.append("The speech was synthetic. Real speech: openslr.org/12, then --data LibriSpeech/train-clean-100")
    said += closing_lines(record)
    console.print("\n".join(said), highlight=False, markup=False, soft_wrap=True)
