"""The budget of each model's runs in a study, and what they spent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ssl_bench.settings.studying import Equal, StudyConfig, run_budget
from ssl_bench.settings.training import TrainAndMeasureConfig, clip_shape
from ssl_bench.training.attempts import BUDGETED, attempts_of
from ssl_benchmarks.comparing.projection import pretraining_flops
from ssl_benchmarks.counting.flops import training_flops
from ssl_benchmarks.record.quantity import added
from ssl_benchmarks.record.record import headline_scope
from ssl_models.errors import BadInputError
from ssl_models.families import NoObjectiveError, family_of

if TYPE_CHECKING:
    from ssl_benchmarks.record.quantity import Quantity
    from ssl_benchmarks.record.record import Record


@dataclass(frozen=True)
class Plan:
    """The budget of one model's runs.

    Attributes:
        budget: budget of each run, as settings of `train-and-measure`; empty if the study sets none.
        step_seconds: audio per step in s.
        failed: why this model cannot be trained, else empty.
    """

    budget: dict[str, float]
    step_seconds: float
    failed: str = ""


def planned(config: StudyConfig, model: str, *, cuda: bool) -> Plan:
    """The budget of a model's runs.

    Raises:
        BadInputError: for settings that this model does not support, or a budget below one step.
    """
    try:
        settings = TrainAndMeasureConfig(**config.run_settings(model, config.seed, {})).resolved(cuda=cuda)
        clips, samples = clip_shape(settings)
        step = clips * samples / 16_000
        flops = flops_per_audio_hour(settings) if config.equal == "flops" else None
        budget = run_budget(config.equal, config.budget or 0.0, flops)
    except NoObjectiveError as error:
        return Plan({}, step, f"{model}: {error}")
    except BadInputError as error:
        raise BadInputError(f"{model}: {error}") from error
    seconds = 3600 * budget.get("audio_hours", float("inf"))
    if seconds < step * (1 - 1e-9):
        raise BadInputError(
            f"{model}: --budget {config.budget:g} is {seconds:.3g} s of audio, less than one step of {step:.4g} s; "
            "raise it, or lower --batch-seconds"
        )
    return Plan(budget, step)


def flops_per_audio_hour(settings: TrainAndMeasureConfig) -> float:
    """Training FLOPs per hour of speech in clips of the run's length, counted as in the run's own rows.

    Raises:
        NoObjectiveError: for a model that cannot be pretrained here.
        BadInputError: for a model with operators that cannot be counted, which would train beyond its budget.
    """
    config = settings.model_config()
    seconds = clip_shape(settings)[1] / 16_000
    count = training_flops(lambda: family_of(config).pretraining(config), seconds)
    if count.missed:
        raise BadInputError(f"a budget in FLOPs is unavailable: {count.missed}")
    return count.flops / seconds * 3600


def spent(record: Record, equal: Equal | None, budget: float | None) -> dict[str, Any]:
    """What a run has used over all attempts, and `of_budget`, the share of the study's budget that this is.

    Time and energy are those of targets and training; FLOPs are those of training alone, on the audio seen.
    """
    attempts = attempts_of(record)
    scope = headline_scope(record.config["device"])
    costs = {
        f"{phase} of attempt {attempt.number}": attempt.phases[phase].energy[scope]
        for attempt in attempts
        for phase in BUDGETED
        if phase in attempt.phases
    }
    energy, hours = added(costs, "J"), record.find("audio_hours_seen", "training")
    flops = pretraining_flops(record.find("flops_per_audio_second", "training"), hours)
    used: dict[str, float | None] = {
        "audio-hours": _value(hours),
        "minutes": sum(attempt.seconds for attempt in attempts) / 60,
        "joules": energy.value,
        "flops": _value(flops),
    }
    share = used[equal] if equal is not None else None
    return {
        **{name.replace("-", "_"): value for name, value in used.items()},
        "steps": sum(attempt.steps for attempt in attempts),
        "joules_scope": scope,
        "joules_method": energy.method,
        "of_budget": share / budget if share is not None and budget else None,
    }


def _value(quantity: Quantity | None) -> float | None:
    return None if quantity is None else quantity.value
