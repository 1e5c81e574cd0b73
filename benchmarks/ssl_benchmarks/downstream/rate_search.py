"""The one rule by which every head and every fine-tuning finds its learning rate: on dev, and nothing else is tuned."""

from __future__ import annotations

import math
from collections.abc import Callable

FACTOR = math.sqrt(10)
FARTHEST = 4
"""Steps from the start: two powers of ten to either side."""


def climbed(
    trial: Callable[[float], float], start: float, more: Callable[[], bool] = lambda: True
) -> tuple[float, dict[float, float]]:
    """The rate with the lowest dev loss, and every loss seen by its rate.

    From `start` one factor of sqrt(10) up, then on in the direction that is better until the next rate is not. The loss
    is taken to have one valley; one that is not finite counts as the worst, and the search goes down from it. After the first
    two rates another is tried as long as there is time for `more`.
    """
    seen: dict[int, float] = {}

    def loss(step: int) -> float:
        if step not in seen:
            value = trial(start * FACTOR**step)
            seen[step] = value if math.isfinite(value) else math.inf
        return seen[step]

    best = 0
    direction = 1 if loss(1) < loss(0) else -1
    while abs(best + direction) <= FARTHEST and (best + direction in seen or more()):
        if loss(best + direction) >= loss(best) and loss(best) != math.inf:
            break
        best += direction
    return start * FACTOR**best, {start * FACTOR**step: seen[step] for step in sorted(seen)}
