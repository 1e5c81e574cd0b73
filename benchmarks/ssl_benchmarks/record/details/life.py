"""What a model costs over its life, in joules or FLOPs."""

from __future__ import annotations

from dataclasses import dataclass

from ssl_benchmarks.record.quantity import Quantity


@dataclass(frozen=True)
class Life:
    """What a model is used for.

    Attributes:
        finetunings: how often it is fine-tuned.
        finetuning_hours: audio heard in each of them.
        inference_hours: audio it is used on, in all.
    """

    finetunings: int = 1
    finetuning_hours: float = 1_000.0
    inference_hours: float = 1_000_000.0


@dataclass(frozen=True)
class LifeCost:
    """In one unit (J, or FLOP).

    Attributes:
        model: it is of.
        teacher: the pretraining of the model that gave the targets, its own teacher's included; None where there is none.
        pretraining, finetuning, inference: the other parts.
        total: their sum, unavailable as soon as a part is.
        per_hour: of inference, by the hour of audio.
    """

    model: str
    pretraining: Quantity
    finetuning: Quantity
    inference: Quantity
    total: Quantity
    per_hour: Quantity
    teacher: Quantity | None = None


@dataclass(frozen=True)
class BreakEven:
    """Hours of inference after which the one of two models that costs more before use has paid that back.

    Attributes:
        models: the two.
        unit: of the ledger, J or FLOP.
        dearer: which one pays back; None where none does.
        hours: in h.
    """

    models: tuple[str, str]
    unit: str
    dearer: str | None
    hours: Quantity


@dataclass(frozen=True)
class Ledger:
    """What each model's life costs, in joules and in FLOPs, and when one has paid back against the baseline."""

    life: Life
    costs: tuple[LifeCost, ...] = ()
    break_evens: tuple[BreakEven, ...] = ()
