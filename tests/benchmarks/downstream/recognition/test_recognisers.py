"""Recognisers: padding reaches no neighbour, slow encoders speak for several outputs, heads compute what they say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from ssl_benchmarks.downstream.features import LayerMix
from ssl_benchmarks.downstream.recognition.recognisers import (
    BlstmHead,
    ConvolutionalHead,
    FrozenRecogniser,
    LinearHead,
    WholeRecogniser,
    slots_of,
)
from ssl_models.efficient.config import EncoderConfig
from ssl_models.efficient.encoder import EfficientEncoder

SYMBOLS, WIDTH = 5, 6
HEADS: dict[str, Callable[[float], nn.Module]] = {
    "linear": lambda rate: LinearHead(WIDTH, SYMBOLS, rate),
    "linear of 5 frames": lambda rate: LinearHead(WIDTH, SYMBOLS, rate, 0.08),
    "blstm": lambda rate: BlstmHead(WIDTH, SYMBOLS, rate, units=7),
    "convolutional": lambda rate: ConvolutionalHead(WIDTH, SYMBOLS, rate),
}


def head_of(name: str, rate: float = 25.0) -> nn.Module:
    torch.manual_seed(0)
    return HEADS[name](rate).eval()


@pytest.mark.parametrize(("rate", "slots"), [(100.0, 1), (50.0, 1), (49.0, 2), (25.0, 2), (12.5, 4), (10.0, 5)])
@pytest.mark.parametrize("name", HEADS)
def test_slow_encoders_speak_for_several_outputs(name: str, rate: float, slots: int) -> None:
    """At least 50 outputs a second, 25 of a linear head, all of them probabilities; 4 for the 80 ms of essL."""
    found = head_of(name, rate)(torch.randn(2, 7, WIDTH), torch.tensor([7, 4]))
    assert slots_of(rate) == slots
    if name.startswith("linear"):
        slots = {100.0: 1, 50.0: 1, 49.0: 1, 25.0: 1, 12.5: 2, 10.0: 3}[rate]
    assert found.shape == (2, 7 * slots, SYMBOLS + 1)
    torch.testing.assert_close(found.exp().sum(-1), torch.ones(2, 7 * slots))


@pytest.mark.parametrize(("context", "reach"), [(0.0, 0), (0.08, 1), (0.16, 2)])
def test_the_linear_head_sees_its_neighbours_and_no_further(context: float, reach: int) -> None:
    """By hand: a matrix product with the frames joined, silence beyond the ends; the slots of a frame are in order."""
    torch.manual_seed(0)
    head, x = LinearHead(WIDTH, SYMBOLS, 12.5, context), torch.randn(9, WIDTH)
    padded = torch.cat([torch.zeros(reach, WIDTH), x, torch.zeros(reach, WIDTH)])
    rows = []
    for t in range(9):
        window = padded[t : t + 2 * reach + 1]
        scores = torch.einsum("okr,rk->o", head.output.weight, window) + head.output.bias
        rows += list(scores.reshape(2, SYMBOLS + 1).log_softmax(-1))
    torch.testing.assert_close(head(x[None], torch.tensor([9]))[0], torch.stack(rows))


def lone_and_together(recogniser: nn.Module, utterances: list[Tensor]) -> None:
    """Each utterance's outputs are the same alone and in a padded batch."""
    with torch.no_grad():
        together, outputs = recogniser(utterances)
        for i, utterance in enumerate(utterances):
            alone, (own,) = recogniser([utterance])
            assert int(own) == int(outputs[i]) == alone.shape[1]
            torch.testing.assert_close(together[i, : int(own)], alone[0], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("name", HEADS)
@settings(max_examples=20)
@given(lengths=st.lists(st.integers(1, 12), min_size=2, max_size=4))
def test_padding_reaches_no_frozen_utterance(name: str, lengths: list[int]) -> None:
    """The mix shifts padding off zero, so a head that looked at it would show it."""
    draw = torch.Generator().manual_seed(sum(lengths))
    mix = LayerMix(torch.full((2, WIDTH), 3.0), torch.full((2, WIDTH), 0.5))
    utterances = [torch.randn(n, 2, WIDTH, generator=draw).half() for n in lengths]
    lone_and_together(FrozenRecogniser(mix, head_of(name)), utterances)


@pytest.mark.parametrize("name", ["linear of 5 frames", "convolutional"])
def test_padding_reaches_no_waveform(name: str) -> None:
    torch.manual_seed(0)
    encoder = EfficientEncoder(EncoderConfig(32, 2, 2, 64)).eval()
    head = {"linear of 5 frames": LinearHead(32, SYMBOLS, 25.0, 0.08), "convolutional": ConvolutionalHead(32, 5, 25.0)}[
        name
    ]
    utterances = [0.1 * torch.randn(n) for n in (16_000, 8_123, 12_800)]
    lone_and_together(WholeRecogniser(encoder, head, 32).eval(), utterances)


def test_a_recogniser_says_how_many_outputs_are_valid() -> None:
    """25 Hz and an output a frame; 12,000 samples are 18 whole frames."""
    encoder = EfficientEncoder(EncoderConfig(32, 2, 2, 64)).eval()
    found, outputs = WholeRecogniser(encoder, LinearHead(32, SYMBOLS, 25.0), 32)(
        [torch.randn(16_000), torch.randn(12_000)]
    )
    assert outputs.tolist() == [25, 18]
    assert found.shape == (2, 25, SYMBOLS + 1)
