"""One model's figure divided by another's, with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from ssl_benchmarks.comparing.rounds import HARDWARE, Repeated, student_on_logs
from ssl_benchmarks.record.flaws import FEWEST_SOUND
from ssl_benchmarks.record.intervals import Interval, hull
from ssl_benchmarks.record.quantity import Quantity, flaws, joined, unavailable, weakest


def paired_ratio(
    ours: Sequence[Quantity | None], theirs: Sequence[Quantity | None], of: Repeated = "rounds"
) -> Quantity:
    """The geometric mean of our figure divided by theirs within each round; Student's 95 % interval over rounds.

    Drift of clocks or temperature between rounds affects both and cancels. Logs are assumed normal; simulated in the
    tests. Where several sets of processes measured, they take the place of rounds; see `by_processes`. Rounds in which either figure has a flaw are left out if enough remain. With only one common round: `ratio`
    of its two figures.
    """
    known, pairs = kept_pairs(ours, theirs)
    if not known:
        return _missing([q for q in (*ours, *theirs) if q is not None])
    if len(pairs) == 1:
        return ratio(*pairs[0])
    values = [found.value for found in map(ratio, *zip(*pairs, strict=True)) if found.value is not None]
    method = weakest(*(q.method for pair in pairs for q in pair))
    ci95 = student_on_logs(values) if method in HARDWARE else None
    left_out = f"{len(known) - len(pairs)} of {len(known)} left out (flawed)" if len(pairs) < len(known) else ""
    unknown = "" if ci95 else f"no interval ({method})"
    note = joined(f"paired in {len(values)} {of}", left_out, unknown)
    flaw = flaws(q for pair in pairs for q in pair)
    return Quantity(math.exp(sum(map(math.log, values)) / len(values)), "1", method, ci95, len(values), note, flaw)


Pairs = list[tuple[Quantity, Quantity]]


def kept_pairs(ours: Sequence[Quantity | None], theirs: Sequence[Quantity | None]) -> tuple[Pairs, Pairs]:
    """The pairs in which both have a value, and those of them that a ratio uses: the sound ones, if there are enough."""
    known = [(a, b) for a, b in zip(ours, theirs, strict=True) if a and b and a.value and b.value]
    unflawed = [pair for pair in known if not flaws(pair)]
    return known, unflawed if len(unflawed) >= FEWEST_SOUND else known


def ratio(ours: Quantity, theirs: Quantity) -> Quantity:
    """Quotient of two figures with independent errors: half-widths (of logs) are added in quadrature, end by end.

    Delta method on logs. The quotient of two counts is exact and has no interval; nor has that of a figure without one.
    """
    if not ours.value or not theirs.value:
        return _missing([ours, theirs])
    value, method = ours.value / theirs.value, weakest(ours.method, theirs.method)
    ends = [_log_ends(q) for q in (ours, theirs)]
    if method == "analytic" or ends[0] is None or ends[1] is None:
        note = "" if method == "analytic" else "no interval: not known for both"
        return Quantity(value, "1", method, None, None, note, flaws((ours, theirs)))
    (a_low, a_high), (b_low, b_high) = ends[0], ends[1]
    ci95 = (value * math.exp(-math.hypot(a_low, b_high)), value * math.exp(math.hypot(a_high, b_low)))
    return Quantity(value, "1", method, ci95, None, "not paired: errors assumed independent", flaws((ours, theirs)))


def ratio_of_largest(
    ours: Sequence[Quantity | None], theirs: Sequence[Quantity | None], of: Repeated = "rounds"
) -> Quantity:
    """Quotient of the largest figures on each side; its interval contains it and the interval of `paired_ratio`."""
    values = [[q.value for q in side if q and q.value] for side in (ours, theirs)]
    paired = paired_ratio(ours, theirs, of)
    if paired.value is None:
        return paired
    value = max(values[0]) / max(values[1])
    ci95 = None if paired.ci95 is None else hull((value, value), paired.ci95)
    return replace(paired, value=value, ci95=ci95, note=f"ratio of the largest; {paired.note}")


def _log_ends(quantity: Quantity) -> Interval | None:
    """Distances of an interval's ends from the value, as logs; a counted figure has no error."""
    if quantity.method == "analytic":
        return 0.0, 0.0
    if quantity.ci95 is None or quantity.value is None or quantity.ci95[0] <= 0:
        return None
    return math.log(quantity.value / quantity.ci95[0]), math.log(quantity.ci95[1] / quantity.value)


def _missing(found: Sequence[Quantity]) -> Quantity:
    reasons = dict.fromkeys(q.note for q in found if q.value is None)
    return unavailable("1", "; ".join(reasons) or "the two models have no number in common")
