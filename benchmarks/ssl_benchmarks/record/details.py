"""What a record of each kind holds beside its rows. Fields with a default are lacking in some records, older ones among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from typing_extensions import TypedDict

from ssl_benchmarks.record.quantity import Method, Quantity

Kind = Literal["training", "measurement", "comparison", "evaluation", "study"]
Lines = dict[str, tuple[str, ...]]
"""Remarks by the part of the run that they are of."""
ControlRead = TypedDict("ControlRead", {"system": str, "from": str})
"""A control that was not rated again, and the run that has it on its bill."""


@dataclass(frozen=True)
class Grid:
    """Of a country in a year, or given by hand; g/kWh."""

    g_per_kwh: float
    source: str
    country: str | None = None
    year: int | None = None


@dataclass(frozen=True)
class OddFiles:
    """Files whose audio is odd in one way, by name."""

    files: tuple[str, ...]


@dataclass(frozen=True)
class SpeechPart:
    """A split of the speech that was learned from or rated."""

    counts: dict[str, int] = field(default_factory=dict)
    kept: dict[str, OddFiles] = field(default_factory=dict)
    hours: float | None = None


@dataclass(frozen=True)
class Speech:
    """What heads learned from, were chosen on, and were rated on."""

    how: str
    train: SpeechPart | None = None
    dev: SpeechPart | None = None
    test: SpeechPart | None = None


@dataclass(frozen=True)
class Limit:
    """The time that an evaluation had, and the share of the speech and of the effort that it left."""

    taken: str
    share: float = 1.0
    effort: float = 1.0


@dataclass(frozen=True)
class Details:
    """Of every kind.

    Attributes:
        stopped: by whom or why, empty where the run came to its end.
        disturbances: what disturbed which part.
    """

    stopped: str = ""
    grid: Grid | None = None
    disturbances: Lines = field(default_factory=dict)
    meter_remarks: Lines = field(default_factory=dict)


@dataclass(frozen=True)
class Evaluated(Details):
    """Of every kind that rates something."""

    left_out: dict[str, dict[str, Any]] = field(default_factory=dict)
    controls_read: tuple[ControlRead, ...] = ()
    remarks: tuple[str, ...] = ()
    evaluation_limit: Limit | None = None


@dataclass(frozen=True)
class Data:
    """The speech of a training."""

    folder: str
    hours: float
    utterances: int
    speakers: int
    synthetic: bool = False
    skipped_files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldOut:
    """Speakers that a training did not hear."""

    how: str
    speakers: tuple[str, ...]


@dataclass(frozen=True)
class Work:
    """Audio hours of a pretraining, None where nobody tells them, and who says so."""

    name: str
    hours: float | None
    source: str


@dataclass(frozen=True)
class Projected:
    """Cost of a pretraining that nobody ran here: h, J, g, and units of the price that was given."""

    model: str
    work: Work
    device_hours: Quantity
    energy: Quantity
    co2e: Quantity
    price: Quantity | None = None


@dataclass(frozen=True)
class FullRun:
    """What a whole pretraining would take at the rate of a training."""

    scope: str
    method: Method
    projections: tuple[Projected, ...]


@dataclass(frozen=True)
class AudioRead:
    """How many files were read, and how many were odd in each way."""

    counts: dict[str, int]
    files_read: int = 0


@dataclass(frozen=True)
class TrainingDetails(Details):
    """Of `train-and-measure`; `attempts` are `ssl_bench.training.attempts.Attempt`s."""

    attempts: tuple[dict[str, Any], ...] = ()
    data: Data | None = None
    held_out: HeldOut | None = None
    broken_files: dict[str, str] = field(default_factory=dict)
    audio: AudioRead | None = None
    targets: dict[str, Any] = field(default_factory=dict)
    full_run: FullRun | None = None
    evaluation_limit: Limit | None = None


@dataclass(frozen=True)
class MeasuredCell:
    """A cell of `measure`: s of a clip and of audio in a call, and why it has no result."""

    label: str
    clip_seconds: float
    batch_seconds: float
    failed: str = ""
    warm_up: str = ""


@dataclass(frozen=True)
class MeasurementDetails(Details):
    """Of `measure`."""

    cells: tuple[MeasuredCell, ...] = ()
    speech: str = ""
    about_weights: tuple[str, ...] = ()


@dataclass(frozen=True)
class RoundCell:
    """A cell in a round: its raw rows, the seconds that it took, and why it has no result."""

    model: str
    phase: str
    seconds: float = 0.0
    rows: tuple[dict[str, Any], ...] = ()
    failed: str = ""


@dataclass(frozen=True)
class Round:
    """Every cell once."""

    cells: tuple[RoundCell, ...]


@dataclass(frozen=True)
class Target:
    """The precision, as a share, at which rounds were to end, whether it was met, and what ended them."""

    precision: float
    minutes: float
    met: bool
    ended: str


@dataclass(frozen=True)
class Reached:
    """Half-widths of intervals as shares of the values, None where there is no interval."""

    model: str
    phase: str
    time: float | None
    energy: float | None


@dataclass(frozen=True)
class Ratio:
    """One model's figure over the baseline's."""

    model: str
    phase: str
    metric: str
    scope: str | None
    ratio: Quantity


@dataclass(frozen=True)
class Life:
    """What a model is used for: how often it is fine-tuned, on how many hours of audio, and hours of inference."""

    finetunings: int
    finetuning_hours: float
    inference_hours: float


@dataclass(frozen=True)
class LifeCost:
    """The parts of a model's life and their sum, in J or FLOP; `teacher` is None where there is none."""

    model: str
    pretraining: Quantity
    finetuning: Quantity
    inference: Quantity
    total: Quantity
    per_hour: Quantity
    teacher: Quantity | None = None


