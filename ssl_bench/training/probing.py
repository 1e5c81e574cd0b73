"""Quality before and after training: frozen features of the trained model, its untrained twin and log-mel."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssl_bench.evaluating.evaluation import evaluated
from ssl_bench.evaluating.plan import LITTLE, fitted, limit_document
from ssl_bench.evaluating.rows import bill_rows, rate_rows
from ssl_bench.evaluating.splits import held_out_speech, split_speech
from ssl_bench.evaluating.subject import Evaluation, System
from ssl_bench.evaluating.systems import LOG_MEL, untrained
from ssl_bench.settings.evaluating import EvaluationSettings
from ssl_benchmarks.downstream.features import LogMelControl
from ssl_benchmarks.downstream.recognition.symbols import normalise
from ssl_benchmarks.record.quantity import unavailable
from ssl_benchmarks.record.record import Measurement
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from ssl_bench.evaluating.speech import SpeechAt
    from ssl_bench.sessions.time_limit import TimeLimit
    from ssl_bench.training.job import Job
    from ssl_bench.training.rows import Trial
    from ssl_benchmarks.energy import EnergyMeter

MOST_PASSES = 120
"""Most passes over the labelled speech: as many as an hour of it gets on a GPU."""


def probe_rows(
    job: Job, trial: Trial, twin: Callable[[], Any], meter: EnergyMeter, *, say: Callable[[str], None], limit: TimeLimit
) -> tuple[list[Measurement], dict[str, Any]]:
    """Error rates of each system on held-out speakers, and their costs; then details for the record.

    CER and WER if there are transcripts, else speaker accuracy; at most an hour of labels and two hours of test speech,
    as time allows. `twin` builds the encoder with its initial weights; `meter` is running.
    Speech that cannot be used does not end the run.
    """
    held, seed = trial.held(), trial.config.seed
    encoder, control = trial.pretraining.encoder, untrained(trial.name)
    systems = [
        System(trial.name, seed, lambda: encoder, lambda: twin().eval(), control),
        System(control, seed, lambda: twin().eval(), lambda: twin().eval()),
        System(LOG_MEL, seed, LogMelControl, LogMelControl),
    ]
    try:
        with _passing_folder(job.run.path / ".features") as folder:
            task, speech_at = _task(job)
            speech = speech_at(LITTLE)
            settings = EvaluationSettings((task,), head="linear", features=str(folder))
            labels = speech.parts["train"].planned_hours
            if labels:  # hours of training on seconds of speech would only memorise them
                hours = min(settings.chosen_hours(trial.device.type), MOST_PASSES * labels)
                settings = replace(settings, hours=hours)
            evaluation = Evaluation(settings, speech, trial.device, trial.config.precision, meter, say, limit=limit)
            evaluation = fitted(evaluation, systems, speech_at)
            findings = list(evaluated(systems, evaluation))
    except BadInputError as error:
        none = unavailable("1", str(error))
        return [Measurement(system.name, "cer", none, "evaluation", None, held) for system in systems], {}
    rows = [*rate_rows(findings, held, evaluation.speech), *bill_rows(meter.windows, evaluation.flops, held, job.grid)]
    return rows, {"speech": evaluation.speech.document(), "evaluation_limit": limit_document(evaluation)}


@contextmanager
def _passing_folder(path: Path) -> Iterator[Path]:
    """A temporary folder, since features of these weights are used once; what a killed probe left is reused."""
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _task(job: Job) -> tuple[str, SpeechAt]:
    """The task that the available speech allows.

    Raises:
        BadInputError: if it allows none.
    """
    split, seed = job.split, job.config.seed
    if all(any(normalise(u.text or "") for u in part) for part in (split.training, split.held_out)):
        return "asr", split_speech(job.corpus, split, job.waveforms, seed)
    if len(split.speakers) > 1:
        return "sid", held_out_speech(job.corpus, split, job.waveforms, seed)
    raise BadInputError("neither transcripts nor two held-out speakers" if split.speakers else split.how)
