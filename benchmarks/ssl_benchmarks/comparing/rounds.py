"""One figure from several rounds, in each of which every model was measured once, in its own process."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Literal

from ssl_benchmarks.record.flaws import sound
from ssl_benchmarks.record.intervals import Interval, deviation, hull, student_half_width
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity, added, joined, weakest
from ssl_benchmarks.record.record import Conditions, Measurement

Cell = tuple[str, str]
"""Model and phase."""

HARDWARE = ("measured", "sampled")

Repeated = Literal["rounds", "processes"]
"""What independent observations of a figure are: rounds, or the processes of which each measured several rounds."""


def order_of(cells: Sequence[Cell], seed: int, number: int) -> list[Cell]:
    """The order of a round, drawn with the seed, so that no model always follows the same one."""
    drawn = list(cells)
    random.Random(f"{seed} {number}").shuffle(drawn)  # noqa: S311 - an order, not a secret
    return drawn


def student_on_logs(values: Sequence[float]) -> Interval:
    """Student's 95 % interval of the geometric mean of at least two positive values.

    On the log scale, a rate and its inverse agree. Two values have one degree of freedom, which makes the interval 13
    times as wide as their distance: two rounds support no more.
    """
    logs = [math.log(value) for value in values]
    return _from_logs(statistics.fmean(logs), student_half_width(logs))


def _from_logs(mean: float, half: float) -> Interval:
    """The ends of an interval of logs, the upper one limited to the largest float."""
    return math.exp(mean - half), math.exp(min(mean + half, 700.0))


def over_rounds(found: Sequence[Quantity], of: Repeated = "rounds") -> Quantity:
    """Geometric mean over rounds; the interval is the union of Student's over rounds and the mean within-round interval.

    The within-round interval is included because a counter's error may be the same in every round; for one round it is
    the only one. A modelled value has none: the error of its model does not show as variance. Rounds with a flaw are
    left out if enough remain.
    """
    known, left_out, flaw = sound([q for q in found if q.value is not None and q.value > 0])
    if not known:
        return found[0]
    if len(known) == 1:
        return replace(
            known[0], n=1, note=joined(known[0].note, "one round only: the interval excludes between-round variance")
        )
    values = [q.value for q in known if q.value is not None]
    value, method = math.exp(statistics.fmean(map(math.log, values))), weakest(*(q.method for q in known))
    note = joined(f"geometric mean of {len(known)} {of}", left_out, *_common_notes(known), _not_steady(known))
    if method not in HARDWARE:
        scatter = deviation([math.log(value) for value in values])
        note = joined(note, f"standard deviation of {of} {100 * scatter:.1f} %; the model's own error is unknown")
        return Quantity(value, known[0].unit, method, None, len(known), note, flaw)
    ci95 = hull((value, value), student_on_logs(values), _own(known, values, value))
    return Quantity(value, known[0].unit, method, ci95, len(known), note, flaw)


def over_processes(found: Sequence[Quantity]) -> Quantity:
    """Geometric mean over processes that measured the same, with an interval for the median of repeated runs.

    The processes of one run share the state of the machine at that time; another run does not. Runs are assumed to
    differ as much as the processes of one run. So the interval is the union of the processes' own and Student's on
    logs with sqrt(1 + 1/n) standard deviations per side, not 1/sqrt(n). Coverage is simulated in the tests. For two
    processes it is 22 times as wide as their distance; for one there is only its own.
    """
    mean = over_rounds(found, "processes")
    kept, _, _ = sound([q for q in found if q.value is not None and q.value > 0])
    values = [math.log(q.value) for q in kept if q.value is not None]
    if len(values) < 2:
        few = "one process only: the interval excludes variance between repeated runs"
        return replace(mean, note=joined(*(part for part in mean.note.split("; ") if "one round" not in part), few))
    if mean.ci95 is None or mean.value is None:
        return mean
    half = student_half_width(values) * math.sqrt(len(values) + 1)
    return replace(mean, ci95=hull(mean.ci95, _from_logs(math.log(mean.value), half)))


def largest(found: Sequence[Quantity]) -> Quantity:
    """The largest of all rounds; the first if none has a value."""
    known = [q for q in found if q.value is not None]
    if not known:
        return found[0]
    most = max(known, key=lambda q: q.value or 0.0)
    return most if len(known) == 1 else replace(most, n=len(known), note=joined(f"largest of {len(known)} rounds", most.note))  # fmt: skip


def by_processes(rounds: Sequence[Sequence[Measurement]], processes: Sequence[int]) -> list[Sequence[Measurement]]:
    """One list of rows for each set of processes that measured; the rounds themselves where there was only one set.

    Two processes of the same model differ by some per cent for as long as they live, which no number of rounds shows: on a
    2-core machine three copies of one model, in 28 rounds, came out at ratios of 0.967 [0.950, 0.985] and 0.966 [0.952,
    0.980]. So the processes are the independent observations, and their rounds are averaged first.

    Args:
        rounds: the rows of each.
        processes: the number of the set of processes that measured each round.
    """
    if len(set(processes)) < 2:
        return list(rounds)
    sets = {
        number: [rows for rows, own in zip(rounds, processes, strict=True) if own == number] for number in processes
    }
    return [combined(measured) for measured in sets.values()]


def combined(
    rounds: Iterable[Sequence[Measurement]], *, repeats: bool = False, of: Repeated = "rounds"
) -> list[Measurement]:
    """One row for each metric, scope and set of conditions of a cell's rounds, in order of first occurrence.

    Times, energy and power are averaged, memory is the largest, counts are those of the first round. Rounds that are
    `repeats` of one measurement in separate processes get intervals that cover a further run's figure, and their energy
    and time are added up.
    """
    groups: dict[tuple[str, str, str | None, str | None, Conditions], list[Quantity]] = {}
    for rows in rounds:
        for row in rows:
            key = (row.model, row.metric, row.phase, row.scope, row.conditions)
            groups.setdefault(key, []).append(row.quantity)
    return [
        Measurement(model, metric, _one(metric, found, of, repeats=repeats), phase, scope, held)
        for (model, metric, phase, scope, held), found in groups.items()
        if repeats or METRICS[metric].over_rounds != "sum"
    ]


def relative_half_width(quantity: Quantity | None) -> float | None:
    """Half the 95 % interval as a share of the value; None without an interval, or with one beyond all measure."""
    if quantity is None or not quantity.value or quantity.ci95 is None:
        return None
    half = (quantity.ci95[1] - quantity.ci95[0]) / 2 / quantity.value
    return half if math.isfinite(100 * half) else None  # shown in per cent


def _one(metric: str, found: Sequence[Quantity], of: Repeated, *, repeats: bool) -> Quantity:
    match METRICS[metric].over_rounds:
        case "mean":
            return over_processes(found) if repeats else over_rounds(found, of)
        case "sum":
            return added({f"repeat {number}": q for number, q in enumerate(found, start=1)}, found[0].unit)
        case "largest":
            return largest(found)
        case "same":
            return found[0]


def _own(known: Sequence[Quantity], values: Sequence[float], value: float) -> Interval | None:
    """The within-round intervals about the mean, their relative ends averaged; None if a round has none."""
    ends = [(q.ci95[0] / each, q.ci95[1] / each) for q, each in zip(known, values, strict=True) if q.ci95 is not None]
    if len(ends) < len(known):
        return None
    return value * statistics.fmean(low for low, _ in ends), value * statistics.fmean(high for _, high in ends)


def _common_notes(known: Sequence[Quantity]) -> list[str]:
    """The parts of a note that all rounds share, without remarks about a round's own repeats."""
    parts = known[0].note.split("; ")
    return [part for part in parts if "repeat" not in part and all(part in q.note.split("; ") for q in known)]


def _not_steady(known: Sequence[Quantity]) -> str:
    count = sum("NOT STEADY" in q.note for q in known)
    return f"warm-up NOT STEADY in {count} of {len(known)} rounds" if count else ""
