"""How long the repeats of a measurement are, where `--minutes` bound the whole of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import fmean

from ssl_benchmarks.comparing.round_plan import REPORT_SECONDS, SHORTEST_WINDOW, latest_end
from ssl_benchmarks.timing.protocol import Protocol

OVERHEAD = 5.0
"""s that a visit takes beside its window until one has shown it: start, build, warm-up."""


class RepeatPlan:
    """Visits to the cells, and the time that is left for them.

    Args:
        protocol: with the length and number of repeats asked for.
        cells: how many.
        began: on the clock, when the command began.
        minutes: of the whole command, or None.
        device: "cpu" or "cuda".
        clock: s.
    """

    def __init__(
        self,
        protocol: Protocol,
        cells: int,
        began: float,
        minutes: float | None,
        device: str,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._asked, self._left, self._clock = protocol.duration, cells * protocol.repeats, clock
        self._shortest = min(protocol.duration, SHORTEST_WINDOW[device])
        self._minutes, self._began = minutes, began
        self._beside: list[float] = []
        self._first = cells

    def skip(self) -> None:
        """A visit is not made."""
        self._left -= 1

    def window(self) -> float | None:
        """Seconds of the next visit's window; None where it would end too late."""
        if self._minutes is None:
            return self._asked
        now, beside = self._clock(), fmean(self._beside) if self._beside else OVERHEAD
        share = (self._began + 60 * self._minutes - REPORT_SECONDS - now) / max(1, self._left)
        window = min(self._asked, max(self._shortest, share - beside))
        late = now + beside + window + REPORT_SECONDS > self._began + latest_end(self._minutes)
        over = now + beside + window + REPORT_SECONDS > self._began + 60 * self._minutes
        if self._beside and (late or (over and len(self._beside) >= self._first)):
            self._left -= 1
            return None
        return window

    @contextmanager
    def timed(self, window: float) -> Iterator[None]:
        """Learn from a visit how long one takes."""
        began = self._clock()
        yield
        self._beside.append(max(0.0, self._clock() - began - window))
        self._left -= 1
