"""Optimisation settings of a model, whatever its objective."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

Schedule = Literal["linear", "cosine", "tri-stage"]


@dataclass(frozen=True)
class OptimisationConfig:
    """AdamW over the budget, whatever its unit.

    Attributes:
        peak_learning_rate: at `reference_batch_seconds` of audio per step; scaled with the square root of the batch
            size.
        warmup: share of the budget in which the rate rises.
        weight_decay: applied to matrices only.
        clip: bound on the gradient's norm.
        schedule: "linear" rises and falls on straight lines; "cosine" on half a cosine each (one cycle of L. Smith,
            arXiv:1708.07120, as torch's OneCycleLR); "tri-stage" rises on a line, holds, and decays exponentially.
        hold: share of the budget at the peak, tri-stage only.
        final: share of the peak that the exponential decay ends at, tri-stage only.
    """

    peak_learning_rate: float = 2e-3
    reference_batch_seconds: float = 491.52
    warmup: float = 0.1
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.01
    clip: float = 1.0
    schedule: Schedule = "linear"
    hold: float = 0.0
    final: float = 0.01

    def __post_init__(self) -> None:
        for name in ("peak_learning_rate", "reference_batch_seconds", "clip"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} {getattr(self, name)} must be more than 0")
        if not (0 <= self.warmup < 1 and all(0 <= beta < 1 for beta in self.betas)):
            raise ValueError(f"warmup {self.warmup} and betas {self.betas} must be in [0, 1)")
        if not 0 <= self.weight_decay < float("inf"):
            raise ValueError(f"weight_decay {self.weight_decay} must be at least 0")
        if not (self.hold >= 0 and self.warmup + self.hold < 1):
            raise ValueError(
                f"hold {self.hold} must be at least 0 and leave some of the budget after warmup {self.warmup}"
            )
        if not 0 < self.final <= 1:
            raise ValueError(f"final {self.final} must be above 0 and at most 1")

    def learning_rate(self, progress: float, batch_seconds: float) -> float:
        """Learning rate at `progress` in [0, 1] of the budget."""
        peak = self.peak_learning_rate * (batch_seconds / self.reference_batch_seconds) ** 0.5
        return peak * self._share_of_peak(progress)

    def narrowed(self, width: int, to: int) -> OptimisationConfig:
        """The same for a narrower model of the same kind: the peak rate is multiplied by the square root of width / to.

        This is our own rule, the same for all tiny sizes; none of their rates was tuned.
        """
        return replace(self, peak_learning_rate=self.peak_learning_rate * (width / to) ** 0.5)

    def _share_of_peak(self, progress: float) -> float:
        rising = progress < self.warmup
        if self.schedule == "tri-stage" and not rising:
            decayed = (progress - self.warmup - self.hold) / (1.0 - self.warmup - self.hold)
            return float(self.final ** min(max(decayed, 0.0), 1.0))
        share = progress / self.warmup if rising else max(0.0, 1.0 - progress) / (1.0 - self.warmup)
        return 0.5 - 0.5 * math.cos(math.pi * share) if self.schedule == "cosine" else share
