"""Figures that a user states stand in columns of the table, or in columns of their own."""

from __future__ import annotations

import pytest

from ssl_benchmarks.record.stated import Stated, StatedCost
from ssl_models.errors import BadInputError
from ssl_models.recipes import Recipe
from ssl_reports.efficiency.columns import COLUMNS
from ssl_reports.efficiency.stated import recipe_rows, stated_columns, stated_rows


def stated(*costs: tuple[str, float, str]) -> Stated:
    return Stated(tuple(StatedCost("HuBERT base", name, value, unit, "Table 5") for name, value, unit in costs))


def test_a_stated_cost_is_in_si_units_with_its_source() -> None:
    found = stated(("co2e", 5.5, "kg"))
    (row,) = stated_rows(found, COLUMNS["co2e"])
    assert (row.model, row.quantity.value, row.quantity.method) == ("HuBERT base", 5500.0, "stated")
    assert "Table 5" in row.quantity.note
    assert stated_columns(found) == {}


def test_a_unit_that_a_column_does_not_have_is_refused() -> None:
    with pytest.raises(BadInputError, match="co2e in 'kWh': give it in g or kg or t"):
        list(stated_rows(stated(("co2e", 5.5, "kWh")), COLUMNS["co2e"]))


def test_one_column_of_one_s_own_has_one_unit() -> None:
    with pytest.raises(BadInputError, match="embodied CO2e is given in kg and in t"):
        stated_columns(stated(("embodied CO2e", 5.5, "kg"), ("embodied CO2e", 5.5, "t")))


def test_device_hours_of_a_stated_recipe_fill_their_column() -> None:
    """Under the names of the models in the table; published recipes are not stated."""
    recipes = {
        "mine.py:step": Recipe(device_hours=96.0, hardware="4 A100 x 1 d", source="our log", origin="stated"),
        "hf:x/y": Recipe(audio_hours=960.0, source="its card", origin="stated"),
    }
    models = ["essl", "mine.py:step (two)", "hf:x/y", "other.py:z"]
    (row,) = recipe_rows(recipes, models, COLUMNS["gpu-hours"])
    assert (row.model, row.quantity.value, row.quantity.method) == ("mine.py:step (two)", 96.0, "stated")
    assert row.quantity.note.endswith("our log; 4 A100 x 1 d")
    assert not list(recipe_rows(recipes, models, COLUMNS["energy"]))
