"""Random targets: each stretch of speech gets the number of its nearest random code (BEST-RQ, arXiv:2202.01855)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ssl_models.parts.framing import CODE_WIDTH
from ssl_models.parts.frontend import normalised


class RandomProjectionQuantiser(nn.Module):
    """Nearest codes of projected log-mel: `(B, F, mels)` at 100 Hz to `(B, F // stack, codebooks)` int64 labels.

    Each codebook has its own projection (Xavier uniform) to 16 dimensions and its own codes (standard normal); frames
    and codes are compared at unit length. Nothing is ever learned: everything follows from the seed and is stored with
    the weights, so that labels do not depend on the random numbers of a torch release.
    """

    projections: Tensor
    codes: Tensor
    fitted = True

    def __init__(self, codebooks: int, entries: int, mels: int = 80, stack: int = 2, seed: int = 0) -> None:
        super().__init__()
        self.codebooks, self.entries, self.stack = codebooks, entries, stack
        generator = torch.Generator().manual_seed(seed)
        width = mels * stack
        bound = (6 / (width + CODE_WIDTH)) ** 0.5
        drawn = torch.rand(width, codebooks * CODE_WIDTH, generator=generator)
        self.register_buffer("projections", (2 * drawn - 1) * bound)
        codes = torch.randn(codebooks, entries, CODE_WIDTH, generator=generator)
        self.register_buffer("codes", F.normalize(codes, dim=-1))

    def forward(self, logmel: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Labels; `lengths` are valid log-mel frames, and labels past them are meaningless."""
        with torch.autocast(logmel.device.type, enabled=False):
            batch, frames, mels = logmel.shape
            kept = frames // self.stack
            normal = normalised(logmel.float(), lengths)[:, : kept * self.stack]
            projected = normal.reshape(batch * kept, mels * self.stack) @ self.projections
            projected = projected.view(batch * kept, self.codebooks, CODE_WIDTH).transpose(0, 1)
            # At unit length the nearest code has the largest product, and a frame's own length does not matter.
            labels = (projected @ self.codes.transpose(1, 2)).argmax(-1)
            return labels.T.reshape(batch, kept, self.codebooks)

    def fit(self, waveforms: Iterable[NDArray[np.float32]], seed: int) -> dict[str, float]:  # noqa: ARG002
        """Do nothing: there is nothing to fit."""
        return {}


def codebook_entropy(labels: Tensor, valid: Tensor, entries: int) -> Tensor:
    """Entropy in nats of each codebook's use in this batch, averaged over the codebooks.

    Shapes: labels `(B, frames, codebooks)`, valid `(B, frames)`, True where a frame counts.
    """
    codebooks = labels.shape[-1]
    counts = torch.zeros(codebooks * entries, device=labels.device)
    placed = labels + torch.arange(codebooks, device=labels.device) * entries
    counts.scatter_add_(0, placed.flatten(), valid[..., None].expand_as(labels).flatten().float())
    counts = counts.view(codebooks, entries)
    return torch.special.entr(counts / counts.sum(1, keepdim=True).clamp(min=1)).sum(1).mean()
