"""Frozen features of utterances, extracted once and kept in half precision on the host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.downstream.spoken import Spoken
from models.framing import HOP
from models.frontend import LogMel, silence_padding, stacked_frames
from models.interface import SAMPLE_RATE, Encoder, SpeechFeatures


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
    """The control without a model: normalised log-mel, four frames joined to 25 Hz."""

    def __init__(self, mels: int = 80, stack: int = 4) -> None:
        super().__init__()
        self.logmel, self.stack = LogMel(mels), stack

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> SpeechFeatures:
        """One layer `(B, frames, mels * stack)` of `(B, T)` waveforms."""
        joined = stacked_frames(self.logmel(silence_padding(waveforms, lengths)), lengths, self.stack)
        if lengths is None:
            lengths = torch.full((len(waveforms),), waveforms.shape[1], device=waveforms.device)
        return SpeechFeatures((joined,), lengths // (HOP * self.stack), 100.0 / self.stack)


@torch.inference_mode()
def extract(encoder: Encoder, spoken: Sequence[Spoken], device: torch.device, batch_seconds: float = 60.0) -> Frames:
    """Every layer of every utterance, in the order given; batches hold utterances of like length."""
    order = sorted(range(len(spoken)), key=lambda i: spoken[i].samples)
    kept: dict[int, Tensor] = {}
    rate = 0.0
    for batch in _batches(order, spoken, batch_seconds):
        clips = [spoken[i].read() for i in batch]
        lengths = torch.tensor([len(clip) for clip in clips])
        padded = np.zeros((len(clips), int(lengths.max())), np.float32)
        for row, clip in zip(padded, clips, strict=True):
            row[: len(clip)] = clip
        features = encoder(torch.from_numpy(padded).to(device), lengths.to(device))
        stacked = torch.stack(features.layers, dim=2).half().cpu()
        for row, i, frames in zip(stacked, batch, features.lengths.tolist(), strict=True):
            kept[i] = row[:frames].clone()
        rate = features.frame_rate
    return Frames(tuple(kept[i] for i in range(len(spoken))), rate)


def _batches(order: list[int], spoken: Sequence[Spoken], batch_seconds: float) -> Iterator[list[int]]:
    """Neighbours in `order` up to `batch_seconds` of padded audio, at least one each."""
    batch: list[int] = []
    for i in order:
        if batch and (len(batch) + 1) * spoken[i].samples > batch_seconds * SAMPLE_RATE:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch
