"""Whether a head learned anything: its training loss against that of the same head on shuffled labels."""

from __future__ import annotations

from typing import Any

from ssl_benchmarks.downstream.outcome import finite

MARGIN = 0.95
"""A head has learned something where its loss is below this share of the control's."""


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
