"""The main job: pretrain the efficient model on real speech, metered from the first joule, and leave a record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import lightning_fabric
import torch

from benchmarks.carbon import GridIntensity, country_intensity, given_intensity
from benchmarks.energy import EnergyMeter
from benchmarks.environment import environment
from benchmarks.flops import module_table
from benchmarks.memory import PeakMemory
from benchmarks.quantity import unavailable
from benchmarks.record import Record
from models.efficient.masked_prediction import MaskedPrediction
from models.errors import BadInputError
from reports.run_report import write_run_report
from ssl_bench.attempts import Attempt, PhaseCost, recovered
from ssl_bench.config import TrainAndMeasureConfig, clip_shape, resolved
from ssl_bench.data.clips import ClipSource
from ssl_bench.data.corpus import Corpus, read_corpus
from ssl_bench.data.splits import Split, drawn_hours, split_speakers
from ssl_bench.data.waveforms import Waveforms
from ssl_bench.ledger import Ledger, headline_scope
from ssl_bench.measuring import (
    Trial,
    cost_rows,
    evaluation_rows,
    inference_rows,
    speech_sample,
    training_rows,
)
from ssl_bench.pretraining import Logged, make_optimiser, pretrain, stop_on_signals
from ssl_bench.progress import Progress
from ssl_bench.runs import RunFolder, new_run, unfinished_run
from ssl_bench.step_metrics import DivergedError

if TYPE_CHECKING:
    from rich.console import Console

LOG_EVERY = {"cpu": 5, "cuda": 50}
PRECISIONS: dict[str, Literal["32-true", "bf16-mixed"]] = {"float32": "32-true", "bfloat16": "bf16-mixed"}


@dataclass
class Job:
    """What one call works with.

    Attributes:
        attempts: all so far; the last one is this call's.
        details: what the record holds beside its rows.
    """

    config: TrainAndMeasureConfig
    run: RunFolder
    corpus: Corpus
    split: Split
    grid: GridIntensity | None
    waveforms: Waveforms
    attempts: list[Attempt]
    console: Console
    command: str
    created: str
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def scope(self) -> str:
        """Whose joules are the headline; see `headline_scope`."""
        return headline_scope(self.config.device)

    def record(self, status: str) -> Record:
        """The record as it stands, without rows."""
        config = {k: dict(v) if isinstance(v, Mapping) else v for k, v in asdict(self.config).items()}
        details = {**self.details, "attempts": [attempt.document() for attempt in self.attempts]}
        details["broken_files"] = self.waveforms.broken
        return Record(self.run.path.name, self.created, status, self.command, config, environment(), (), {}, details)


def train_and_measure(
    asked: Mapping[str, Any], *, resume: bool, command: str, console: Console
) -> tuple[RunFolder, Record]:
    """Train, measure, evaluate; returns the run and its record, whose status says whether it came to its end.

    `asked` are the settings given (see `TrainAndMeasureConfig`), the rest are defaults or, with `resume`, the run's own.

    Raises:
        BadInputError: for settings or data that cannot be used.
    """
    job = _resumed(asked, command, console) if resume else _begun(asked, command, console)
    with ExitStack() as stack:
        stack.enter_context(job.run.locked())
        job.run.write(job.record("unfinished"))
        say = stack.enter_context(Progress(console, job.scope, job.grid, job.config.pue))
        say.phase(_opening(job))
        trial = _train(job, say)
        record = job.record("unfinished").extended(training_rows(trial, job.attempts, job.run.metrics()))
        job.run.write(record)
        if "stopped" not in job.details:
            try:
                record = _measured(job, trial, record, say)
            except KeyboardInterrupt:
                job.details["stopped"] = "by the user, while measuring"
                record = replace(record, details=job.record("unfinished").details)
        modules = module_table(trial.pretraining.encoder.cpu().float(), trial.training_conditions().clip_seconds or 1.0)
        write_run_report(record, job.run.path, job.run.metrics(), modules)
        job.run.write(record)
        return job.run, record


def _measured(job: Job, trial: Trial, record: Record, say: Progress) -> Record:
    """The finished record: inference in a process of its own, then the probe."""
    say.phase("measuring inference in a process of its own")
    speech = speech_sample(job.split, job.waveforms, 240.0)
    record = record.extended(inference_rows(trial, job.run.path, speech))
    job.run.write(record)
    if job.config.evaluate:
        with EnergyMeter() as meter:
            rows = evaluation_rows(trial, built(job.config), job.split, job.waveforms, say.phase)
        rows += cost_rows(trial, "evaluation", PhaseCost.of(meter.reading))
        record = record.extended(rows)
    return replace(job.record("finished"), measurements=record.measurements)


def _begun(asked: Mapping[str, Any], command: str, console: Console) -> Job:
    """A new run; its folder is made last, when everything else is known to be usable."""
    config = resolved(TrainAndMeasureConfig(**asked), cuda=torch.cuda.is_available())
    grid = _grid(config)
    corpus, split = _speech(config, console)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    run = new_run(config.out, config.model or "")
    job = Job(config, run, corpus, split, grid, Waveforms(), [Attempt(1, now)], console, command, now)
    job.details.update(_data_details(job))
    return job


def _resumed(asked: Mapping[str, Any], command: str, console: Console) -> Job:
    """An unfinished run taken up again, with its own settings; only budget, grid and evaluation may be given anew."""
    run = unfinished_run(asked.get("out"))
    before = run.read()
    free = {"steps", "audio_hours", "minutes", "kwh", "country", "grid_intensity", "pue", "evaluate", "out"}
    changed = [k for k, v in asked.items() if k not in free and v != before.config.get(k)]
    if changed:
        names = ", ".join("--" + key.replace("_", "-") for key in changed)
        raise BadInputError(f"--resume: {names} cannot differ from what the run began with")
    settings = {**before.config, **asked, "out": str(run.path)}
    settings["optimisation"] = _tuples(settings["optimisation"])
    config = resolved(TrainAndMeasureConfig(**settings), cuda=torch.cuda.is_available())
    corpus, split = _speech(config, console)
    attempts = [Attempt.from_document(document) for document in before.details["attempts"]]
    attempts[-1] = recovered(attempts[-1], run.metrics())
    attempts.append(Attempt(len(attempts) + 1, datetime.now(UTC).isoformat(timespec="seconds")))
    job = Job(config, run, corpus, split, _grid(config), Waveforms(), attempts, console, command, before.created)
    job.details.update({k: v for k, v in before.details.items() if k not in ("stopped", "attempts")})
    return job


def _tuples(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}


def _grid(config: TrainAndMeasureConfig) -> GridIntensity | None:
    if config.country is not None:
        return country_intensity(config.country)
    return None if config.grid_intensity is None else given_intensity(config.grid_intensity)


def _speech(config: TrainAndMeasureConfig, console: Console) -> tuple[Corpus, Split]:
    """The speech to train on, and who is held out."""
    if config.data == "sample":
        from ssl_bench.data.sample import sample_corpus

        console.print("speech: the sample corpus, synthetic (eSpeak NG); give real speech with --data FOLDER")
        corpus = read_corpus(sample_corpus())
    else:
        corpus = read_corpus(Path(config.data))
    for path, reason in corpus.skipped[:5]:
        console.print(f"skipped {path}: {reason}", highlight=False)
    if len(corpus.skipped) > 5:
        console.print(f"skipped {len(corpus.skipped)} files in all; the record names each")
    evaluation = None if config.eval_data is None else read_corpus(Path(config.eval_data))
    return corpus, split_speakers(corpus, evaluation, config.seed)


def _data_details(job: Job) -> dict[str, Any]:
    """What the record says of the speech."""
    return {
        "data": {
            "folder": str(job.corpus.root),
            "synthetic": job.config.data == "sample",
            "utterances": len(job.corpus.utterances),
            "hours": job.corpus.hours,
            "speakers": len(job.corpus.speakers),
            "speakers_from": job.corpus.speakers_from,
            "transcripts": job.corpus.has_text,
            "skipped_files": {str(path): reason for path, reason in job.corpus.skipped},
        },
        "held_out": {"how": job.split.how, "speakers": list(job.split.speakers)},
        "grid": None if job.grid is None else asdict(job.grid),
    }


def _opening(job: Job) -> str:
    c = job.config
    limits = {"steps": c.steps, "audio hours": c.audio_hours, "minutes": c.minutes, "kWh": c.kwh}
    budget = " or ".join(f"{limit:g} {name}" for name, limit in limits.items() if limit is not None)
    hours = sum(u.samples for u in job.split.training) / 16_000 / 3600
    speakers = len(job.corpus.speakers) - (0 if c.eval_data else len(job.split.speakers))
    return (
        f"{c.model} on {c.device} ({c.precision}), {hours:.2f} h of speech of {speakers or 'unknown'} speakers, "
        f"{len(job.split.speakers)} held out; budget: {budget}; run: {job.run.path}"
    )


def _train(job: Job, say: Progress) -> Trial:
    """Fit the targets, then train; the attempt's cost goes into `job.attempts`, what happened into `job.details`."""
    config, model_config = job.config, job.config.model_config()
    fabric = lightning_fabric.Fabric(accelerator=config.device, devices=1, precision=PRECISIONS[config.precision])
    with stop_on_signals() as stop, _meter(say) as meter, PeakMemory(fabric.device) as memory:
        pretraining = built(config).to(fabric.device)
        optimiser = make_optimiser(pretraining, model_config.optimisation)
        state = job.run.load_checkpoint(pretraining, optimiser)
        if config.compile:
            pretraining.compile()
        module, ready = fabric.setup(pretraining, optimiser)
        unknown = unavailable("B", "training did not end")
        trial = Trial(config.model or "", pretraining, optimiser, fabric.device, state, config, job.grid, unknown)
        ledger = Ledger(job.attempts, config, meter, state)
        _fit_targets(job, pretraining, ledger, say)
        memory.restart()
        kept_before, data_wait = job.waveforms.kept_bytes, 0.0
        clips, samples = clip_shape(config)
        ledger.begin_training()
        try:
            trained = pretrain(
                fabric=fabric,
                module=module,
                optimiser=ready,
                settings=model_config.optimisation,
                source=ClipSource(job.split.training, job.waveforms, samples, clips, config.seed),
                ledger=ledger,
                state=state,
                log=lambda logged: _log(job, ledger, logged, say),
                save=lambda: _checkpoint(job, trial, ledger),
                save_every=config.checkpoint_minutes * 60,
                log_every=LOG_EVERY[fabric.device.type],
                stop=stop,
            )
            data_wait = trained.data_wait
            if trained.stopped:
                job.details["stopped"] = "by the user"
        except DivergedError as error:
            job.details["stopped"] = f"{error}; the weights are those before it"
        trial.peak_memory = memory.so_far(less=job.waveforms.kept_bytes - kept_before)
    ledger.close(state, data_wait)
    job.details["meter_cpu_seconds"] = meter.own_cpu_seconds
    job.run.add_trace(meter.reading.trace, len(job.attempts))
    _checkpoint(job, trial, ledger, finished="stopped" not in job.details)
    return trial


