"""How every head and every fine-tuning finds its learning rate, the one thing that is tuned, on dev; and whether it learned anything.

That is told by its training loss against that of the same head on shuffled labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ssl_benchmarks.downstream.outcome import finite

MARGIN = 0.95
"""A head has learned something where its loss is below this share of the control's."""
FACTOR = math.sqrt(10)
FARTHEST = 4
"""Steps from the start: two powers of ten to either side."""


class HeldAgainstControl:
    """What anything learned by the rate search says of itself.

    Attributes:
        rate: the learning rate.
        dev_losses: of every rate tried, nats.
        loss: of training at its end, nats.
        control_loss: the same where labels are shuffled, after as many steps, since every loss falls with time.
    """

    rate: float
    dev_losses: dict[float, float]
    loss: float
    control_loss: float

    @property
    def converged(self) -> bool:
        """Whether it learned more than how frequent labels are, or than can be learned by heart as fast."""
        return self.loss < MARGIN * self.control_loss

    @property
    def losses(self) -> dict[str, Any]:
        """For the record; a loss that is not finite, which JSON cannot hold, is None."""
        return {
            "learning_rate": self.rate,
            "dev_losses": {f"{rate:.3g}": finite(loss) for rate, loss in self.dev_losses.items()},
            "train_loss": finite(self.loss),
            "random_label_loss": finite(self.control_loss),
        }


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
