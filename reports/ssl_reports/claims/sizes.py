"""The efficient sizes side by side: what counts and predicted memory say of the claims for each of them."""

from __future__ import annotations

from dataclasses import dataclass

from ssl_benchmarks.record.quantity import Quantity
from ssl_models.recipes import RECIPES
from ssl_reports.claims.claims import judged, quotient
from ssl_reports.claims.finding import Verdict
from ssl_reports.claims.predictions import BASELINE, LARGE, SIZES, Prediction, Predictions


@dataclass(frozen=True)
class Bound:
    """A claim that counts or predicted memory can decide.

    Attributes:
        id: of the claim.
        of: what is compared: predicted "peak" memory, or counted "flops" of a step or of the full "recipe".
        others: the models over ours.
        least: what the ratio must reach.
        strict: whether it must exceed it.
    """

    id: str
    of: str
    others: tuple[str, ...]
    least: float
    strict: bool = False


BOUNDS = (
    Bound("C1", "peak", (BASELINE,), 1.0, strict=True),
    Bound("C2", "flops", (BASELINE,), 1.0, strict=True),
    Bound("C5", "peak", LARGE, 10.0),
    Bound("C6", "recipe", LARGE, 500.0),
)


@dataclass(frozen=True)
class Verdicts:
    """A size, and by claim its least favourable ratio with the verdict."""

    model: str
    prediction: Prediction
    by_claim: dict[str, tuple[Quantity, Verdict]]


def by_size(predicted: Predictions) -> list[Verdicts]:
    """The verdicts on each efficient size; a claim is missing where no other model was predicted."""
    found = []
    for model in (size for size in SIZES if size in predicted):
        ratios = [(bound, _worst(predicted, model, bound)) for bound in BOUNDS]
        judgements = {b.id: (r, judged(r, b.least, strict=b.strict)) for b, r in ratios if r is not None}
        found.append(Verdicts(model, predicted[model], judgements))
    return found


def _worst(predicted: Predictions, model: str, bound: Bound) -> Quantity | None:
    """The least ratio of the other models to a size."""
    ratios = [ratio for other in bound.others if (ratio := _ratio(predicted, other, model, bound.of)) is not None]
    return min(ratios, key=lambda ratio: ratio.value or 0.0, default=None)


def _ratio(predicted: Predictions, other: str, model: str, of: str) -> Quantity | None:
    if other not in predicted:
        return None
    if of == "peak":
        return quotient(predicted[other].peak, predicted[model].peak)
    ratio = quotient(predicted[other].flops, predicted[model].flops)
    if of == "flops":
        return ratio
    theirs, ours = RECIPES[other].audio_hours, RECIPES[model].audio_hours
    return None if theirs is None or ours is None else ratio.scaled(theirs / ours, "1")
