"""The duration of a study: its runs, limited by their budgets, and the evaluation, with a limit of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ssl_bench.training.after_training import LEAST
from ssl_bench.training.attempts import attempts_of

if TYPE_CHECKING:
    from ssl_bench.settings.studying import StudyConfig
    from ssl_bench.settings.training import TrainAndMeasureConfig
    from ssl_bench.studying.plan import Plan
    from ssl_benchmarks.record.record import Record
    from ssl_benchmarks.record.seed_rows import Run


def run_minutes(shared: TrainAndMeasureConfig, plan: Plan) -> float | None:
    """Minutes for targets and training of each run of a model; None if its budget sets none."""
    minutes = plan.budget.get("minutes")
    return shared.minutes if minutes is None and not plan.budget else minutes


def evaluation_seconds(
    config: StudyConfig, shared: TrainAndMeasureConfig, plans: Mapping[str, Plan], records: Mapping[Run, Record]
) -> float:
    """Seconds for the evaluation: as set, else what all trainings may take, or took if their budget sets no time."""
    if shared.evaluate_minutes is not None:
        return 60 * shared.evaluate_minutes
    minutes = [run_minutes(shared, plans[model]) for model, _ in config.runs]
    known = [each for each in minutes if each is not None]
    if len(known) == len(minutes):
        return 60 * sum(known)
    return max(LEAST, sum(attempt.seconds for record in records.values() for attempt in attempts_of(record)))


def study_seconds(
    config: StudyConfig,
    shared: TrainAndMeasureConfig,
    plans: Mapping[str, Plan],
    ended: Collection[Run],
) -> float | None:
    """Seconds from now to the latest end of the study; None if a budget sets no time."""
    total = 0.0
    for model, seed in config.runs:
        minutes = run_minutes(shared, plans[model])
        if minutes is None:
            return None
        if (model, seed) not in ended and not plans[model].failed:
            total += 60 * minutes + min(LEAST, 60 * minutes)
    return total if config.evaluation is None else total + evaluation_seconds(config, shared, plans, {})
