"""The learning-rate search of any head or fine-tuning, the only value tuned on dev; and whether anything was learned.

The latter is decided by comparing the training loss with that of the same head on shuffled labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ssl_benchmarks.downstream.outcome import finite

MARGIN = 0.95
"""A head has learned something if its loss is below this share of the control's."""
FACTOR = math.sqrt(10)
FARTHEST = 4
"""Steps from the start: two powers of ten in either direction."""


class HeldAgainstControl:
    """The result of the rate search, compared with a random-label control.

    Attributes:
        rate: the learning rate.
        dev_losses: of every rate tried, in nats.
        loss: final training loss in nats.
        control_loss: the same with shuffled labels after as many steps, since every loss falls with time.
    """

    rate: float
    dev_losses: dict[float, float]
    loss: float
    control_loss: float

    @property
    def converged(self) -> bool:
        """Whether it learned more than label frequencies, or than can be memorised as fast."""
        return self.loss < MARGIN * self.control_loss

    @property
    def losses(self) -> dict[str, Any]:
        """For the record; a loss that is not finite, which JSON cannot represent, is None."""
        return {
            "learning_rate": self.rate,
            "dev_losses": {f"{rate:.3g}": finite(loss) for rate, loss in self.dev_losses.items()},
            "train_loss": finite(self.loss),
            "random_label_loss": finite(self.control_loss),
        }


def climbed(
    trial: Callable[[float], float], start: float, more: Callable[[], bool] = lambda: True
) -> tuple[float, dict[float, float]]:
    """The rate with the lowest dev loss, and the losses of all rates tried.

    From `start`, one factor of sqrt(10) up, then on in the better direction until the next rate is not better. The
    loss is assumed to have a single minimum; a loss that is not finite counts as the worst, and the search goes down
    from it. After the first two rates, another one is tried only while there is time for `more`.
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
