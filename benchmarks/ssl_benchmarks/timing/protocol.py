"""How a step is measured: warmed up until it is steady, then timed in repeats with a rest between them."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from ssl_benchmarks.timing.stopwatch import Between, Call, Stopwatch

FEWEST_IN_MEDIAN = 3
FEWEST_IN_WARM_UP = 2


@dataclass(frozen=True)
class Protocol:
    """How long, how often, and when a step counts as warm.

    Attributes:
        duration: s of one repeat.
        repeats: how many.
        cool_down: s of rest between two repeats.
        window: s; the calls of the last window are held against those of the window before.
        tolerance: relative difference of the two windows' medians below which the step is steady.
        warm_up_limit: s after which it is measured all the same.
        fewest_calls: in a repeat, however long they take.
    """

    duration: float = 10.0
    repeats: int = 5
    cool_down: float = 1.0
    window: float = 0.5
    tolerance: float = 0.03
    warm_up_limit: float = 30.0
    fewest_calls: int = 2


@dataclass(frozen=True)
class WarmUp:
    """How the warm-up went.

    Attributes:
        calls: done.
        seconds: in them.
        drift: between the medians of the last two windows, as a share; None where there were too few calls for two.
        steady: whether it ended because the drift was within the tolerance.
    """

    calls: int
    seconds: float
    drift: float | None
    steady: bool

    @property
    def note(self) -> str:
        """In words."""
        after = f"{self.calls} warm-up calls in {self.seconds:.1f} s"
        if self.drift is None:
            return f"{after}, too few to compare two windows"
        return f"{'steady' if self.steady else 'NOT STEADY'} after {after}, last drift {self.drift:.1%}"


def warm_up(step: Call, protocol: Protocol, watch: Stopwatch, between: Between) -> WarmUp:
    """Call until the median of the last window differs from that of the window before by no more than the tolerance.

    A window is the fewest calls that fill `protocol.window` seconds, at least three. At `protocol.warm_up_limit` it ends,
    after two calls at the least.
    """
    times: list[float] = []
    start = watch.clock()
    while True:
        times.append(watch.call(step))
        between(times)
        seconds, drift = watch.clock() - start, drift_of(times, protocol.window)
        if drift is not None and drift <= protocol.tolerance:
            return WarmUp(len(times), seconds, drift, steady=True)
        if seconds >= protocol.warm_up_limit and len(times) >= FEWEST_IN_WARM_UP:
            return WarmUp(len(times), seconds, drift, steady=False)


def drift_of(times: list[float], window: float) -> float | None:
    """Relative difference of the medians of the last two windows of calls; None where there are not two."""
    last = _window(times, window)
    before = _window(times[: len(times) - len(last)], window)
    if not last or not before:
        return None
    old, new = median(before), median(last)
    return abs(new - old) / old if old else None


def _window(times: list[float], seconds: float) -> list[float]:
    """The fewest last calls that fill `seconds`, at least three; empty where there are too few."""
    total = 0.0
    for count, time in enumerate(reversed(times), start=1):
        total += time
        if total >= seconds and count >= FEWEST_IN_MEDIAN:
            return times[-count:]
    return []
