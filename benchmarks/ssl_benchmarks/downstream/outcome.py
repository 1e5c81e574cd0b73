"""What a task found of one system."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ssl_benchmarks.record.quantity import Quantity

FINAL = "final"
NO_BETTER = "no better than its own random weights"
UNCONVERGED = "did not converge"
"""What the note of a rate says first, and tables have signs for; final: on a test set on which nothing is chosen."""


@dataclass(frozen=True)
class Outcome:
    """The result of one task with one head.

    Attributes:
        rates: metric (`cer`, `wer`, `per`, `accuracy`, `eer`, `abx`) to its value with the bootstrap's interval.
        converged: whether the head's training loss ended below that of a random-label control; None where nothing is
            learned.
        details: for the record: rates tried, losses, what was counted and left out.
    """

    rates: dict[str, Quantity]
    converged: bool | None = None
    details: dict[str, Any] = field(default_factory=dict)


def finite(loss: float) -> float | None:
    """As a record holds a loss: None where it is not finite, which JSON cannot say."""
    return loss if math.isfinite(loss) else None
