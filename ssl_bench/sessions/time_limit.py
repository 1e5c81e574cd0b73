"""Time limits for parts of a command."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

Clock = Callable[[], float]


class TimeIsUpError(Exception):
    """A part of a command has used up its time."""


@dataclass(frozen=True)
class TimeLimit:
    """A limit of so many seconds from `began` on.

    Attributes:
        seconds: the time allowed.
        clock: returns the time in s.
        began: start of the time allowed, by the clock.
    """

    seconds: float
    began: float
    clock: Clock = time.monotonic

    @classmethod
    def of(cls, seconds: float, clock: Clock = time.monotonic) -> TimeLimit:
        """A limit from now on."""
        return cls(seconds, clock(), clock)

    @property
    def left(self) -> float:
        """Seconds left, below 0 once it is over."""
        return self.began + self.seconds - self.clock()

    @property
    def spent(self) -> float:
        """The share of the time that is spent, from 0 on."""
        return (self.clock() - self.began) / self.seconds if self.seconds > 0 else 1.0

    def part(self, seconds: float) -> TimeLimit:
        """A limit from now on that ends no later than this one."""
        return TimeLimit.of(max(0.0, min(seconds, self.left)), self.clock)

    def check(self) -> None:
        """End the work in progress if the time is up.

        Raises:
            TimeIsUpError: if it is.
        """
        if self.left <= 0:
            raise TimeIsUpError


def time_of_day(seconds: float) -> str:
    """The time of day so many seconds from now, as HH:MM."""
    return (datetime.now().astimezone() + timedelta(seconds=seconds)).strftime("%H:%M")
