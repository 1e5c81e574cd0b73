"""What an error rate shows of learning: whether the head converged, and whether training improved on random weights."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Sequence

from ssl_benchmarks.record.intervals import student_half_width
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity

FINAL = "final"
NOT_SHOWN = "not shown to be better than its own random weights"
WORSE = "worse than its own random weights"
BETTER = "better than its own random weights"
UNCONVERGED = "did not converge"
"""Notes of a rate begin with these, and tables mark them; they are final: nothing is chosen on the test set."""
DOUBTS = (UNCONVERGED, NOT_SHOWN, WORSE)
"""Those that are flaws of a rate."""
OLDER = "no better than its own random weights"
"""In records of older versions, `NOT_SHOWN` or `WORSE`, by the intervals of means alone."""
FEWEST_PAIRS = 3
"""Fewest seeds: the interval of two differences is 13 times as wide as their distance."""
SPREAD = re.compile(r"^mean of (\d+) seeds: ([\d., ]+) %$")
Interval = tuple[float, float]


def doubts(quantity: Quantity) -> list[str]:
    """What the note of a rate says against it."""
    parts = quantity.note.split("; ")
    return [doubt for doubt in DOUBTS if any(part.startswith(doubt) for part in parts)]


def against_random(
    trained: Quantity, random: Quantity, metric: str, pairs: Sequence[tuple[Quantity, Quantity]] = ()
) -> str:
    """The beginning of a trained model's note; empty where its interval alone shows that it is better, or a rate is missing.

    With `FEWEST_PAIRS` seeds, the interval of the difference paired by seed decides, since random weights differ between seeds
    by more than training adds; otherwise the two intervals do, by whether they overlap.

    Args:
        trained: the rate of the model, over its seeds.
        random: that of its own architecture with random weights.
        metric: its name, which says which way is better.
        pairs: the rates of both by seed, of the seeds whose heads converged.
    """
    if trained.value is None or random.value is None:
        return ""
    known = [(own, other) for own, other in pairs if own.value is not None and other.value is not None]
    paired = len(known) >= FEWEST_PAIRS
    low, high = _paired(known, metric) if paired else _gain(_ends(trained), _ends(random), metric)
    if low > 0:
        return _better(low, high, len(known)) if paired else ""
    return WORSE if high < 0 and UNCONVERGED not in random.note else NOT_SHOWN


def _better(low: float, high: float, seeds: int) -> str:
    ends = f"[{100 * low:.1f}, {100 * high:.1f}]"
    return f"{BETTER} by {50 * (low + high):.1f} percentage points {ends}, paired over {seeds} seeds"


def _paired(pairs: Sequence[tuple[Quantity, Quantity]], metric: str) -> Interval:
    """The 95 % interval of the gain of training, paired by seed.

    The half-width combines in quadrature Student's t half-width over the differences and the mean half-widths over test
    speakers of both, as if independent; both were tested on the same speech, so this is conservative.
    """
    gains = [_gain((own.value or 0.0,) * 2, (other.value or 0.0,) * 2, metric)[0] for own, other in pairs]
    speakers = [
        statistics.fmean((high - low) / 2 for low, high in map(_ends, side)) for side in zip(*pairs, strict=True)
    ]
    mean, half = statistics.fmean(gains), math.hypot(student_half_width(gains), *speakers)
    return mean - half, mean + half


def _gain(trained: Interval, random: Interval, metric: str) -> Interval:
    """How much better the first is than the second, at least and at most."""
    first, second = (random, trained) if METRICS[metric].better == "low" else (trained, random)
    return first[0] - second[1], first[1] - second[0]


def _ends(quantity: Quantity) -> Interval:
    return quantity.ci95 or (quantity.value or 0.0,) * 2


def older_verdict(trained: Quantity, random: Quantity | None, metric: str) -> str:
    """What stands now for `OLDER` in the note of a rate: the verdict from both rates, paired by seed as far as their notes allow.

    Notes round the rates of seeds, so that the verdict is known, but not by how much.
    """
    if random is None or random.value is None:
        return NOT_SHOWN
    own, other = _by_seed(trained), _by_seed(random)
    pairs = list(zip(own, other, strict=True)) if len(own) == len(other) else []
    said = against_random(trained, random, metric, pairs)
    return f"{BETTER}, paired over {len(pairs)} seeds" if said.startswith(BETTER) else said


def _by_seed(mean: Quantity) -> list[Quantity]:
    """The rates of the seeds that a note lists, each with the interval over test speakers that the mean's one contains.

    See `ssl_benchmarks.downstream.seeds.over_seeds`. None where a seed was left out, since the others cannot be paired then.
    """
    found = [match for part in mean.note.split("; ") if (match := SPREAD.match(part))]
    if not found or mean.ci95 is None or "left out" in mean.note:
        return []
    values = [float(value) / 100 for value in found[0][2].split(", ")]
    half = (mean.ci95[1] - mean.ci95[0]) / 2
    speakers = math.sqrt(max(0.0, half**2 - student_half_width(values) ** 2))
    return [Quantity(value, "1", mean.method, (value - speakers, value + speakers)) for value in values]
