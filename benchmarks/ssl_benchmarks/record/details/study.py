"""What a record of a study holds beside its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ssl_benchmarks.record.details.evaluation import Evaluated
from ssl_benchmarks.record.quantity import Method


@dataclass(frozen=True)
class Spent:
    """What a run used in all its phases and attempts; None where that is not known."""

    audio_hours: float | None = None
    minutes: float | None = None
    joules: float | None = None
    flops: float | None = None
    joules_method: Method = "unavailable"
    of_budget: float | None = None


@dataclass(frozen=True)
class StudyRun:
    """One run of a study; `spent` is None where it has not ended, `reason` where it did not fail."""

    model: str
    folder: str
    status: str
    seed: int = 0
    reason: str | None = None
    spent: Spent | None = None


@dataclass(frozen=True)
class StudyPlan:
    """A model's share: s of audio in a step."""

    step_seconds: float


@dataclass(frozen=True)
class Study:
    """The budget of a study, and its runs.

    Attributes:
        equal: what every run might spend as much of, None where the budget is as given.
        budget: how much that is.
        names: of the models, as rows have them.
        joules: how energy is known.
    """

    equal: Literal["joules", "audio-hours", "minutes", "flops"] | None
    budget: float | None
    runs: tuple[StudyRun, ...] = ()
    plans: dict[str, StudyPlan] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    joules: str = ""


@dataclass(frozen=True)
class StudyDetails(Evaluated):
    """Of a study."""

    study: Study = field(default_factory=lambda: Study(None, None))
