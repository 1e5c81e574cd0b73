"""Energy from what another tool sampled over time: the integral of power, or the difference of a counter."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from ssl_benchmarks.record.flaws import PARTLY_SAMPLED, flawed
from ssl_benchmarks.record.quantity import Method, Quantity, joined, unavailable
from ssl_models.errors import BadInputError

Sample = tuple[float, float]
"""Seconds since 1970 and a value."""
Span = tuple[float, float]
"""Begin and end of a run in seconds since 1970."""
LONGEST_GAP = 3.0
"""Intervals, beyond which the power between two samples counts as unknown."""
ENOUGH = 0.95
"""The share of the time that samples must cover."""
EVERY_GPU = "all GPUs of the machine, used or not"


@dataclass(frozen=True)
class _Sampled:
    """Joules of one device, how often it was sampled, the usual seconds between samples, and the seconds that they cover."""

    joules: float
    samples: int
    interval: float
    covered: float


def integrated(devices: Mapping[str, Iterable[Sample]], span: Span, said: str, whose: str = "") -> Quantity:
    """Joules of devices together from the power of each in W.

    The integral is a sum of trapezoids between samples; the first and the last are held for one interval at most, which is
    the median time between samples. Where more than `LONGEST_GAP` intervals pass without a sample, only half an interval
    around each neighbour counts. The note has the samples, the share of the time that they cover, and `whose` they are;
    below `ENOUGH` the figure is flawed, since what is not covered adds nothing.

    Raises:
        BadInputError: for a negative or an infinite power.
    """
    return _together(
        {name: _integral(name, _within(samples, span), span) for name, samples in devices.items()},
        span,
        said,
        whose,
        "sampled",
    )


def counted(devices: Mapping[str, Iterable[Sample]], span: Span, said: str, whose: str = "") -> Quantity:
    """Joules of devices together from samples of each one's energy counter in J: from the first sample to the last.

    The note and the flaw are those of `integrated`. A counter that goes back has no difference.

    Raises:
        BadInputError: for a negative or an infinite energy.
    """
    return _together(
        {name: _difference(name, _within(samples, span)) for name, samples in devices.items()},
        span,
        said,
        whose,
        "measured",
    )


def _together(found: Mapping[str, _Sampled], span: Span, said: str, whose: str, method: Method) -> Quantity:
    rare = next((name for name, each in found.items() if not each.covered), None)
    if rare is not None or not found:
        return unavailable("J", f"{said}: too few samples of {rare or 'power'}")
    covered = min(each.covered for each in found.values()) / (span[1] - span[0])
    fewest, interval = min(each.samples for each in found.values()), max(each.interval for each in found.values())
    name = next(iter(found)) if len(found) == 1 else f"each of {len(found)} devices"
    note = f"{said}: {fewest:,} samples of {name}, {interval:.3g} s apart, over {100 * covered:.0f} % of the time"
    energy = Quantity(sum(each.joules for each in found.values()), "J", method, note=joined(note, whose))
    return energy if covered >= ENOUGH else flawed(energy, PARTLY_SAMPLED)


def _within(samples: Iterable[Sample], span: Span) -> list[Sample]:
    return sorted(sample for sample in samples if span[0] <= sample[0] <= span[1] and not math.isnan(sample[1]))


def _interval(name: str, known: Sequence[Sample]) -> float:
    """The median time between samples, 0 for fewer than two.

    Raises:
        BadInputError: for a value that is negative or infinite.
    """
    if wrong := next((value for _, value in known if not 0 <= value < math.inf), None):
        raise BadInputError(f"{name}: {wrong:g} is not a finite number of at least 0")
    return median(later[0] - earlier[0] for earlier, later in pairwise(known)) if len(known) > 1 else 0.0


def _difference(name: str, known: Sequence[Sample]) -> _Sampled:
    interval = _interval(name, known)
    if not interval or any(later[1] < earlier[1] for earlier, later in pairwise(known)):
        return _Sampled(0.0, len(known), 0.0, 0.0)
    return _Sampled(known[-1][1] - known[0][1], len(known), interval, known[-1][0] - known[0][0])


def _integral(name: str, known: Sequence[Sample], span: Span) -> _Sampled:
    begin, end = span
    interval = _interval(name, known)
    if not interval:
        return _Sampled(0.0, len(known), 0.0, 0.0)
    (first, at_first), (last, at_last) = known[0], known[-1]
    pieces = [(min(first - begin, interval), at_first), (min(end - last, interval), at_last)]
    for (earlier, one), (later, other) in pairwise(known):
        gap = later - earlier
        pieces.append((gap if gap <= LONGEST_GAP * interval else interval, (one + other) / 2))
    joules = sum(seconds * watts for seconds, watts in pieces)
    return _Sampled(joules, len(known), interval, sum(seconds for seconds, _ in pieces))
