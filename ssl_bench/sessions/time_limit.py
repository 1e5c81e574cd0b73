"""How long a part of a command may take, by the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

Clock = Callable[[], float]


class TimeIsUpError(Exception):
    """A part of a command came to the end of its time."""


@dataclass(frozen=True)
class TimeLimit:
    """So many seconds from `began` on.

    Attributes:
        seconds: that it may take.
        clock: in s.
        began: when its time began to count.
    """

    seconds: float
    began: float
    clock: Clock = time.monotonic

    @classmethod
    def of(cls, seconds: float, clock: Clock = time.monotonic) -> TimeLimit:
        """From now on."""
        return cls(seconds, clock(), clock)

    @property
    def left(self) -> float:
        """Seconds, below 0 where it is over."""
        return self.began + self.seconds - self.clock()

    @property
    def spent(self) -> float:
        """The share of it that is over, from 0 on."""
        return (self.clock() - self.began) / self.seconds if self.seconds > 0 else 1.0

    def part(self, seconds: float) -> TimeLimit:
        """From now on, and no longer than this one."""
        return TimeLimit.of(max(0.0, min(seconds, self.left)), self.clock)

    def check(self) -> None:
        """End what is going on where the time is over.

        Raises:
            TimeIsUpError: where it is.
        """
        if self.left <= 0:
            raise TimeIsUpError


def time_of_day(seconds: float) -> str:
    """The time of day so many seconds from now, as HH:MM."""
    return (datetime.now().astimezone() + timedelta(seconds=seconds)).strftime("%H:%M")
