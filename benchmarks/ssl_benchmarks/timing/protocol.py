"""The measuring protocol: warm-up until the step is steady, then timed repeats with rests in between."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from ssl_benchmarks.timing.stopwatch import Between, Call, Stopwatch

FEWEST_IN_MEDIAN = 3
FEWEST_IN_WARM_UP = 2


@dataclass(frozen=True)
class Protocol:
    """The duration and number of repeats, and the criterion for a warm step.

    Attributes:
        duration: length of one repeat in s.
        repeats: their number.
        cool_down: rest between two repeats in s.
        window: length in s of the windows that are compared during warm-up.
        tolerance: relative difference between the medians of the last two windows up to which the step is steady.
        warm_up_limit: warm-up time in s after which the step is measured anyway.
        fewest_calls: fewest calls in a repeat, however long they take.
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
    """The course of a warm-up.

    Attributes:
        calls: number of calls.
        seconds: their total duration in s.
        drift: relative difference between the medians of the last two windows; None with too few calls for two.
        steady: whether it ended with the drift within the tolerance.
    """

    calls: int
    seconds: float
    drift: float | None
    steady: bool

    @property
    def note(self) -> str:
        """The course in words."""
        after = f"{self.calls} warm-up calls in {self.seconds:.1f} s"
        if self.drift is None:
            return f"{after}, too few to compare two windows"
        return f"{'steady' if self.steady else 'NOT STEADY'} after {after}, last drift {100 * self.drift:.1f} %"


def warm_up(step: Call, protocol: Protocol, watch: Stopwatch, between: Between) -> WarmUp:
    """Call until the median of the last window differs from that of the window before by no more than the tolerance.

    A window is the fewest calls that fill `protocol.window` seconds, at least three. The warm-up ends at
    `protocol.warm_up_limit`, but not before two calls.
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
    """Relative difference between the medians of the last two windows of calls; None if there are not two."""
    last = _window(times, window)
    before = _window(times[: len(times) - len(last)], window)
    if not last or not before:
        return None
    old, new = median(before), median(last)
    return abs(new - old) / old if old else None


def _window(times: list[float], seconds: float) -> list[float]:
    """The fewest last calls that fill `seconds`, at least three; empty if there are too few."""
    total = 0.0
    for count, time in enumerate(reversed(times), start=1):
        total += time
        if total >= seconds and count >= FEWEST_IN_MEDIAN:
            return times[-count:]
    return []
