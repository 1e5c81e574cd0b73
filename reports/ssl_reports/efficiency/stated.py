"""Figures that a user states, as columns and rows of an efficiency table: marked as stated, never measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ssl_benchmarks.record.metrics import STATED
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_benchmarks.record.stated import Stated, recipe_of
from ssl_models.errors import BadInputError
from ssl_models.recipes import Recipe
from ssl_reports.efficiency.columns import COLUMNS, EfficiencyColumn


def stated_columns(stated: Stated) -> dict[str, EfficiencyColumn]:
    """The columns for figures that no column of the table holds, by key.

    Raises:
        BadInputError: if two figures of such a column are in different units.
    """
    found: dict[str, EfficiencyColumn] = {}
    for cost in stated.cost:
        if cost.name not in COLUMNS:
            own = EfficiencyColumn(cost.name, cost.name, ((cost.unit, 1.0),), STATED, "stated", better=None)
            if found.setdefault(cost.name, own) != own:
                raise BadInputError(
                    f"stated costs: {cost.name} is given in {found[cost.name].units[0][0]} and in {cost.unit}"
                )
    return found


def stated_rows(stated: Stated, column: EfficiencyColumn) -> Iterator[Measurement]:
    """The figures of a column, in SI units.

    Raises:
        BadInputError: for a unit in which the column is not shown.
    """
    for cost in stated.cost:
        if cost.name == column.key:
            factor = column.factor(cost.unit)
            ends = None if cost.low is None or cost.high is None else (cost.low / factor, cost.high / factor)
            quantity = Quantity(cost.value / factor, "1", "stated", ends, note=f"{cost.model}: {cost.source}")
            yield Measurement(cost.model, column.metric, quantity, None, None, Conditions())


def recipe_rows(
    recipes: Mapping[str, Recipe], models: Iterable[str], column: EfficiencyColumn
) -> Iterator[Measurement]:
    """The device-hours that stated recipes took, for the column that shows them."""
    for model in models if column.metric == "device_hours" else ():
        recipe = recipe_of(model, recipes)
        if recipe is not None and recipe.origin == "stated" and recipe.device_hours is not None:
            hours = Quantity(recipe.device_hours, "h", "stated", note=f"{model}: {recipe.source}; {recipe.hardware}")
            yield Measurement(model, column.metric, hours, None, None, Conditions())
