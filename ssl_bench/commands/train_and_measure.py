"""`sslbench train-and-measure`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from ssl_bench.commands.closing import Country, GridIntensity, Pretrained, Price, closing_lines, require_quiet
from ssl_bench.commands.options import (
    AudioHours,
    BatchSeconds,
    Compile,
    Config,
    Data,
    Device,
    EvalData,
    Evaluate,
    EvaluateMinutes,
    Idle,
    KeepOddAudio,
    Kwh,
    Minutes,
    Model,
    Out,
    Precision,
    Pue,
    Resume,
    Seed,
    Speakers,
    Steps,
    Strict,
    Targets,
    Teacher,
    TeacherLayer,
)
from ssl_bench.commands.study import Budget, Equal, Models, Seeds, asks_for_study, goes_on_with_study, study_command
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
from ssl_bench.console import Json, fail, print_json, stderr, typed_command

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.record.record import Record


MOST_NAMED = 5
"""Files that are named on the screen; the report has all."""


def train_and_measure_command(
    *,
    model: Model = None,
    targets: Targets = None,
    teacher: Teacher = None,
    teacher_layer: TeacherLayer = None,
    pretrained: Pretrained = None,
    data: Data = None,
    eval_data: EvalData = None,
    speakers: Speakers = None,
    keep_odd_audio: KeepOddAudio = None,
    out: Out = None,
    steps: Steps = None,
    audio_hours: AudioHours = None,
    minutes: Minutes = None,
    kwh: Kwh = None,
    batch_seconds: BatchSeconds = None,
    device: Device = None,
    precision: Precision = None,
    compile_: Compile = None,
    seed: Seed = None,
    country: Country = None,
    grid_intensity: GridIntensity = None,
    pue: Pue = None,
    price_per_gpu_hour: Price = None,
    evaluate: Evaluate = None,
    evaluate_minutes: EvaluateMinutes = None,
    idle: Idle = None,
    strict: Strict = None,
    config: Config = None,
    models: Models = None,
    seeds: Seeds = None,
    equal: Equal = None,
    budget: Budget = None,
    tasks: Tasks = "",
    labels: Labels = "1h",
    head: Head = None,
    heads: Heads = 1,
    learn_hours: LearnHours = None,
    lm: LanguageModel = None,
    keywords: Keywords = None,
    alignments: Alignments = None,
    features: Features = None,
    controls: Controls = None,
    resume: Resume = False,
    as_json: Json = False,
) -> None:
    """Pretrain a model, metered from the first joule; leave a record, a table and pictures.

    With --models, --seeds or --tasks: a study, which trains each under the same budget and evaluates all the same way.
    """
    began = time.monotonic()
    given = {
        "model": model, "targets": targets, "teacher": teacher, "teacher_layer": teacher_layer, "pretrained": pretrained,
        "data": data, "eval_data": eval_data, "speakers": speakers, "keep_odd_audio": keep_odd_audio, "out": out, "steps": steps, "audio_hours": audio_hours, "minutes": minutes,
        "kwh": kwh, "batch_seconds": batch_seconds, "device": device, "precision": precision,
        "compile": compile_, "seed": seed, "country": country, "grid_intensity": grid_intensity, "pue": pue,
        "price_per_gpu_hour": price_per_gpu_hour, "evaluate": evaluate,
        "evaluate_minutes": evaluate_minutes, "idle": idle, "strict": strict,
    }  # fmt: skip
    settings = _settings(given, config)
    asked = {"models": models, "seeds": seeds, "equal": equal, "budget": budget, "tasks": tasks}
    learned = (labels, head, heads, learn_hours, lm, keywords, alignments, features, tuple(controls or ()))
    if asks_for_study(asked, learned) or (resume and goes_on_with_study(settings)):
        study_command(asked, learned, settings, resume=resume, as_json=as_json)
    else:
        _train(settings, resume=resume, as_json=as_json, began=began)


def _settings(given: dict[str, Any], config: Path | None) -> dict[str, Any]:
    """Those of the file, and over them what was typed."""
    from ssl_bench.settings.training import read_toml

    settings = read_toml(config) if config is not None else {}
    settings |= {key: value for key, value in given.items() if value is not None}
    _check_early(settings)
    return settings


def _train(settings: dict[str, Any], *, resume: bool, as_json: bool, began: float) -> None:
    """A single run."""
    from ssl_bench.training.train_and_measure import train_and_measure

    console = stderr()
    run, record = train_and_measure(settings, resume=resume, command=typed_command(), console=console, began=began)
    if as_json:
        print_json("train-and-measure", {"run": str(run.path), **record.document()})
    else:
        _print_summary(run, record)
    if record.status != "finished":
        _ended_early(run, record)
    require_quiet(run, record)


def _check_early(settings: dict[str, Any]) -> None:
    """Names and choices are checked before torch is imported, so that a typo costs no seconds."""
    from ssl_bench.data.speakers import speaker_pattern
    from ssl_bench.settings.training import check_choices
    from ssl_models.catalog import CATALOG, require_pretrained
    from ssl_models.names import choose

    if settings.get("model") is not None:
        require_pretrained(choose(str(settings["model"]), CATALOG, "model"), settings.get("pretrained"))
    check_choices(settings)
    speaker_pattern(settings.get("speakers"))
    for name in ("data", "eval_data"):
        folder = settings.get(name)
        if folder is not None and folder != "sample" and not Path(str(folder)).is_dir():
            fail(f"{folder}: no such folder; --{name.replace('_', '-')} takes a folder of audio files", 2)


def _ended_early(run: RunFolder, record: Record) -> NoReturn:
    """Exit 2 where the loss diverged, 1 where the user or the clock stopped the run; the way on is named."""
    from ssl_bench.training.after_training import UNTRAINED

    why = str(record.details.get("stopped", ""))
    if "finite" in why:
        fail(f"{run.path}: stopped: {why}; lower [optimisation] peak_learning_rate in --config FILE.toml", 2)
    if why.startswith(UNTRAINED):
        more = f"give it more: sslbench train-and-measure --resume --out {run.path} --minutes M"
        fail(f"{run.path}: stopped {why}; {more}", 1)
    fail(f"{run.path}: unfinished, stopped {why}; go on with: sslbench train-and-measure --resume --out {run.path}", 1)


def _print_summary(run: RunFolder, record: Record) -> None:
    from rich.console import Console

    from ssl_benchmarks.record.details.training import TrainingDetails
    from ssl_reports.summaries.full_run import full_run_lines
    from ssl_reports.summaries.terminal import run_tables
    from ssl_reports.summaries.training import audio_lines, limited_lines

    console = Console()
    for table in run_tables(record):
        console.print(table)
    said = [f"run:      {run.path}", f"picture:  {run.path / 'training.png'}", f"report:   {run.path / 'report.md'}"]
    if record.details["data"]["synthetic"]:
        said.append("The speech was synthetic. Real speech: openslr.org/12, then --data LibriSpeech/train-clean-100")
    said += [f"speech:   {line}" for line in audio_lines(record)]
    said += [f"left out: {path}: {why}" for path, why in list(record.details["broken_files"].items())[:MOST_NAMED]]
    said += [f"time:     {line}" for line in limited_lines(record)]
    said += [f"whole:    {line}" for line in full_run_lines(record.told(TrainingDetails).full_run)]
    said += closing_lines(record)
    said.append(f"next:     sslbench models {run.path}")
    console.print("\n".join(said), highlight=False, markup=False, soft_wrap=True)
