"""One call of `train-and-measure`: its settings, speech and run, whether new or resumed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ssl_bench.data.audio import CHANGED, UNFIT
from ssl_bench.data.corpus import Corpus, formats_of, hours, read_corpus
from ssl_bench.data.splits import Split, sample_split, split_speakers
from ssl_bench.data.usable import Oddities
from ssl_bench.data.waveforms import Waveforms
from ssl_bench.sessions.run_folder import RunFolder, new_run, unfinished_run
from ssl_bench.sessions.session import Session, now
from ssl_bench.settings.training import TrainAndMeasureConfig
from ssl_bench.training.attempts import Attempt, attempts_of, recovered, with_lost_work
from ssl_bench.training.full_run import full_run
from ssl_benchmarks.energy.carbon import chosen_intensity
from ssl_benchmarks.files.text_files import shown
from ssl_benchmarks.record.details.projection import FullRun
from ssl_benchmarks.record.details.training import TrainingDetails
from ssl_benchmarks.record.record import Measurement, Record
from ssl_models.documents import typed
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from rich.console import Console


@dataclass(kw_only=True)
class Job(Session):
    """The state of one call.

    Attributes:
        attempts: all attempts so far; the last one is this call's.
        began: start of this call, by the monotonic clock.
        start_up: seconds from then until its meter ran and its model was built.
    """

    kind = "training"
    config: TrainAndMeasureConfig
    corpus: Corpus
    split: Split
    attempts: list[Attempt]
    console: Console
    began: float = field(default_factory=time.monotonic)
    start_up: float = 0.0
    waveforms: Waveforms = field(init=False)

    def __post_init__(self) -> None:
        self.waveforms = Waveforms(keep_odd=self.config.keep_odd_audio)

    def discard_if_new(self) -> None:
        """Remove the run of a first attempt that has not reached a checkpoint."""
        if len(self.attempts) == 1 and not self.run.has_checkpoint():
            shutil.rmtree(self.run.path)

    def contents(self) -> tuple[Sequence[Measurement], dict[str, Any]]:
        """No rows yet: those of a training are added once it has ended."""
        attempts = [attempt.document() for attempt in self.attempts]
        return (), {"attempts": attempts, **self._speech_details(), "full_run": asdict(self.full_run())}

    def settings(self) -> dict[str, Any]:
        """The settings, with tables as plain dictionaries."""
        return {k: dict(v) if isinstance(v, Mapping) else v for k, v in super().settings().items()}

    def full_run(self) -> FullRun:
        """A full pretraining, projected from the rate so far."""
        return full_run(self.config, self.attempts, self.run.metrics(), self.grid)

    def _speech_details(self) -> dict[str, Any]:
        """Findings about the files read so far; hours and utterances exclude files with nothing to train on."""
        left_out = self.details.get("broken_files", {}) | {shown(k): v for k, v in self.waveforms.left_out.items()}
        kept = (
            [u for u in self.corpus.utterances if shown(u.path) not in left_out] if left_out else self.corpus.utterances
        )
        odd = Oddities()
        for path, remarks in sorted(self.waveforms.remarks.items()):
            for kind, words in remarks.items():
                odd.keep(kind, Path(path), words)
        found = odd.document()
        counts = {kind: found["counts"][kind] for kind in (*UNFIT, *CHANGED)}
        return {
            "data": {**self.details["data"], "utterances": len(kept), "hours": hours(kept)},
            "broken_files": left_out,
            "audio": {"files_read": len(self.waveforms.remarks), "counts": counts, "named": found["kept"]},
        }


def begun(config: TrainAndMeasureConfig, command: str, console: Console) -> Job:
    """A new run; its folder is created last, when everything else is known to be usable."""
    config = config.resolved(cuda=torch.cuda.is_available())
    grid = chosen_intensity(config.country, config.grid_intensity)
    corpus, split = _speech(config, console)
    begun_at = now()
    run = new_run(config.out, config.model or "")
    job = Job(
        config=config, run=run, grid=grid, command=command, created=begun_at, corpus=corpus, split=split,
        attempts=[Attempt(1, begun_at)], console=console,
    )  # fmt: skip
    job.details.update(_data_details(job))
    return job


def resumed(given: TrainAndMeasureConfig, command: str, console: Console) -> Job:
    """An unfinished run, resumed with its own settings; only budget, grid and evaluation may change.

    Settings in `given` that are at their defaults count as not given.
    """
    run = unfinished_run(given.out)
    before, config, attempts = taken_up(run, given.changed)
    corpus, split = _speech(config, console)
    attempts.append(Attempt(len(attempts) + 1, now()))
    grid = chosen_intensity(config.country, config.grid_intensity)
    job = Job(
        config=config, run=run, grid=grid, command=command, created=before.created, corpus=corpus, split=split,
        attempts=attempts, console=console,
    )  # fmt: skip
    job.details.update({k: v for k, v in before.details.items() if k not in ("stopped", "attempts")})
    return job


def taken_up(run: RunFolder, asked: Mapping[str, Any]) -> tuple[Record, TrainAndMeasureConfig, list[Attempt]]:
    """An unfinished run's record, its settings with the requested changes, and its attempts with their final costs.

    Raises:
        BadInputError: for a folder that cannot be read, or a setting that cannot change.
    """
    before = run.read()
    if before.told(TrainingDetails).data.synthetic:
        raise BadInputError(
            f"{run.path}: began on the synthetic sample of an earlier version, which is gone; start anew"
        )
    known = {f.name: before.config[f.name] for f in fields(TrainAndMeasureConfig) if f.name in before.config}
    try:
        typed(TrainAndMeasureConfig, known)
        attempts = attempts_of(before)
        attempts[-1] = _ended(run, attempts[-1])
    except ValueError as error:
        raise BadInputError(f"{run.path}: cannot be resumed ({error})") from error
    free = {
        "steps", "audio_hours", "minutes", "kwh", "country", "grid_intensity", "pue", "price_per_gpu_hour", "evaluate", "evaluate_minutes", "idle", "strict", "track", "licence", "out",
    }  # fmt: skip
    changed = [k for k, v in asked.items() if k not in free and v != before.config.get(k)]
    if changed:
        names = ", ".join("--" + key.replace("_", "-") for key in changed)
        raise BadInputError(f"--resume: {names} cannot differ from the run's own settings")
    settings = {**known, **asked, "out": str(run.path)}
    optimisation = settings.get("optimisation", {}).items()
    settings["optimisation"] = {k: tuple(v) if isinstance(v, list) else v for k, v in optimisation}
    return before, TrainAndMeasureConfig(**settings).resolved(cuda=torch.cuda.is_available()), attempts


def _ended(run: RunFolder, attempt: Attempt) -> Attempt:
    """The previous attempt, with its cost up to its end, and with the work that no checkpoint holds."""
    attempt, state = recovered(attempt, run.metrics(), run.bill()), run.saved_state()
    if state.step and state.attempt is None:  # from before checkpoints held the attempt
        return attempt
    return with_lost_work(attempt, None if state.attempt is None else Attempt.from_document(state.attempt))


def _speech(config: TrainAndMeasureConfig, console: Console) -> tuple[Corpus, Split]:
    """The speech to train on, and the held-out speakers."""
    if config.data == "sample":
        from ssl_bench.data.sample.sample import ABOUT, sample_corpus

        console.print(f"speech: the sample ({ABOUT}); give your own with --data FOLDER", soft_wrap=True)
        corpus = read_corpus(sample_corpus())
    else:
        corpus = read_corpus(Path(config.data), config.speakers)
    for path, reason in corpus.skipped[:5]:
        console.print(f"skipped {shown(path)}: {reason}", highlight=False, markup=False, soft_wrap=True)
    if corpus.skipped:
        console.print(
            f"skipped {len(corpus.skipped)} files (named in the record), kept {len(corpus.utterances)} utterances",
            highlight=False,
        )
    evaluation = None if config.eval_data is None else read_corpus(Path(config.eval_data), config.speakers)
    if config.data == "sample" and evaluation is None:
        return corpus, sample_split(corpus)
    return corpus, split_speakers(corpus, evaluation, config.seed)


def _data_details(job: Job) -> dict[str, Any]:
    """The record's details about the speech."""
    return {
        "data": {
            "folder": str(job.corpus.root),
            "synthetic": False,
            "utterances": len(job.corpus.utterances),
            "hours": job.corpus.hours,
            "speakers": len(job.corpus.speakers),
            "speakers_from": job.corpus.speakers_from,
            "formats": formats_of(job.corpus.utterances),
            "transcripts": job.corpus.has_text,
            "of_unknown_speakers": job.corpus.of_unknown_speakers,
            "skipped_files": {shown(path): reason for path, reason in job.corpus.skipped},
        },
        "held_out": {"how": job.split.how + job.split.unchecked, "speakers": list(job.split.speakers)},
    }


def opening(job: Job) -> str:
    """What will be done, in one line."""
    c = job.config
    limits = {"steps": c.steps, "audio hours": c.audio_hours, "minutes": c.minutes, "kWh": c.kwh}
    budget = " or ".join(f"{limit:g} {name}" for name, limit in limits.items() if limit is not None)
    hours = sum(u.samples for u in job.split.training) / 16_000 / 3600
    speakers = len(job.corpus.speakers) - (0 if c.eval_data else len(job.split.speakers))
    return (
        f"{c.model} on {c.device} ({c.precision}), {hours:.2f} h of speech by {speakers or 'unknown'} speakers, "
        f"{len(job.split.speakers)} held out; budget: {budget}; run: {job.run.path}"
    )
