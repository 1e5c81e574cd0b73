"""Published recipes: every catalogue model has one, and its figures agree with each other."""

from __future__ import annotations

import pytest

from ssl_benchmarks.profile.card_rows import card_rows
from ssl_models.catalog import CATALOG, card
from ssl_models.recipes import RECIPES


def test_every_catalog_model_has_a_recipe_but_the_tiny_sizes_of_others() -> None:
    """These are ours and were never published; nothing else is without."""
    without = {"essl-tiny", "hubert-tiny", "wav2vec2-tiny", "melhubert-tiny", "best-rq-tiny"}
    assert CATALOG.keys() - RECIPES.keys() == without
    assert RECIPES.keys() <= CATALOG.keys()
    for name in without:
        assert card(name).recipe is None
        assert not [row for row in card_rows(card(name)) if row.quantity.method == "published"]


@pytest.mark.parametrize("name", RECIPES)
def test_audio_hours_are_steps_times_batch(name: str) -> None:
    recipe = RECIPES[name]
    if recipe.steps is not None and recipe.batch_hours is not None:
        assert recipe.audio_hours == pytest.approx(recipe.steps * recipe.batch_hours)


@pytest.mark.parametrize(("name", "hours"), [("hubert-base", 505_600), ("essl", 18_000), ("wav2vec2-base", 640_000)])
def test_hours_seen_by_hand(name: str, hours: float) -> None:
    """HuBERT base: 650,000 steps of 32 x 87.5 s; essL: 15,000 of 1.2 h; wav2vec 2.0 base: 400,000 of 1.6 h."""
    assert RECIPES[name].audio_hours == pytest.approx(hours, rel=1e-3)


@pytest.mark.parametrize("name", RECIPES)
def test_the_learning_rate_is_the_one_that_is_trained_with(name: str) -> None:
    assert CATALOG[name].optimisation.peak_learning_rate == RECIPES[name].learning_rate


@pytest.mark.parametrize("name", RECIPES)
def test_what_others_publish_is_marked_so(name: str) -> None:
    """Rows of published figures name their source; what is not reported is not a number; our own settings are not a publication."""
    rows = [row for row in card_rows(card(name)) if row.phase == "training"]
    assert bool(rows) == (RECIPES[name].origin == "published")
    for row in rows:
        assert (row.quantity.method == "published") == (row.quantity.value is not None)
        assert RECIPES[name].source in row.quantity.note
