"""Before and after: what the trained model's frozen features give, beside its untrained twin's and log-mel's."""

from __future__ import annotations

from collections.abc import Callable
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from benchmarks.downstream.features import LogMelControl
from benchmarks.downstream.symbols import normalise
from benchmarks.quantity import unavailable
from benchmarks.record import Measurement
from ssl_bench.evaluate_settings import EvaluationSettings
from ssl_bench.evaluation import Evaluation, System, evaluated
from ssl_bench.evaluation_rows import bill_rows, rate_rows
from ssl_bench.evaluation_speech import held_out_speech, split_speech
from ssl_bench.systems import LOG_MEL, untrained

if TYPE_CHECKING:
    from benchmarks.energy import EnergyMeter
    from ssl_bench.evaluation_speech import EvaluationSpeech
    from ssl_bench.job import Job
    from ssl_bench.measuring import Trial


def probe_rows(
    job: Job, trial: Trial, twin: Callable[[], Any], meter: EnergyMeter, say: Callable[[str], None]
) -> list[Measurement]:
    """Error rates of each system on held-out speakers, and their bills.

    CER and WER where there are transcripts, else speaker accuracy; at most an hour of labels, at most two hours tested.
    `twin` builds the encoder with its first weights; `meter` is not started yet.
    """
    held, seed = trial.held(), trial.config.seed
    task, speech = _task(job)
    encoder = trial.pretraining.encoder
    if speech is None:
        reason = job.split.how if not job.split.speakers else "neither transcripts nor two held-out speakers"
        names = (trial.name, untrained(trial.name), LOG_MEL)
        return [Measurement(name, "cer", unavailable("1", reason), "evaluation", None, held) for name in names]
    systems = [
        System(trial.name, seed, lambda: encoder, lambda: twin().eval()),
        System(untrained(trial.name), seed, lambda: twin().eval(), lambda: twin().eval()),
        System(LOG_MEL, seed, LogMelControl, LogMelControl),
    ]
    # These weights come once, so their features are not kept.
    with TemporaryDirectory(dir=job.run.path, prefix=".features-") as folder:
        settings = EvaluationSettings((task,), head="linear", features=folder)
        evaluation = Evaluation(settings, speech, trial.device, trial.config.precision, meter, say)
        with meter:
            findings = list(evaluated(systems, evaluation))
    return [*rate_rows(findings, held, speech), *bill_rows(meter.windows, evaluation.flops, held, job.grid)]


def _task(job: Job) -> tuple[str, EvaluationSpeech | None]:
    """What can be asked of the speech at hand."""
    split, seed = job.split, job.config.seed
    if all(any(normalise(u.text or "") for u in part) for part in (split.training, split.held_out)):
        return "asr", split_speech(job.corpus, split, job.waveforms, seed)
    if len(split.speakers) > 1:
        return "sid", held_out_speech(job.corpus, split, job.waveforms, seed)
    return "", None
