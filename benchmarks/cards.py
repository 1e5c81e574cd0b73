"""A model's card as rows of the long table."""

from __future__ import annotations

from benchmarks.quantity import Quantity
from benchmarks.record import Conditions, Measurement
from models.catalog import CLIP_SECONDS, ModelCard


def card_rows(card: ModelCard) -> list[Measurement]:
    """What can be said of a model on paper."""
    held = Conditions(clip_seconds=float(CLIP_SECONDS))
    parameters = Quantity(float(card.parameters), "1", "analytic", note="encoder")
    macs = Quantity(card.macs_per_audio_second, "MAC/s", "analytic", note="closed form, matrix products")
    return [
        Measurement(card.name, "parameters", parameters),
        Measurement(card.name, "macs_per_audio_second", macs, "inference", None, held),
    ]
