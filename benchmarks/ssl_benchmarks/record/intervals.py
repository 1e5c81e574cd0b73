"""Seconds per call over several repeats: a quantile with an interval that covers the variance between repeats."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from functools import cache

from ssl_benchmarks.record.quantity import Quantity

CONFIDENCE = 0.95
FEWEST_REPEATS = 3
Interval = tuple[float, float]


def call_quantile(repeats: Sequence[Sequence[float]], share: float) -> Quantity:
    """The quantile `share` in s over all calls of all repeats, with its 95 % interval.

    The interval is the union of two. Order statistics over all calls (`order_interval`) assume independent calls, but
    those of one repeat share its clocks, its temperature and its neighbours. So it is joined to Student's interval
    over the repeats' own quantiles (`repeat_interval`). Simulated in the tests: for the median of three repeats that
    differ by 3 %, the union covers 96 %, order statistics alone an eighth. There is no interval with too few calls for
    order statistics (under 6 for the median, under 72 for the 95th percentile).
    """
    import numpy as np

    calls = sorted(second for repeat in repeats for second in repeat)
    value = float(np.quantile(calls, share))
    inner = order_interval(calls, share)
    if inner is None:
        return Quantity(value, "s", "measured", None, len(calls), f"{len(calls)} calls are too few for an interval")
    outer = repeat_interval([float(np.quantile(repeat, share)) for repeat in repeats])
    few = len(repeats) < FEWEST_REPEATS
    note = (
        f"only {len(repeats)} of {FEWEST_REPEATS} repeats: the interval excludes variance between repeats"
        if few
        else ""
    )
    low, high = hull((value, value), inner, outer)
    return Quantity(value, "s", "measured", (low, high), len(calls), note)


def order_interval(ordered: Sequence[float], share: float) -> Interval | None:
    """An interval with at least 95 % coverage for the quantile `share` of independent draws; None with too few of them.

    X(l) to X(u) contains the quantile unless the number of draws below it, Binomial(n, share), is under l or at least u
    (David and Nagaraja, Order Statistics, 7.1).
    """
    n = len(ordered)
    low, high = _orders(n, share)
    return None if low < 1 or high > n else (ordered[low - 1], ordered[high - 1])


@cache
def _orders(n: int, share: float) -> tuple[int, int]:
    """The ranks l and u for `n` draws."""
    from scipy.stats import binom

    return int(binom.ppf((1 - CONFIDENCE) / 2, n, share)), int(binom.ppf((1 + CONFIDENCE) / 2, n, share)) + 1


def repeat_interval(values: Sequence[float]) -> Interval | None:
    """Student's 95 % interval of the mean of three values or more; for two the values themselves, for one None.

    Computed on the log scale, so that a rate and its inverse agree and no end is negative. Student's interval of two
    values would be 13 times as wide as their distance.
    """
    if len(values) < FEWEST_REPEATS:
        return (min(values), max(values)) if len(values) == 2 else None
    logs = [math.log(value) for value in values]
    mean, half = statistics.fmean(logs), student_half_width(logs)
    return math.exp(mean - half), math.exp(mean + half)


def student_half_width(values: Sequence[float]) -> float:
    """Half the width of Student's 95 % interval of the mean of at least two values."""
    return student(len(values) - 1) * deviation(values) / math.sqrt(len(values))


def deviation(values: Sequence[float]) -> float:
    """Sample standard deviation of at least two values; ten times as fast as `statistics.stdev`, which uses fractions."""
    mean = statistics.fmean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


@cache
def student(freedom: int) -> float:
    """The 97.5 % quantile of Student's t."""
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, freedom))


def hull(*intervals: Interval | None) -> Interval:
    """The union of the given intervals (the shortest interval that contains them all); None entries are ignored."""
    known = [interval for interval in intervals if interval is not None]
    return min(low for low, _ in known), max(high for _, high in known)


def inverse(seconds: Quantity, amount: float, unit: str) -> Quantity:
    """`amount` divided by a measured time: audio seconds per second from seconds per call, say."""
    if not seconds.value:
        raise ValueError("a call that took no time has no rate")
    ends = seconds.ci95
    ci95 = None if ends is None else (amount / ends[1], amount / ends[0])
    return Quantity(amount / seconds.value, unit, seconds.method, ci95, seconds.n, seconds.note, seconds.flaw)
