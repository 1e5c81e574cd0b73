"""What models are called in tables: published ones as their authors call them, with a reference."""

from __future__ import annotations

from collections.abc import Mapping

from ssl_models.recipes import RECIPES
from ssl_reports.paper.surroundings import FAMILIES, SOURCES
from ssl_reports.tables.table import Words

SIZES = {"base": "Base", "large": "Large", "xlarge": "X-Large"}
"""Sizes of published models as publications write them."""


NONE: Mapping[str, str] = {}


def display(model: str, names: Mapping[str, str] = NONE) -> Words:
    """The name in the table: the given one, or that of a published model; data keep the name of the records.

    Args:
        model: its name in the records.
        names: those that the user gives.
    """
    if model in names:
        return Words(names[model], names[model], _reference(model))
    base, bracket, run = model.partition(" (")
    return Words(_published(base) + bracket + run, model, _reference(base))


def _published(model: str) -> str:
    """A published model by its family and its size."""
    family = _family(model)
    if not family:
        return model
    size = SIZES.get(model.rpartition("-")[2], "")
    return f"{FAMILIES[family]} {size}".strip()


def _reference(model: str) -> str:
    return SOURCES.get(_family(model), "")


def _family(model: str) -> str:
    """The family of a published model; empty for a size made for this tool, and for any other model."""
    if model not in RECIPES:
        return ""
    return next((family for family in FAMILIES if model == family or model.startswith(f"{family}-")), "")
