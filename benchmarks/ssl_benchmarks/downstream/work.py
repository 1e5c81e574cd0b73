"""FLOPs of an evaluation: the work of encoder and heads, counted from the graph, times the seconds processed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ssl_benchmarks.counting.flops import FlopCount, count_flops, count_inference, fake_tensors, without_layer_drop

CLIP = 10.0
"""Length in s of the counted clip; utterances of other lengths cost a little more or less per second."""


@dataclass(frozen=True)
class Rates:
    """FLOPs per audio second; NaN if the count is a lower bound or fails.

    Attributes:
        reading: for a forward pass.
        learning: for a forward and a backward pass.
    """

    reading: float
    learning: float


def encoder_rate(shape: Callable[[], Any]) -> float:
    """FLOPs per audio second of encoding, NaN if they cannot be counted in full; `shape` builds the encoder."""
    return _rate(lambda: count_inference(shape().eval(), CLIP))


def recogniser_rates(build: Callable[[], nn.Module], utterance: Callable[[], torch.Tensor]) -> Rates:
    """Rates of a recogniser on an `utterance` of `CLIP` seconds; the loss has no matrix products and counts as 0."""

    def reading() -> FlopCount:
        recogniser, heard = build().eval(), utterance()
        with torch.no_grad():
            return count_flops(lambda: recogniser([heard]))

    def learning() -> FlopCount:
        recogniser, heard = build().train(), utterance()
        with without_layer_drop(getattr(recogniser, "encoder", None)):
            return count_flops(lambda: recogniser([heard])[0].sum().backward())

    return Rates(_rate(reading), _rate(learning))


def _rate(count: Callable[[], FlopCount]) -> float:
    """FLOPs per second of the counted clip."""
    try:
        with fake_tensors():
            counted = count()
    except Exception:  # noqa: BLE001 - a user's own encoder may do what fake tensors cannot, and is evaluated anyway
        return math.nan
    return math.nan if counted.missed else counted.flops / CLIP
