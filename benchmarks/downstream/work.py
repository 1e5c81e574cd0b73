"""FLOPs of an evaluation: what the encoder and the heads compute, counted from the graph, times the seconds they worked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from benchmarks.flops import count_flops, count_inference, fake_tensors, without_layer_drop

CLIP = 10.0
"""Seconds of the clip that is counted; utterances of other lengths cost a little more or less a second."""


@dataclass(frozen=True)
class Rates:
    """FLOPs for a second of audio.

    Attributes:
        reading: of a forward pass.
        learning: of a forward and a backward pass.
    """

    reading: float
    learning: float


def encoder_rate(shape: Callable[[], Any]) -> float:
    """FLOPs a second of encoding; `shape` builds the encoder."""
    with fake_tensors():
        return count_inference(shape().eval(), CLIP).flops / CLIP


def recogniser_rates(build: Callable[[], nn.Module], utterance: Callable[[], torch.Tensor]) -> Rates:
    """Of a recogniser on an `utterance` of `CLIP` seconds; the loss itself is no matrix product and counts nothing."""
    with fake_tensors():
        recogniser, heard = build().eval(), utterance()
        with torch.no_grad():
            reading = count_flops(lambda: recogniser([heard])).flops / CLIP
        recogniser.train()
        with without_layer_drop(getattr(recogniser, "encoder", None)):
            learning = count_flops(lambda: recogniser([heard])[0].sum().backward()).flops / CLIP
    return Rates(reading, learning)
