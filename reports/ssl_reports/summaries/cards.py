"""Model cards as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.markup import escape
from rich.table import Table

from ssl_models.catalog import ModelCard
from ssl_models.recipes import Recipe
from ssl_reports.units import plain, with_prefix


def card_table(cards: Sequence[ModelCard]) -> Table:
    """One row per model, or one line per field for a single model."""
    if len(cards) == 1:
        table = Table(show_header=False)
        table.add_column("field")
        table.add_column("value")
        for name, value in _fields(cards[0]).items():
            table.add_row(name, escape(value))
        return table
    table = Table()
    listed = (
        "name",
        "parameters",
        "frames per second",
        "MACs per audio second",
        "objective",
        "published cost",
        "licence",
    )
    for name in listed:
        table.add_column(name, no_wrap=name == "name")
    for card in cards:
        fields = _fields(card)
        table.add_row(*(escape(fields[name]) for name in listed))
    return table


def _fields(card: ModelCard) -> dict[str, str]:
    return {
        "name": card.name,
        "parameters": with_prefix(card.parameters, ""),
        "frames per second": f"{card.frame_rate:g}",
        "MACs per audio second": with_prefix(card.macs_per_audio_second, "MAC"),
        "objective": card.objective,
        "about": card.about,
        "licence": card.licence,
        **_recipe(card.recipe),
    }


def _recipe(recipe: Recipe | None) -> dict[str, str]:
    """What its authors report about the pretraining."""
    if recipe is None:
        return {"published cost": "none (a size made for this tool)"}
    hours = "" if recipe.device_hours is None else f" ({plain(recipe.device_hours)} GPU-h)"
    reported = {
        "audio hours per step": recipe.batch_hours,
        "steps": recipe.steps,
        "peak learning rate": recipe.learning_rate,
        "audio hours seen": recipe.audio_hours,
    }
    shown = {name: "not reported" if value is None else plain(value) for name, value in reported.items()}
    return {"published cost": recipe.hardware + hours, **shown, "source of the recipe": recipe.source}
