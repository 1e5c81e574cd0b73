"""A model's card as rows of the long table."""

from __future__ import annotations

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_models.catalog import CLIP_SECONDS, ModelCard
from ssl_models.recipes import Recipe


def card_rows(card: ModelCard) -> list[Measurement]:
    """Figures of a model that need no run."""
    held = Conditions(clip_seconds=float(CLIP_SECONDS))
    parameters = Quantity(float(card.parameters), "1", "analytic", note="encoder")
    macs = Quantity(card.macs_per_audio_second, "MAC/s", "analytic", note="closed form, matrix products")
    rows = [
        Measurement(card.name, "parameters", parameters),
        Measurement(card.name, "macs_per_audio_second", macs, "inference", None, held),
    ]
    if card.recipe is not None and card.recipe.origin == "published":
        figures = {"audio_hours_seen": card.recipe.audio_hours, "device_hours": card.recipe.device_hours}
        rows += [
            Measurement(card.name, name, _published(card.recipe, hours), "training") for name, hours in figures.items()
        ]
    return rows


def _published(recipe: Recipe, hours: float | None) -> Quantity:
    if hours is None:
        return unavailable("h", f"unknown: {recipe.source}")
    return Quantity(hours, "h", "published", note=f"{recipe.source}; {recipe.hardware}")
