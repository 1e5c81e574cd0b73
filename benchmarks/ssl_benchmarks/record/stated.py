"""Costs and recipes that a user states in a TOML file, from a publication, an invoice or an old log; never measured."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ssl_benchmarks.files.toml_files import toml_of
from ssl_models.documents import typed
from ssl_models.errors import BadInputError, choose
from ssl_models.recipes import RECIPES, Recipe


@dataclass(frozen=True)
class StatedCost:
    """A figure of one model.

    Attributes:
        model: its name, one of the runs' or another.
        name: the key of a column, or a name for a column of its own, such as "embodied CO2e".
        value: in `unit`.
        unit: as the column shows it.
        source: where the figure comes from.
        low, high: ends of its 95 % interval, both or neither.
    """

    model: str
    name: str
    value: float
    unit: str
    source: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) for number in (self.value, self.low or 0.0, self.high or 0.0)):
            raise ValueError("value, low and high: must be finite")
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high: give both or neither")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError("low and high: the value must lie between them")
        if blank := [name for name in ("model", "name", "unit", "source") if not getattr(self, name).strip()]:
            raise ValueError(f"{blank[0]}: must not be empty")


@dataclass(frozen=True)
class Stated:
    """The content of a file of stated costs.

    Attributes:
        cost: one figure each.
        recipe: how models were pretrained, by name.
        licence: of models, by name.
    """

    cost: tuple[StatedCost, ...] = ()
    recipe: dict[str, Recipe] = field(default_factory=dict)
    licence: dict[str, str] = field(default_factory=dict)

    @property
    def models(self) -> tuple[str, ...]:
        """The models with a stated cost, in the file's order."""
        return tuple(dict.fromkeys(cost.model for cost in self.cost))


def read_stated(path: Path) -> Stated:
    """The content of a TOML file: `[[cost]]` tables, `[recipe.MODEL]` tables, and a table `[licence]` of texts by model.

    Raises:
        BadInputError: if the file cannot be read or has other content; the message names the first error.
    """
    try:
        document = toml_of(path)
        _refuse_unknown(document)
        stated = typed(Stated, document)
        return replace(stated, recipe={model: _stated(model, each) for model, each in stated.recipe.items()})
    except ValueError as error:
        raise BadInputError(f"{path}: no stated costs ({error})") from error


def read_recipes(path: Path, models: Collection[str]) -> dict[str, Recipe]:
    """The recipes that a file states for some of the models; those of other models are left aside.

    Raises:
        BadInputError: if the file cannot be read, or has a recipe of none of them.
    """
    found = read_stated(path).recipe
    kept = {model: recipe for model, recipe in found.items() if model in models}
    if not kept:
        held = f"it has recipes of {', '.join(found)}" if found else "it has none"
        raise BadInputError(f'{path}: no [recipe."{next(iter(models))}"]; {held}')
    return kept


def recipe_of(model: str, stated: Mapping[str, Recipe]) -> Recipe | None:
    """The recipe stated for a model, else that of the catalog; if two runs of it are compared, each name has its run in brackets."""
    plain = model.partition(" (")[0]
    return stated.get(model) or stated.get(plain) or RECIPES.get(plain)


def _stated(model: str, recipe: Recipe) -> Recipe:
    if model in RECIPES:
        raise ValueError(f"recipe of {model}: it is in the catalog, with the recipe of {RECIPES[model].source}")
    try:
        return replace(recipe, origin="stated").completed()
    except ValueError as error:
        raise ValueError(f"recipe of {model}: {error}") from error


def _refuse_unknown(document: dict[str, Any]) -> None:
    for key in document:
        choose(key, [f.name for f in fields(Stated)], "table")
    costs, recipes = document.get("cost", []), document.get("recipe", {})
    for cost in costs if isinstance(costs, list) else []:
        for key in cost if isinstance(cost, dict) else []:
            choose(key, [f.name for f in fields(StatedCost)], "key of a cost")
    for recipe in recipes.values() if isinstance(recipes, dict) else []:
        for key in recipe if isinstance(recipe, dict) else []:
            choose(key, [f.name for f in fields(Recipe) if f.name != "origin"], "key of a recipe")