@dataclass(frozen=True)
class BreakEven:
    """Hours of inference after which the dearer of two models has paid back; None where none does."""

    models: tuple[str, str]
    unit: str
    dearer: str | None
    hours: Quantity


@dataclass(frozen=True)
class Ledger:
    """Of all models, in joules and in FLOPs."""

    life: Life
    costs: tuple[LifeCost, ...] = ()
    break_evens: tuple[BreakEven, ...] = ()


@dataclass(frozen=True)
class ComparedRun:
    """A run that was compared as it is."""

    run: str
    command: str


@dataclass(frozen=True)
class ComparisonDetails(Details):
    """Of `compare`; `sources` are the runs, None where models were measured in turn."""

    models: tuple[str, ...] = ()
    phases: tuple[Literal["inference", "training"], ...] = ()
    baseline: str = ""
    scope: str = "machine"
    rounds: tuple[Round, ...] = ()
    target: Target | None = None
    reached: tuple[Reached, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    halved: Lines = field(default_factory=dict)
    rebuilt: tuple[str, ...] | None = None
    speech: str = ""
    about_weights: tuple[str, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    projections: tuple[Projected, ...] = ()
    ledger: Ledger | None = None
    differences: tuple[str, ...] = ()
    price_per_gpu_hour: float | None = None
    sources: tuple[ComparedRun, ...] | None = None


@dataclass(frozen=True)
class Finding:
    """What one system was rated with by one head."""

    system: str
    task: str


@dataclass(frozen=True)
class EvaluationDetails(Evaluated):
    """Of `evaluate`."""

    speech: Speech = field(default_factory=lambda: Speech(""))
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Spent:
    """What a run used in all its phases and attempts; None where that is not known."""

    audio_hours: float | None
    minutes: float | None
    joules: float | None
    flops: float | None
    joules_method: Method
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
class Plan:
    """Of a study.

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
    """Of a study; `speech` is None where nothing was rated."""

    study: Plan = field(default_factory=lambda: Plan(None, None))
    speech: Speech | None = None


DETAILS: dict[Kind, type[Details]] = {
    "training": TrainingDetails,
    "measurement": MeasurementDetails,
    "comparison": ComparisonDetails,
    "evaluation": EvaluationDetails,
    "study": StudyDetails,
}


def kind_of_older(details: dict[str, Any]) -> Kind:
    """The kind of a record from before records told it, by what those of each command alone have."""
    marks: dict[str, Kind] = {
        "study": "study", "rounds": "comparison", "cells": "measurement", "findings": "evaluation",
    }  # fmt: skip
    return next((kind for mark, kind in marks.items() if mark in details), "training")
