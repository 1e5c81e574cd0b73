"""How a model is optimised, whatever its objective."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OptimisationConfig:
    """AdamW over the budget, whatever its unit.

    Attributes:
        peak_learning_rate: at `reference_batch_seconds` of audio a step; scaled with the square root of the batch.
        warmup: share of the budget with a linearly rising rate; it falls linearly to zero over the rest.
        weight_decay: on matrices only.
        clip: of the gradient's norm.
    """

    peak_learning_rate: float = 2e-3
    reference_batch_seconds: float = 491.52
    warmup: float = 0.1
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.01
    clip: float = 1.0

    def __post_init__(self) -> None:
        for name in ("peak_learning_rate", "reference_batch_seconds", "clip"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} {getattr(self, name)} must be more than 0")
        if not (0 <= self.warmup < 1 and all(0 <= beta < 1 for beta in self.betas)):
            raise ValueError(f"warmup {self.warmup} and betas {self.betas} must lie in [0, 1)")
        if not 0 <= self.weight_decay < float("inf"):
            raise ValueError(f"weight_decay {self.weight_decay} must be at least 0")

    def learning_rate(self, progress: float, batch_seconds: float) -> float:
        """Rate at `progress` in [0, 1] of the budget."""
        peak = self.peak_learning_rate * (batch_seconds / self.reference_batch_seconds) ** 0.5
        if progress < self.warmup:
            return peak * progress / self.warmup
        return peak * max(0.0, 1.0 - progress) / (1.0 - self.warmup)
