"""The linear heads of the light probe, over a learned weighting of all frozen layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.downstream.features import Frames


class LayerMix(nn.Module):
    """Softmax-weighted sum of standardised layers, as SUPERB does (arXiv 2105.01051): `(..., L, D)` to `(..., D)`."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Tensor, deviation: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("deviation", deviation)
        self.weights = nn.Parameter(torch.zeros(mean.shape[0]))

    @classmethod
    def fitted(cls, frames: Frames) -> LayerMix:
        """Mean and deviation of each channel over the training frames."""
        count = sum(len(u) for u in frames.utterances)
        mean = torch.stack([u.double().sum(0) for u in frames.utterances]).sum(0) / count
        square = torch.stack([(u.double() - mean).square().sum(0) for u in frames.utterances]).sum(0) / count
        return cls(mean.float(), square.sqrt().float().clamp(min=1e-4))

    def forward(self, layers: Tensor) -> Tensor:
        """Standardise, weigh, add up."""
        standard = (layers.float() - self.mean) / self.deviation
        return torch.einsum("...ld,l->...d", standard, self.weights.softmax(0))
