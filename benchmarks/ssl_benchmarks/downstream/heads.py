"""The linear heads of the light probe, over a learned weighting of all frozen layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ssl_benchmarks.downstream.features import Frames


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
        """Mean and deviation of each channel over the training frames, in one pass over the utterances.

        Means and squares of utterances are joined as in Chan, Golub and LeVeque, "Updating formulae and a pairwise
        algorithm for computing sample variances" (1979), in float64.

        Raises:
            ValueError: where there is no frame.
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
            raise ValueError("no frame to standardise the layers by")
        return cls(mean.float(), square.sqrt().float().clamp(min=1e-4))

    def forward(self, layers: Tensor) -> Tensor:
        """Standardise, weigh, add up."""
        standard = (layers.float() - self.mean) / self.deviation
        return torch.einsum("...ld,l->...d", standard, self.weights.softmax(0))
