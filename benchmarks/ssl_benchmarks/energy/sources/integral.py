"""Energy as the integral of power samples, and its error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ssl_benchmarks.energy.sources.source import Mark

AVERAGED_S = 1.0
"""On many chips, the driver's power reading is a mean over the last second (arXiv:2312.02741)."""
RESOLUTION_W = 0.001


@dataclass
class PowerIntegral:
    """Trapezoid rule over power samples in W; times in s. `squares` is the sum of squared times between samples."""

    joules: float = 0.0
    samples: int = 0
    roughness: float = 0.0
    squares: float = 0.0
    time_s: float = math.nan
    power_w: float = math.nan

    def add(self, time_s: float, power_w: float) -> None:
        """Add a sample."""
        if self.samples:
            self.joules += (time_s - self.time_s) * (power_w + self.power_w) / 2
            self.roughness += (power_w - self.power_w) ** 2
            self.squares += (time_s - self.time_s) ** 2
        self.samples += 1
        self.time_s, self.power_w = time_s, power_w

    def hold(self, time_s: float) -> None:
        """Continue to `time_s` at the last power, where a new sample would cost more than it is worth."""
        if self.samples:
            self.joules += (time_s - self.time_s) * self.power_w
            self.squares += (time_s - self.time_s) ** 2
            self.time_s = time_s


def integral_error(start: Mark, end: Mark) -> float:
    """Half-width of the 95 % interval of the integral between two marks, in J.

    The variance of samples is estimated from successive differences (von Neumann), so that a slow ramp adds nothing,
    while power that jumps between samples adds as much as random draws would, each of which stands for the time to the
    next one, however late that came. The lag of a reading that is a mean over a second is added: half of `AVERAGED_S`
    times the change of power from edge to edge. The sensor's own calibration error (5 % in the driver's manual) is not
    included. With fewer than three samples the error is taken as 100 %.
    """
    count = end.samples - start.samples + 1
    energy = end.integral_j - start.integral_j
    if count < 3:
        return abs(energy)
    duration, squares = end.time_s - start.time_s, end.squares - start.squares
    scatter = math.sqrt((end.roughness - start.roughness) / 2 / (count - 1))
    lag = AVERAGED_S / 2 * abs(end.power_w - start.power_w)
    slack = (start.slack_s + end.slack_s) * max(start.power_w, end.power_w)
    return student(count - 1) * scatter * math.sqrt(squares) + lag + slack + RESOLUTION_W * duration


def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's t by its expansion about the normal's (Abramowitz and Stegun 26.7.5).

    Within 5 % from two degrees of freedom on. scipy has the exact quantile but takes a second to import.
    """
    return 1.960 + 2.372 / freedom + 2.822 / freedom**2 + 2.556 / freedom**3
