"""The tiny sizes: their family's base model with fewer and narrower layers, at one rule of learning rates."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ssl_models.catalog import CATALOG, card

TINY = {
    "essl-tiny": "essl",
    "wav2vec2-tiny": "wav2vec2-base",
    "hubert-tiny": "hubert-base",
    "melhubert-tiny": "melhubert-base",
    "best-rq-tiny": "best-rq-base",
}
SIZES = {"width", "layers", "heads", "hidden", "conv_widths", "code_width", "projected_width", "entries", "clusters"}


def differing(tiny: Any, base: Any) -> set[str]:
    """Names of the settings in which two configs part, those of nested ones included."""
    found = set()
    for name in tiny.__dataclass_fields__:
        ours, theirs = getattr(tiny, name), getattr(base, name)
        nested = hasattr(ours, "__dataclass_fields__") and type(ours) is type(theirs)
        found |= differing(ours, theirs) if nested else {name} - ({name} if ours == theirs else set())
    return found


@pytest.mark.parametrize(("tiny", "base"), TINY.items())
def test_a_tiny_size_differs_from_its_base_in_sizes_alone(tiny: str, base: str) -> None:
    """Frames, norms, dropout, masks, schedule and everything else are the base model's own."""
    assert type(CATALOG[tiny]) is type(CATALOG[base])
    assert differing(CATALOG[tiny], CATALOG[base]) <= SIZES | {"peak_learning_rate"}
    assert card(tiny).frame_rate == card(base).frame_rate


@pytest.mark.parametrize("tiny", TINY)
def test_a_tiny_size_is_about_as_large_as_efficient_tiny(tiny: str) -> None:
    assert card(tiny).parameters == pytest.approx(card("efficient-tiny").parameters, rel=0.08)


@pytest.mark.parametrize(("tiny", "base"), TINY.items())
def test_the_rate_is_the_base_s_times_the_square_root_of_the_widths(tiny: str, base: str) -> None:
    """768 over 144 is 16 / 3."""
    rates = [CATALOG[name].optimisation.peak_learning_rate for name in (tiny, base)]
    assert rates[0] / rates[1] == pytest.approx(4 / math.sqrt(3))


@pytest.mark.parametrize(
    ("name", "rate"),
    [("essl-tiny", 6.93e-4), ("wav2vec2-tiny", 1.155e-3), ("melhubert-tiny", 2.31e-4), ("best-rq-tiny", 1.848e-3)],
)
def test_rates_by_hand(name: str, rate: float) -> None:
    assert CATALOG[name].optimisation.peak_learning_rate == pytest.approx(rate, rel=1e-3)
