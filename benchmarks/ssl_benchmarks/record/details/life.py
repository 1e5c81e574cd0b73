"""Life-cycle cost of a model, in joules or FLOPs."""

from __future__ import annotations

from dataclasses import dataclass

from ssl_benchmarks.record.quantity import Quantity


@dataclass(frozen=True)
class Life:
    """The use that a model is put to.

    Attributes:
        finetunings: the number of fine-tunings.
        finetuning_hours: audio in each of them.
        inference_hours: audio processed in total.
    """

    finetunings: int = 1
    finetuning_hours: float = 1_000.0
    inference_hours: float = 1_000_000.0


@dataclass(frozen=True)
class LifeCost:
    """Life-cycle cost in one unit (J or FLOP).

    Attributes:
        model: its name.
        teacher: pretraining of the model that provided the targets, including its own teacher; None if there is none.
        pretraining, finetuning, inference: the other parts.
        total: their sum, unavailable if any part is.
        per_hour: inference, per hour of audio.
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
    """Hours of inference after which the model that costs more to train has made up for it.

    Attributes:
        models: the two.
        unit: J or FLOP.
        dearer: the model that costs more to train and less to run; None if there is no break-even.
        hours: of inference, in h.
    """

    models: tuple[str, str]
    unit: str
    dearer: str | None
    hours: Quantity


@dataclass(frozen=True)
class Ledger:
    """Life-cycle costs of all models, in joules and in FLOPs, and each one's break-even against the baseline."""

    life: Life
    costs: tuple[LifeCost, ...] = ()
    break_evens: tuple[BreakEven, ...] = ()
