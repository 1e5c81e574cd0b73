"""Frozen features of utterances, extracted once and kept in half precision on the host, and learned layer weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ssl_models.interface import SpeechFeatures
from ssl_models.parts.framing import HOP
from ssl_models.parts.frontend import LogMel, silence_padding, stacked_frames


@dataclass(frozen=True)
class Frames:
    """Features of utterances.

    Attributes:
        utterances: `(frames, layers, D)` on the host for each utterance, float16, or all float32 if float16 overflows.
        frame_rate: per second.
    """

    utterances: Sequence[Tensor]
    frame_rate: float


class LogMelControl(nn.Module):
    """The log-mel control, without a model: four frames joined to 25 Hz; a raw layer and one normalised over the clip.

    The level, which normalisation removes, carries the speaker; the words are clearer without it.
    """

    def __init__(self, mels: int = 80, stack: int = 4) -> None:
        super().__init__()
        self.logmel, self.stack = LogMel(mels), stack

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> SpeechFeatures:
        """Two layers `(B, frames, mels * stack)` of `(B, T)` waveforms."""
        logmel = self.logmel(silence_padding(waveforms, lengths))
        normal = stacked_frames(logmel, lengths, self.stack)
        plain = logmel[:, : normal.shape[1] * self.stack].reshape(normal.shape)
        if lengths is None:
            lengths = torch.full((len(waveforms),), waveforms.shape[1], device=waveforms.device)
        return SpeechFeatures((plain, normal), lengths // (HOP * self.stack), 100.0 / self.stack)


class LayerMix(nn.Module):
    """Softmax-weighted sum of standardised layers, as in SUPERB (arXiv:2105.01051): `(..., L, D)` to `(..., D)`."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.weights = nn.Parameter(torch.zeros(mean.shape[0]))

    @classmethod
    def fitted(cls, frames: Frames) -> LayerMix:
        """Mean and deviation of each channel over the training frames, in one pass over the utterances.

        Means and squares of utterances are combined as in Chan, Golub and LeVeque, "Updating formulae and a pairwise
        algorithm for computing sample variances" (1979), in float64.

        Raises:
            ValueError: if there are no frames.
        """
        count, mean, square = 0, torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        for utterance in frames.utterances:
            if not len(utterance):
                continue
            own_square, own_mean = torch.var_mean(utterance.double(), dim=0, correction=0)
            share, difference = len(utterance) / (count + len(utterance)), own_mean - mean
            mean = mean + share * difference
            square = square + share * (own_square - square) + share * (1 - share) * difference.square()
            count += len(utterance)
        if not count:
            raise ValueError("no frames from which to standardise the layers")
        return cls(mean.float(), square.sqrt().float().clamp(min=1e-4))

    def forward(self, layers: Tensor) -> Tensor:
        """Standardise, weight and add up the layers."""
        standard = (layers.float() - self.mean) / self.deviation
        return torch.einsum("...ld,l->...d", standard, self.weights.softmax(0))
