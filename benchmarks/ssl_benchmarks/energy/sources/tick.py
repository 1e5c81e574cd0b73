"""The update interval of a counter, which limits the precision of a short window."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GAPS = 2
POLL_S = 0.001


@dataclass(frozen=True)
class Tick:
    """The longest time in s between two updates of a counter, and its smallest step in J."""

    seconds: float
    joules: float


@dataclass
class _Watch:
    last: float | None = None
    looked_s: float = 0.0
    moved_s: float | None = None
    gaps: list[float] = field(default_factory=list)
    moves: list[float] = field(default_factory=list)

    def see(self, now_s: float, joules: float | None) -> None:
        if joules is None:
            return
        if self.last is not None and joules != self.last:
            if self.moved_s is not None:
                self.gaps.append(now_s - self.moved_s)
                self.moves.append(joules - self.last)
            # If this look came late, the counter may have moved as early as an on-time look would have seen.
            self.moved_s = min(now_s, self.looked_s + POLL_S)
        self.last, self.looked_s = joules, now_s


def find_ticks(
    counters: Sequence[Callable[[], float | None]],
    limit_s: float = 0.5,
    clock: Callable[[], float] = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Tick | None]:
    """Watch counters (in J) until each has moved often enough, all at once; None for any that did not within `limit_s`."""
    watches = [_Watch() for _ in counters]
    end = clock() + limit_s
    while clock() < end and any(len(watch.gaps) < GAPS for watch in watches):
        for counter, watch in zip(counters, watches, strict=True):
            watch.see(clock(), counter())
        sleep(POLL_S)
    return [Tick(max(watch.gaps), min(watch.moves)) if watch.gaps else None for watch in watches]