@contextmanager
def _meter(say: Progress) -> Iterator[EnergyMeter]:
    """A running meter that knows the idle power, where there is a counter to read it from."""
    meter = EnergyMeter()
    if torch.cuda.is_available():
        say.phase("measuring idle power for 10 s")
    meter.measure_idle()  # takes no time where there is no counter
    with meter:
        yield meter


def built(config: TrainAndMeasureConfig) -> MaskedPrediction:
    """The model with the random weights that follow from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        return MaskedPrediction(config.model_config())


def _fit_targets(job: Job, pretraining: MaskedPrediction, ledger: Ledger, say: Progress) -> None:
    """K-means on at most an hour of training speech; a resumed run has its targets already, and their cost."""
    if pretraining.quantiser.fitted:
        return
    settings = job.config.model_config().objective
    speech = drawn_hours(job.split.training, settings.fit_hours, job.config.seed)
    say.phase(f"fitting {settings.clusters} k-means targets")
    clips = (job.waveforms.floats(u) for u in speech if len(job.waveforms.samples(u)) >= 640)
    with ledger.meter.window("targets"):
        try:
            job.details["targets"] = pretraining.fit_targets(clips, job.config.seed)
        except ValueError as error:
            raise BadInputError(f"{job.corpus.root}: {error}") from error
    ledger.spend("targets", PhaseCost.of(ledger.meter.windows["targets"]))


def _log(job: Job, ledger: Ledger, logged: Logged, say: Progress) -> None:
    """A line of `metrics.jsonl`, and of the screen."""
    line = ledger.line(logged)
    with job.run.metrics_path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    say.step(logged, ledger.meter.live(), ledger.rate(logged.state))


def _checkpoint(job: Job, trial: Trial, ledger: Ledger, *, finished: bool = False) -> None:
    """Weights and position, then the record that says what they cost so far; a finished run keeps no optimiser."""
    optimiser = None if finished else trial.optimiser
    job.run.save_checkpoint(trial.pretraining, optimiser, trial.name, job.config.model_config(), trial.state)
    if ledger.running:
        ledger.update(trial.state)
    job.run.write(job.record("unfinished"))
