"""Seconds of a call over several repeats: a quantile, and an interval that the repeats vouch for."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from functools import cache

import numpy as np

from ssl_benchmarks.record.quantity import Quantity

CONFIDENCE = 0.95
FEWEST_REPEATS = 3
Interval = tuple[float, float]


def call_quantile(repeats: Sequence[Sequence[float]], share: float) -> Quantity:
    """The quantile `share` in s of all calls of all repeats, with its 95 % interval.

    The interval is the hull of two. Order statistics over all calls (`order_interval`) take the calls as independent;
    those of one repeat are not, since they share its clocks, its temperature and its neighbours. So Student's interval
    over the repeats' own quantiles (`repeat_interval`) is joined to it. Simulated in the tests: of the median of three
    repeats that part by 3 % it covers 96 %, where order statistics alone cover an eighth. Too few calls for order statistics
    (6 for the median, 72 for the 95th percentile): no interval.
    """
    calls = sorted(second for repeat in repeats for second in repeat)
    value = float(np.quantile(calls, share))
    inner = order_interval(calls, share)
    if inner is None:
        return Quantity(value, "s", "measured", None, len(calls), f"{len(calls)} calls are too few for an interval")
    outer = repeat_interval([float(np.quantile(repeat, share)) for repeat in repeats])
    few = len(repeats) < FEWEST_REPEATS
    note = (
        f"{len(repeats)} of at least {FEWEST_REPEATS} repeats: how they scatter is not in the interval" if few else ""
    )
    low, high = hull((value, value), inner, outer)
    return Quantity(value, "s", "measured", (low, high), len(calls), note)


def order_interval(ordered: Sequence[float], share: float) -> Interval | None:
    """At least 95 % for the quantile `share` of independent draws; None where there are too few of them.

    X(l) to X(u) holds it unless the number of draws below it, Binomial(n, share), is under l or at least u
    (David and Nagaraja, Order Statistics, 7.1).
    """
    n = len(ordered)
    low, high = _orders(n, share)
    return None if low < 1 or high > n else (ordered[low - 1], ordered[high - 1])


@cache
def _orders(n: int, share: float) -> tuple[int, int]:
    """The ranks l and u of `n` draws."""
    from scipy.stats import binom

    return int(binom.ppf((1 - CONFIDENCE) / 2, n, share)), int(binom.ppf((1 + CONFIDENCE) / 2, n, share)) + 1


def repeat_interval(values: Sequence[float]) -> Interval | None:
    """Student's 95 % interval of the mean over three repeats or more; of two the two themselves, of one None.

    On the log scale, so that a rate and its inverse tell the same and no end is negative. Two would give an interval
    13 times as wide as they are apart.
    """
    if len(values) < FEWEST_REPEATS:
        return (min(values), max(values)) if len(values) == 2 else None
    logs = [math.log(value) for value in values]
    mean, half = statistics.fmean(logs), student_half_width(logs)
    return math.exp(mean - half), math.exp(mean + half)


def student_half_width(values: Sequence[float]) -> float:
    """Half the 95 % interval of the mean of at least two values, by Student's t."""
    return _student(len(values) - 1) * deviation(values) / math.sqrt(len(values))


def deviation(values: Sequence[float]) -> float:
    """Of a sample of at least two, as `statistics.stdev` has it, which reckons in fractions and takes ten times as long."""
    mean = statistics.fmean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


@cache
def _student(freedom: int) -> float:
    """The quantile of Student's t."""
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, freedom))


def hull(*intervals: Interval | None) -> Interval:
    """The shortest interval that holds all of those that there are."""
    known = [interval for interval in intervals if interval is not None]
    return min(low for low, _ in known), max(high for _, high in known)


def inverse(seconds: Quantity, amount: float, unit: str) -> Quantity:
    """`amount` over a time that was measured: audio seconds a second from seconds a call."""
    if not seconds.value:
        raise ValueError("a call that took no time has no rate")
    ends = seconds.ci95
    ci95 = None if ends is None else (amount / ends[1], amount / ends[0])
    return Quantity(amount / seconds.value, unit, seconds.method, ci95, seconds.n, seconds.note, seconds.flaw)
