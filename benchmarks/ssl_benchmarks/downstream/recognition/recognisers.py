"""Modules from utterances to log-probabilities of symbols: heads on frozen features or on a whole encoder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from ssl_benchmarks.downstream.features import LayerMix
from ssl_benchmarks.downstream.recognition.ctc_head import CtcHead, CtcHeadConfig
from ssl_models.interface import Encoder
from ssl_models.parts.frontend import valid_mask

OUTPUT_RATE, LINEAR_RATE = 50.0, 25.0
"""Fewest outputs per second of a deep and of a linear head; a frame of a slower encoder yields several.

A linear map recognises 14 letters per second better from 25 outputs than from 50, where each frame would yield two.
"""


class Head(Protocol):
    """Maps features `(B, frames, D)` and valid frames `(B,)` to log-probabilities `(B, frames * slots, symbols + 1)`."""

    slots: int

    def __call__(self, features: Tensor, lengths: Tensor) -> Tensor:
        """Apply the head; padding does not affect other frames."""
        ...


def slots_of(frame_rate: float, rate: float = OUTPUT_RATE) -> int:
    """Outputs per frame that give `rate` per second: 4 for the 80 ms frames of essL, as in its authors' upsampling."""
    return max(1, math.ceil(rate / frame_rate))


class LinearHead(nn.Module):
    """A linear map of a frame and its neighbours up to `context` seconds away (0: of the frame alone)."""

    def __init__(self, width: int, symbols: int, frame_rate: float, context: float = 0.0) -> None:
        super().__init__()
        reach = round(context * frame_rate)
        self.slots = slots_of(frame_rate, LINEAR_RATE)
        self.output = nn.Conv1d(width, self.slots * (symbols + 1), 2 * reach + 1, padding=reach)

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """See `Head`."""
        features = features * valid_mask(lengths, features.shape[1])[..., None]
        scores = self.output(features.transpose(1, 2)).transpose(1, 2)
        return _spread(scores, self.slots)


class BlstmHead(nn.Module):
    """Two bidirectional LSTM layers, 1,024 units per direction, and a linear map: SUPERB's recogniser (arXiv:2105.01051)."""

    def __init__(self, width: int, symbols: int, frame_rate: float, units: int = 1024) -> None:
        super().__init__()
        self.slots = slots_of(frame_rate)
        self.lstm = nn.LSTM(width, units, num_layers=2, bidirectional=True, batch_first=True)
        self.output = nn.Linear(2 * units, self.slots * (symbols + 1))

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """See `Head`."""
        if len(features) == 1:  # no padding
            return _spread(self.output(self.lstm(features)[0]), self.slots)
        packed = pack_padded_sequence(features, lengths.clamp(min=1).cpu(), batch_first=True, enforce_sorted=False)
        hidden, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=features.shape[1])
        return _spread(self.output(hidden), self.slots)


class ConvolutionalHead(nn.Module):
    """essL's upsampling convolutions (see `ssl_benchmarks.downstream.recognition.ctc_head`), upsampled to `OUTPUT_RATE`."""

    def __init__(self, width: int, symbols: int, frame_rate: float) -> None:
        super().__init__()
        self.slots = slots_of(frame_rate)
        self.layers = CtcHead(width, symbols + 1, CtcHeadConfig(upsampling=self.slots))

    def forward(self, features: Tensor, lengths: Tensor) -> Tensor:
        """See `Head`."""
        return self.layers(features, lengths)


def _spread(scores: Tensor, slots: int) -> Tensor:
    """Scores `(B, frames, slots * symbols)` to log-probabilities `(B, frames * slots, symbols)`."""
    batch, frames, _ = scores.shape
    return scores.float().reshape(batch, frames * slots, -1).log_softmax(-1)


class FrozenRecogniser(nn.Module):
    """A head on the learned weighting of frozen layers; an utterance is its features `(frames, L, D)`."""

    def __init__(self, mix: LayerMix, head: nn.Module) -> None:
        super().__init__()
        self.mix, self.head = mix, head

    def forward(self, utterances: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Log-probabilities `(B, outputs, symbols + 1)`, and valid outputs `(B,)` on the CPU."""
        lengths = torch.tensor([len(u) for u in utterances])
        device = self.mix.weights.device
        mixed = self.mix(pad_sequence(list(utterances), batch_first=True).to(device))
        head = cast("Head", self.head)
        return head(mixed, lengths.to(device)), lengths * head.slots


class WholeRecogniser(nn.Module):
    """An encoder trained with a head on its last layer; an utterance is its waveform `(n,)` at 16 kHz."""

    def __init__(self, encoder: Encoder, head: nn.Module, width: int) -> None:
        super().__init__()
        self.encoder, self.norm, self.head = cast("Any", encoder), nn.LayerNorm(width), head

    def forward(self, utterances: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """As in `FrozenRecogniser`."""
        lengths = torch.tensor([len(u) for u in utterances])
        device = self.norm.weight.device
        waveforms = pad_sequence(list(utterances), batch_first=True).to(device)
        features = self.encoder(waveforms, lengths.to(device))
        head = cast("Head", self.head)
        return head(self.norm(features.layers[-1]), features.lengths), features.lengths.cpu() * head.slots
