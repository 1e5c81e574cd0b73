"""Recipes that a user states for the models of finished runs, without a new measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from ssl_benchmarks.record.record import Record
from ssl_models.recipes import Recipe
from ssl_reports.reading.evidence import Evidence


def with_recipes(evidence: Evidence, recipes: Mapping[str, Recipe]) -> Evidence:
    """The evidence with these recipes, over those that its records state."""
    if not recipes:
        return evidence
    return Evidence(tuple(_with(record, recipes) for record in evidence.records), evidence.folders)


def _with(record: Record, recipes: Mapping[str, Recipe]) -> Record:
    stated = {model: asdict(recipe) for model, recipe in recipes.items()}
    return replace(record, details={**record.details, "recipes": {**record.details.get("recipes", {}), **stated}})
