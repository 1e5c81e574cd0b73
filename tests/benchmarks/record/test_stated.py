"""Costs and recipes that a user states are read whole, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssl_benchmarks.record.stated import read_recipes, read_stated, recipe_of
from ssl_models.errors import BadInputError
from ssl_models.recipes import RECIPES, Recipe

WHOLE = """
[[cost]]
model = "HuBERT base"
name = "co2e"
value = 5.5
unit = "kg"
source = "Table 5"

[licence]
"HuBERT base" = "MIT"
"""


def test_a_file_of_stated_costs_is_read(tmp_path: Path) -> None:
    path = tmp_path / "costs.toml"
    path.write_text(WHOLE)
    stated = read_stated(path)
    (cost,) = stated.cost
    assert (cost.model, cost.value, cost.unit, cost.source) == ("HuBERT base", 5.5, "kg", "Table 5")
    assert stated.licence == {"HuBERT base": "MIT"}
    assert stated.models == ("HuBERT base",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cost = 1", "cost"),
        ("[[cost]]\nmodel = 'x'", "field required"),
        (WHOLE.replace("5.5", "nan"), "finite"),
        (WHOLE.replace("5.5", "'5'"), "number"),
        (WHOLE.replace("value", "valeu"), "did you mean value"),
        (WHOLE.replace("[licence]", "[license]"), "did you mean licence"),
        (WHOLE.replace('source = "Table 5"', 'source = " "'), "source: must not be empty"),
        (WHOLE.replace("value = 5.5", "value = 5.5\nlow = 1"), "give both or neither"),
        (WHOLE.replace("value = 5.5", "value = 5.5\nlow = 6\nhigh = 7"), "must lie between"),
        ("[[cost]", "no stated costs"),
    ],
    ids=["not a list", "missing", "not finite", "text", "key", "table", "no source", "one end", "outside", "broken"],
)
def test_anything_else_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "costs.toml"
    path.write_text(text)
    with pytest.raises(BadInputError, match=f"(?i){said}") as caught:
        read_stated(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="No such file"):
        read_stated(tmp_path / "none.toml")


RECIPE = """
[recipe."mine.py:step"]
steps = 100_000
batch_hours = 0.5
device_hours = 96
hardware = "4 A100 x 1 d"
source = "our log of May"

[recipe."hf:someone/model"]
device_hours = 1_000
source = "its card"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "recipes.toml"
    path.write_text(text)
    return path


def test_a_recipe_is_completed_and_marked_as_stated(tmp_path: Path) -> None:
    """100,000 steps of half an hour are 50,000 hours."""
    found = read_stated(written(tmp_path, WHOLE + RECIPE)).recipe
    assert found["mine.py:step"] == Recipe(
        0.5, 100_000, None, 50_000.0, 96.0, "4 A100 x 1 d", "our log of May", origin="stated"
    )
    assert found["mine.py:step"].cited == "stated by the user: our log of May"
    assert found["hf:someone/model"].audio_hours is None


def test_only_the_models_that_are_asked_for_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, RECIPE)
    assert list(read_recipes(path, ["mine.py:step", "essl"])) == ["mine.py:step"]
    with pytest.raises(
        BadInputError, match=r'no \[recipe."own.py:x"\]; it has recipes of mine.py:step, hf:someone/model'
    ):
        read_recipes(path, ["own.py:x"])
    with pytest.raises(BadInputError, match="it has none"):
        read_recipes(written(tmp_path, WHOLE), ["mine.py:step"])


def test_a_stated_recipe_is_found_under_the_names_of_its_model(tmp_path: Path) -> None:
    stated = read_stated(written(tmp_path, RECIPE)).recipe
    assert recipe_of("mine.py:step", stated) is recipe_of("mine.py:step (two)", stated) is stated["mine.py:step"]
    assert recipe_of("essl (one)", stated) is RECIPES["essl"]
    assert recipe_of("another.py:step", stated) is None


STEPS = "steps = 100_000"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recipe = 1", "recipe"),
        ("[recipe]\nx = 1", "recipe"),
        (RECIPE.replace(STEPS, "steps = 0"), "steps 0: must be more than 0"),
        (RECIPE.replace(STEPS, "steps = -1"), "steps -1: must be more than 0"),
        (RECIPE.replace(STEPS, "steps = 1.5"), "steps"),
        (RECIPE.replace(STEPS, "steps = 'many'"), "steps"),
        (RECIPE.replace("0.5", "inf"), "batch_hours"),
        (RECIPE.replace("0.5", "nan"), "batch_hours"),
        (RECIPE.replace(STEPS, "step = 1"), "did you mean steps"),
        (RECIPE.replace(STEPS, "origin = 'published'"), "unknown key of a recipe 'origin'"),
        (RECIPE.replace('source = "our log of May"', ""), "source: say where the figures are from"),
        (RECIPE.replace(STEPS, f"{STEPS}\naudio_hours = 60_000"), "mine.py:step: audio_hours 60000: .* is 50000"),
        (RECIPE.replace("device_hours = 1_000", ""), "hf:someone/model: give audio_hours, or steps and batch_hours"),
        (RECIPE.replace("mine.py:step", "essl"), "recipe of essl: it is in the catalog"),
        ("[recipe.mine.py:step]", "recipes.toml"),
    ],
)  # fmt: skip
def test_any_other_recipe_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadInputError, match=f"(?i){said}") as caught:
        read_stated(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
