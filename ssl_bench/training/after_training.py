"""When a training command ends: the training by its budget, and all that follows it by a limit of its own."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING

from ssl_bench.sessions.time_limit import TimeLimit, time_of_day
from ssl_bench.training.attempts import Attempt
from ssl_bench.training.ledger import billing
from ssl_benchmarks.energy.phase_cost import PhaseCost, not_net
from ssl_reports.units import duration

if TYPE_CHECKING:
    from ssl_bench.settings.training import TrainAndMeasureConfig
    from ssl_bench.training.job import Job
    from ssl_benchmarks.energy import EnergyMeter

LEAST = 120.0
"""s for what follows a training without `--minutes`, however short it was; also the limit for measuring alone."""
UNTRAINED = "before the first step"
TARGETS_SHARE = 0.25
"""Share of the budget left after start-up that targets may take; the rest is for training."""
REPORT_SHARE, REPORT_COUNTS = 0.2, 3.0
"""Time reserved for the final report: this share of the limit, but at most so many times that of counting FLOPs."""


def seconds_after(config: TrainAndMeasureConfig, trained: float | None) -> float | None:
    """Seconds for all that follows the training; None while that depends on how long the training takes."""
    if config.evaluate_minutes is not None:
        return 60 * config.evaluate_minutes
    if not config.evaluate:
        return LEAST if config.minutes is None else min(LEAST, 60 * config.minutes)
    if config.minutes is not None:
        return 60 * config.minutes
    return None if trained is None else max(LEAST, trained)


def limit_after(job: Job) -> TimeLimit:
    """The time limit for all that follows the training, which has just ended."""
    return TimeLimit.of(seconds_after(job.config, job.attempts[-1].seconds) or LEAST)


def billed(job: Job, meter: EnergyMeter) -> AbstractContextManager[None]:
    """Add what follows the training, as metered by the running `meter`, to the attempt, and meanwhile to its bill."""
    began, trained = time.monotonic(), job.attempts[-1]

    def so_far() -> Attempt:
        cost = PhaseCost(
            time.monotonic() - began, meter.live().energy, not_net("not recorded for what follows the training")
        )
        return replace(trained, phases={**trained.phases, "evaluation": cost})

    return billing(job.run.bill_path, job.attempts, so_far)


def without_report(limit: TimeLimit, counting: float) -> TimeLimit:
    """The limit for measuring and evaluating, given the seconds that counting FLOPs took."""
    return limit.part(limit.left - min(REPORT_COUNTS * counting, REPORT_SHARE * limit.seconds))


def promise(job: Job) -> str:
    """When the whole command ends, as far as is known before it begins."""
    config, after = job.config, seconds_after(job.config, None)
    work = "measuring and evaluating" if config.evaluate else "measuring"
    if after is None:
        return f"then {work}, for at most as long as the training takes, or {duration(LEAST)} if that is longer"
    limit = f"at most {duration(after)} of {work}"
    if config.minutes is None:
        return f"then {limit}"
    training = 60 * config.minutes - sum(attempt.seconds for attempt in job.attempts[:-1])
    left = TimeLimit(training + after, job.began).left
    return f"then {limit}; ends by {time_of_day(left)} at the latest"


def untrained_because(job: Job) -> str:
    """Why not a single step was done."""
    targets = job.attempts[-1].phases.get("targets")
    parts = f"start-up took {duration(job.start_up)}"
    parts += "" if targets is None else f", targets {duration(targets.seconds)}"
    return f"{UNTRAINED}: the budget was used up before training could begin ({parts}), so nothing was trained"
