"""Life-cycle cost of a model: one pretraining, its fine-tunings, and all inference."""

from __future__ import annotations

from dataclasses import replace

from ssl_benchmarks.record.details.life import Life, LifeCost
from ssl_benchmarks.record.quantity import Quantity, added, flaws, unavailable


def life_cost(
    model: str,
    pretraining: Quantity,
    to_train: Quantity,
    to_use: Quantity,
    life: Life,
    *,
    teacher: Quantity | None = None,
) -> LifeCost:
    """Life-cycle cost from its parts.

    Args:
        model: its name.
        pretraining: in the unit of the ledger.
        to_train: cost of an audio hour of training in that unit; fine-tuning is assumed to cost the same.
        to_use: cost of an audio hour of inference.
        life: the number of fine-tunings and the hours of audio.
        teacher: pretraining of the model that provided the targets, or None.
    """
    unit = pretraining.unit
    heard = life.finetunings * life.finetuning_hours
    finetuning = _of_hours(to_train, heard, unit, "fine-tuning at the cost of pretraining steps, head excluded")
    inference = _of_hours(to_use, life.inference_hours, unit, "inference")
    whole = added({**_before_use(teacher, pretraining, finetuning), "inference": inference}, unit)
    return LifeCost(model, pretraining, finetuning, inference, whole, to_use, teacher)


def _before_use(teacher: Quantity | None, pretraining: Quantity, finetuning: Quantity) -> dict[str, Quantity]:
    parts = {"pretraining": pretraining, "fine-tuning": finetuning}
    return parts if teacher is None else {"teacher": teacher, **parts}


def before_use(cost: LifeCost) -> Quantity:
    """Pretraining, including the teacher's, and fine-tunings added up."""
    return added(_before_use(cost.teacher, cost.pretraining, cost.finetuning), cost.pretraining.unit)


def break_even(dearer: LifeCost, cheaper: LifeCost) -> Quantity:
    """Hours of inference after which `dearer`, which costs more to train and less to run, has made up the difference.

    Hours = difference of the training costs / difference of the costs per hour of inference. The interval uses the
    ends of both that are farthest apart; there is none if one of the differences may be 0.
    """
    first, second = before_use(dearer), before_use(cheaper)
    missing = next((q for q in (first, second, dearer.per_hour, cheaper.per_hour) if q.value is None), None)
    if missing is not None:
        return unavailable("h", missing.note)
    owed, saved = _less(first, second), _less(cheaper.per_hour, dearer.per_hour)
    if owed.value is None or saved.value is None or owed.value <= 0 or saved.value <= 0:
        return unavailable("h", f"none: {dearer.model} does not make up for its higher training cost")
    ends, ci95, note = (owed.ci95, saved.ci95), None, ""
    if ends[0] is None or ends[1] is None:
        note = "no interval: not known for both differences"
    elif ends[0][0] <= 0 or ends[1][0] <= 0:
        note = "no interval: one of the two differences may be zero"
    else:
        ci95 = (ends[0][0] / ends[1][1], ends[0][1] / ends[1][0])
    return Quantity(owed.value / saved.value, "h", "projected", ci95, None, note, flaws((owed, saved)))


def break_even_of(one: LifeCost, other: LifeCost) -> tuple[str | None, Quantity]:
    """The model, dearer to train, that reaches break-even, and its hours of inference; None if there is no break-even."""
    first, second = before_use(one).value, before_use(other).value
    dearer, cheaper = (one, other) if (first or 0.0) >= (second or 0.0) else (other, one)
    hours = break_even(dearer, cheaper)
    if hours.value is not None:
        return dearer.model, hours
    if None not in {first, second, dearer.per_hour.value, cheaper.per_hour.value}:
        hours = unavailable("h", f"none: {cheaper.model} costs no more, either to train or to run")
    return None, hours


def _less(one: Quantity, other: Quantity) -> Quantity:
    """The difference, with an interval from the ends that are farthest apart."""
    ci95 = (one.ci95[0] - other.ci95[1], one.ci95[1] - other.ci95[0]) if one.ci95 and other.ci95 else None
    return Quantity((one.value or 0.0) - (other.value or 0.0), one.unit, "projected", ci95, flaw=flaws((one, other)))


def _of_hours(per_hour: Quantity, hours: float, unit: str, what: str) -> Quantity:
    if per_hour.value is None:
        return unavailable(unit, per_hour.note)
    if hours == 0:
        return Quantity(0.0, unit, "projected", (0.0, 0.0), note=f"no {what}")
    return replace(per_hour.scaled(hours, unit), method="projected", note=f"{hours:,.0f} h of {what}")
