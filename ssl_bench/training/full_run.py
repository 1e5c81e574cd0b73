"""A full pretraining on this device, projected from the rate and energy of a training so far."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ssl_bench.training.attempts import Attempt, phase_cost
from ssl_benchmarks.comparing.projection import project, works
from ssl_benchmarks.record.details.projection import FullRun
from ssl_benchmarks.record.flaws import flawed
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import headline_scope
from ssl_models.catalog import named

if TYPE_CHECKING:
    from ssl_bench.settings.training import TrainAndMeasureConfig
    from ssl_benchmarks.energy.carbon import GridIntensity

NO_STEP = "no step was done"


def full_run(
    config: TrainAndMeasureConfig,
    attempts: Sequence[Attempt],
    metrics: Sequence[dict[str, Any]],
    grid: GridIntensity | None,
) -> FullRun:
    """Projections from all attempts, to the audio hours of the model's recipe and of its paper.

    `metrics` are the lines of the run's `metrics.jsonl`. The rates cover training steps, not the fitting of targets.
    """
    name, scope = named(config.model or "", config.model_config()), headline_scope(config.device)
    rate, per_hour = training_rate(attempts, metrics), joules_per_hour(attempts, scope)
    found = tuple(
        project(name, work, rate, per_hour, grid=grid, pue=config.pue, price_per_hour=config.price_per_gpu_hour)
        for work in works(config.model or "")
    )
    return FullRun(scope, per_hour.method, found)


def training_rate(attempts: Sequence[Attempt], metrics: Sequence[dict[str, Any]]) -> Quantity:
    """Seconds of audio per second over all attempts; the interval is from scatter between logged groups of steps."""
    training, audio = phase_cost(list(attempts), "training"), sum(attempt.audio_seconds for attempt in attempts)
    if training is None or not audio or not training.seconds:
        return unavailable("s/s", NO_STEP)
    rate = audio / training.seconds
    return flawed(Quantity(rate, "s/s", "measured", *_spread(metrics, rate)), training.flaw)


def joules_per_hour(attempts: Sequence[Attempt], scope: str) -> Quantity:
    """Energy per hour of audio in training, in J/h."""
    training, audio = phase_cost(list(attempts), "training"), sum(attempt.audio_seconds for attempt in attempts)
    if training is None or not audio:
        return unavailable("J/h", NO_STEP)
    return flawed(training.energy[scope].scaled(3600 / audio, "J/h"), training.flaw)


def _spread(metrics: Sequence[dict[str, Any]], rate: float) -> tuple[tuple[float, float] | None, int | None]:
    """95 % interval of the mean rate from the scatter between logged groups of steps, and their number."""
    known = [line for line in metrics if line.keys() >= {"attempt", "seconds", "attempt_audio_seconds"}]
    pairs = [(a, b) for a, b in pairwise(known) if a["attempt"] == b["attempt"] and b["seconds"] > a["seconds"]]
    rates = [
        (b["attempt_audio_seconds"] - a["attempt_audio_seconds"]) / (b["seconds"] - a["seconds"]) for a, b in pairs
    ]
    if len(rates) < 5:
        return None, None
    half = 1.96 * float(np.std(rates, ddof=1)) / len(rates) ** 0.5
    return (rate - half, rate + half), len(rates)
