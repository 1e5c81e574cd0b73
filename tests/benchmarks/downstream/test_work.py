"""FLOPs of an evaluation, counted from the graph, against counts by hand."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from ssl_bench.evaluating.rows import _computed
from ssl_benchmarks.downstream.features import LayerMix
from ssl_benchmarks.downstream.recognition.recognisers import BlstmHead, FrozenRecogniser, LinearHead, WholeRecogniser
from ssl_benchmarks.downstream.work import CLIP, encoder_rate, recogniser_rates
from ssl_models.catalog import described, load_model
from ssl_models.families import family_of

LAYERS, WIDTH, SYMBOLS, RATE = 3, 10, 28, 25.0
SAMPLES = 160_000
MIX = 2 * LAYERS * WIDTH  # FLOPs a frame


def frozen(head: Callable[[], nn.Module]) -> nn.Module:
    return FrozenRecogniser(LayerMix(torch.zeros(LAYERS, WIDTH), torch.ones(LAYERS, WIDTH)), head())


def features() -> torch.Tensor:
    return torch.zeros(round(CLIP * RATE), LAYERS, WIDTH)


@pytest.mark.parametrize(("context", "frames"), [(0.0, 1), (0.08, 5)])
def test_a_linear_head_by_hand(context: float, frames: int) -> None:
    """Mix, then `frames` x width to 29 scores, 1 MAC = 2 FLOPs; backward twice the map and once the mix,
    whose features need no gradient."""
    found = recogniser_rates(partial(frozen, partial(LinearHead, WIDTH, SYMBOLS, RATE, context)), features)
    map_ = 2 * frames * WIDTH * (SYMBOLS + 1)
    assert found.reading == pytest.approx(RATE * (MIX + map_))
    assert found.learning == pytest.approx(RATE * (2 * MIX + 3 * map_))


def test_superbs_head_by_hand() -> None:
    """Two layers, two directions, four gates each, from the input and from the state, then 2,048 to the scores."""
    found = recogniser_rates(partial(frozen, partial(BlstmHead, WIDTH, SYMBOLS, RATE)), features)
    first, second = (2 * 4 * 1024 * (inputs + 1024) for inputs in (WIDTH, 2 * 1024))
    lstm, output = 2 * (first + second), 2 * 2048 * 2 * (SYMBOLS + 1)
    assert found.reading == pytest.approx(RATE * (MIX + lstm + output), rel=1e-3)
    assert found.learning == pytest.approx(3 * found.reading, rel=0.01)


@pytest.mark.parametrize("name", ["efficient-tiny", "hubert-base"])
def test_an_encoder_costs_its_closed_form(name: str) -> None:
    config = described(name)[1]
    macs = family_of(config).closed_form.encoder_macs(config.encoder, SAMPLES)
    assert encoder_rate(partial(load_model, name, weights=False)) == pytest.approx(2 * macs / CLIP, rel=1e-3)


def test_a_whole_recogniser_costs_its_encoder_and_its_head() -> None:
    config = described("efficient-tiny")[1]
    macs = family_of(config).closed_form.encoder_macs(config.encoder, SAMPLES)
    width = config.encoder.width

    def build() -> nn.Module:
        return WholeRecogniser(load_model("efficient-tiny", weights=False), LinearHead(width, SYMBOLS, RATE), width)

    found = recogniser_rates(build, lambda: torch.zeros(SAMPLES))
    assert found.reading == pytest.approx(2 * macs / CLIP + RATE * 2 * width * (SYMBOLS + 1), rel=1e-3)
    assert found.learning == pytest.approx(3 * found.reading, rel=0.05), "the front end has no weights to learn"


class Hiding(nn.Module):
    """An encoder whose product is in an operator without a formula."""

    def __init__(self) -> None:
        super().__init__()
        with warnings.catch_warnings(), torch.utils._python_dispatch._disable_current_modes():
            warnings.simplefilter("ignore")
            self.deep = torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(160, 6)), {nn.Linear})

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return self.deep(waveforms.unfold(1, 160, 160))


class Looking(nn.Module):
    """One that asks for values."""

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return waveforms / waveforms.max().item()


class Listing(nn.Module):
    """One that leaves the tensors that the count follows."""

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return torch.tensor(waveforms[0, :3].tolist())


@pytest.mark.parametrize("encoder", [Hiding, Looking, Listing])
def test_an_encoder_that_cannot_be_counted_in_full_has_no_rate(encoder: type[nn.Module]) -> None:
    """The evaluation goes on, and its bill is of no FLOPs."""
    assert math.isnan(encoder_rate(encoder))
    found = recogniser_rates(lambda: Scored(encoder()), lambda: torch.zeros(SAMPLES))
    assert math.isnan(found.reading)
    assert math.isnan(found.learning)
    bill = _computed(3.0 + found.reading)
    assert bill.value is None
    assert "could not be counted" in bill.note


class Scored(nn.Module):
    """A recogniser around an encoder."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder, self.scale = encoder, nn.Parameter(torch.ones(()))

    def forward(self, heard: list[torch.Tensor]) -> list[torch.Tensor]:
        return [self.scale * self.encoder(heard[0][None])]
