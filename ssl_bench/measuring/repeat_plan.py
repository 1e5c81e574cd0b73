"""The length of a measurement's repeats when `--minutes` limits the whole command."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import fmean

from ssl_benchmarks.comparing.round_plan import REPORT_SECONDS, SHORTEST_WINDOW, latest_end
from ssl_benchmarks.timing.protocol import Protocol

OVERHEAD = 5.0
"""s assumed for start, build and warm-up of a visit until the first has been timed."""


class RepeatPlan:
    """The visits to the cells, and the time left for them.

    Args:
        protocol: with the requested length and number of repeats.
        cells: number of cells.
        began: start of the command, by the clock.
        minutes: time budget of the whole command, or None.
        device: "cpu" or "cuda".
        clock: returns the time in s.
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
        """Skip a visit."""
        self._left -= 1

    def window(self) -> float | None:
        """Seconds of the next visit's window; None if it would end too late."""
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
        """Time a visit, to plan those that follow."""
        began = self._clock()
        yield
        self._beside.append(max(0.0, self._clock() - began - window))
        self._left -= 1
