"""What a record of a study holds besides its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ssl_benchmarks.record.details.evaluation import Evaluated
from ssl_benchmarks.record.quantity import Method


@dataclass(frozen=True)
class Spent:
    """Resources that a run used over all phases and attempts; None if unknown."""

    audio_hours: float | None = None
    minutes: float | None = None
    joules: float | None = None
    flops: float | None = None
    joules_method: Method = "unavailable"
    of_budget: float | None = None


@dataclass(frozen=True)
class StudyRun:
    """One run of a study; `spent` is None until it has ended, `reason` is None unless it failed."""

    model: str
    folder: str
    status: str
    seed: int = 0
    reason: str | None = None
    spent: Spent | None = None


@dataclass(frozen=True)
class StudyPlan:
    """A model's plan: audio seconds per step."""

    step_seconds: float


@dataclass(frozen=True)
class Study:
    """The budget and the runs of a study.

    Attributes:
        equal: the resource of which all runs have the same budget; None if the budget is used as given.
        budget: its amount.
        names: names of the models as in the rows.
        joules: how energy is obtained.
    """

    equal: Literal["joules", "audio-hours", "flops", "minutes"] | None
    budget: float | None
    runs: tuple[StudyRun, ...] = ()
    plans: dict[str, StudyPlan] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    joules: str = ""


@dataclass(frozen=True)
class StudyDetails(Evaluated):
    """Details of a study."""

    study: Study = field(default_factory=lambda: Study(None, None))
