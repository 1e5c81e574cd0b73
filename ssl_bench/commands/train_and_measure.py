"""`sslbench train-and-measure`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ssl_bench.closing import closing_lines, print_run, require_quiet
from ssl_bench.commands.options import ModelConfig
from ssl_bench.console import Json, fail, print_summary, stderr, typed_command
from ssl_bench.settings.training import TrainAndMeasureConfig

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.record.record import Record

Resume = Annotated[bool, typer.Option("--resume", help="Resume an unfinished run.")]
MOST_NAMED = 5
"""Files named on the screen; the report names all."""
MOVED = (
    "train-and-measure: use `sslbench study` for several models, seeds or tasks; here they work for one more release"
)


def train_and_measure_command(
    config: TrainAndMeasureConfig,
    *,
    given: Mapping[str, Any],
    file: ModelConfig = None,  # noqa: ARG001 - its contents are in `given`
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Pretrain a model, metered from start to finish; write a record, a report and a picture."""
    began = time.monotonic()
    config.check()
    if _is_of_study(given) or (resume and _goes_on_with_study(config.out)):
        _study(given, resume=resume, as_json=as_json)
        return
    from ssl_bench.training.train_and_measure import train_and_measure

    run, record = train_and_measure(config, resume=resume, command=typed_command(), console=stderr(), began=began)
    print_run("train-and-measure", run, record, _print_summary, as_json=as_json)
    if record.status != "finished":
        _ended_early(run, record)
    require_quiet(run, record)


def _is_of_study(given: Mapping[str, Any]) -> bool:
    """Whether an option was given that only a study has; one seed is a plain run."""
    from ssl_bench.settings.studying import StudyConfig

    own = {s.name for s in StudyConfig.settings() if s.path[0] != "training"} - {"seed", "out"}
    return any(name in own and (name, value) != ("seeds", 1) for name, value in given.items())


def _goes_on_with_study(out: str | None) -> bool:
    """Whether `--resume` continues a study."""
    from ssl_bench.sessions.run_folder import unfinished_run

    return unfinished_run(out).read().kind == "study"


def _study(given: Mapping[str, Any], *, resume: bool, as_json: bool) -> None:
    """Run a study from here, as before it had a command of its own; for one more release."""
    from ssl_bench.commands.study import run_study
    from ssl_bench.settings.studying import StudyConfig

    config = StudyConfig.read(given)
    if not resume:
        config.check()
    stderr().print(MOVED, highlight=False, markup=False, soft_wrap=True)
    run_study(config, resume=resume, as_json=as_json, name="train-and-measure")


def _ended_early(run: RunFolder, record: Record) -> NoReturn:
    """Exit with 2 if the loss diverged, 1 if the user or the clock stopped the run; the line says how to continue."""
    from ssl_bench.training.after_training import UNTRAINED

    why = str(record.details.get("stopped", ""))
    if "finite" in why:
        fail(f"{run.path}: stopped: {why}; lower [optimisation] peak_learning_rate in --config FILE.toml", 2)
    if why.startswith(UNTRAINED):
        more = f"allow more time: sslbench train-and-measure --resume --out {run.path} --minutes M"
        fail(f"{run.path}: stopped {why}; {more}", 1)
    fail(f"{run.path}: unfinished, stopped {why}; resume with: sslbench train-and-measure --resume --out {run.path}", 1)


def _print_summary(run: RunFolder, record: Record) -> None:
    from ssl_bench.data.sample.sample import LAST_WORD
    from ssl_benchmarks.record.details.training import TrainingDetails
    from ssl_reports.summaries.full_run import full_run_lines
    from ssl_reports.summaries.terminal import run_tables
    from ssl_reports.summaries.training import audio_lines, limited_lines

    said = [f"run:       {run.path}", f"picture:   {run.path / 'training.png'}", f"report:    {run.path / 'report.md'}"]
    if record.config["data"] == "sample":
        said.append(LAST_WORD)
    notes = [f"speech:    {line}" for line in audio_lines(record)]
    notes += [f"left out:  {path}: {why}" for path, why in list(record.details["broken_files"].items())[:MOST_NAMED]]
    notes += closing_lines(record)
    said += [f"time:      {line}" for line in limited_lines(record)]
    said += [f"projected: {line}" for line in full_run_lines(record.told(TrainingDetails).full_run)]
    said.append(f"next:      sslbench models {run.path}")
    print_summary(run_tables(record), said, notes)
