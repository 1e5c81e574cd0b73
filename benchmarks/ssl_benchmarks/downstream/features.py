"""Frozen features of utterances, extracted once and kept in half precision on the host."""

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
        utterances: for each utterance `(frames, layers, D)` on the host, float16, or all float32 where that cannot hold a value.
        frame_rate: per second.
    """

    utterances: Sequence[Tensor]
    frame_rate: float


class LogMelControl(nn.Module):
    """The control without a model: log-mel, four frames joined to 25 Hz; first as it is, then normalised over the clip.

    Who speaks is in the level that the normalisation takes off; what is said is clearer without it.
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
