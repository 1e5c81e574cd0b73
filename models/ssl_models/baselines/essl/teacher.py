"""The teacher: the student's encoder and head, averaged over the steps of its training."""

from __future__ import annotations

import math
from typing import Self

import torch
from torch import Tensor, nn

from ssl_models.baselines.essl.config import EsslConfig
from ssl_models.baselines.essl.encoder import EsslEncoder


def momentum(start: float, progress: float) -> float:
    """Share of its values that the teacher keeps at `progress` of the budget: from `start` to 1 on half a cosine."""
    return 1.0 - (1.0 - start) * (1.0 + math.cos(math.pi * min(max(progress, 0.0), 1.0))) / 2.0


class Teacher(nn.Module):
    """A student's moving average; it receives no gradient and uses no dropout.

    The authors' teacher runs in training mode with dropout; here it runs in evaluation mode, as in data2vec.
    """

    def __init__(self, config: EsslConfig) -> None:
        super().__init__()
        self.encoder = EsslEncoder(config.encoder)
        self.head = nn.Linear(config.encoder.upper.width, config.objective.code_width)
        self.requires_grad_(requires_grad=False)
        self.eval()

    def train(self, mode: bool = True) -> Self:  # noqa: FBT001, FBT002, ARG002 - torch's signature
        """Stay in evaluation mode."""
        return super().train(mode=False)

    @torch.no_grad()
    def follow(self, encoder: nn.Module, head: nn.Module, kept: float) -> None:
        """Keep the share `kept` of every value and take the rest from the student; 0 copies the student."""
        mine: list[Tensor] = [*self.encoder.parameters(), *self.head.parameters()]
        theirs: list[Tensor] = [*encoder.parameters(), *head.parameters()]
        torch._foreach_lerp_(mine, theirs, 1.0 - kept)

    @torch.no_grad()
    def forward(self, spectrum: Tensor, logmel_lengths: Tensor | None) -> Tensor:
        """Codes `(B, frames, code width)` of a normalised spectrum."""
        return self.head(self.encoder.transform(spectrum, logmel_lengths)[-1])
