"""How much processes of one model differ, estimated from all models of a session rather than from the few sets of one pair."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ssl_benchmarks.record.intervals import deviation, student
from ssl_benchmarks.record.quantity import Quantity, joined

MOST_PRIOR = 4
"""Degrees of freedom that the estimate from all models counts for at most, beside those of the pair."""
FEWEST_MODELS = 3


@dataclass(frozen=True)
class Residual:
    """What the processes of all models say.

    Attributes:
        variance: of a model's log from one set of processes to the next; see `residual_variance`.
        freedom: degrees of freedom beyond those of a pair of models, `MOST_PRIOR` at most.
    """

    variance: float
    freedom: int


def residual_of(logs: Sequence[Sequence[float]]) -> Residual:
    """From logs by model and set, at least `FEWEST_MODELS` and two of them."""
    models, sets = len(logs), len(logs[0])
    return Residual(residual_variance(logs), min(MOST_PRIOR, (models - 2) * (sets - 1)))


def residual_variance(logs: Sequence[Sequence[float]]) -> float:
    """Variance that remains in logs by model and set of processes once each model's and each set's own mean is taken out.

    The error of a two-way layout without repetition, with (models - 1)(sets - 1) degrees of freedom: what a model's processes
    add to a model's rate and a set's common state.

    Args:
        logs: a row for each model, a column for each set; at least two of each.
    """
    of_models, of_sets = (
        [statistics.fmean(row) for row in logs],
        [statistics.fmean(each) for each in zip(*logs, strict=True)],
    )
    grand = statistics.fmean(of_models)
    squares = (
        (x - a - b + grand) ** 2
        for row, a in zip(logs, of_models, strict=True)
        for x, b in zip(row, of_sets, strict=True)
    )
    return math.fsum(squares) / ((len(of_models) - 1) * (len(of_sets) - 1))


def moderated(ratio: Quantity, pairs: Sequence[float], residual: Residual) -> Quantity:
    """A ratio over sets of processes with an interval whose variance is the pair's own, moderated by that of all models.

    Student's interval of two or three sets is four to thirteen times as wide as their scatter, because a variance is hardly
    known from so few. The variance used is the mean of the pair's and of twice the `residual`, weighted by degrees of freedom
    (at most `MOST_PRIOR` for the latter), as in moderated t statistics (Smyth 2004). It assumes that processes of different models differ
    by similar shares; coverage where they do not is simulated in the tests.

    Args:
        ratio: with Student's interval over the pairs.
        pairs: logs of the ratio in each set.
        residual: of all models of the session.
    """
    own, freedom = deviation(pairs) ** 2, len(pairs) - 1
    variance = (residual.freedom * 2 * residual.variance + freedom * own) / (residual.freedom + freedom)
    half = student(residual.freedom + freedom) * math.sqrt(variance / len(pairs))
    mean = statistics.fmean(pairs)
    note = joined(ratio.note, "variance moderated by that of all models")
    return replace(ratio, ci95=(math.exp(mean - half), math.exp(mean + half)), note=note)
