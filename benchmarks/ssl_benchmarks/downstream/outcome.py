"""The result of a task for one system."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ssl_benchmarks.record.quantity import Quantity


@dataclass(frozen=True)
class Outcome:
    """The result of one task with one head.

    Attributes:
        rates: metric (`cer`, `wer`, `per`, `accuracy`, `eer`, `abx`) to its value with a bootstrap interval.
        converged: whether the head's training loss ended below that of a random-label control; None if nothing is
            learned.
        details: for the record: rates tried, losses, counts of what was used and left out.
    """

    rates: dict[str, Quantity]
    converged: bool | None = None
    details: dict[str, Any] = field(default_factory=dict)


def finite(loss: float) -> float | None:
    """A loss as a record holds it: None if it is not finite, which JSON cannot represent."""
    return loss if math.isfinite(loss) else None
