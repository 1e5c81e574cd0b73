"""Error rates with a bootstrap interval over speakers and their utterances."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ssl_benchmarks.record.quantity import Quantity

RESAMPLES = 1_000


def pooled_rate(
    errors: Sequence[float], totals: Sequence[float], speakers: Sequence[str], *, seed: int, note: str = ""
) -> Quantity:
    """Sum of errors over sum of totals, with the 95 % percentile interval of a two-stage bootstrap.

    Each resample draws speakers with replacement, then utterances of each drawn speaker with replacement (A. Davison
    and D. Hinkley, Bootstrap Methods and their Application, section 3.8). With few speakers such an interval is too
    narrow.

    Raises:
        ValueError: if there is nothing to rate.
    """
    if not sum(totals):
        raise ValueError("nothing to rate")
    _, whose, sizes = np.unique(np.asarray(speakers), return_inverse=True, return_counts=True)
    order, firsts = np.argsort(whose, kind="stable"), np.cumsum(sizes) - sizes
    wrong, all_ = np.asarray(errors, float)[order], np.asarray(totals, float)[order]
    draw = np.random.default_rng(seed)
    rates = []
    for _ in range(RESAMPLES):
        drawn = draw.integers(0, len(sizes), len(sizes))
        owners = np.repeat(drawn, sizes[drawn])
        index = firsts[owners] + draw.integers(0, sizes[owners])
        if all_[index].any():  # a draw of nothing but empty utterances rates nothing
            rates.append(wrong[index].sum() / all_[index].sum())
    low, high = np.percentile(rates, [2.5, 97.5])
    value = float(wrong.sum() / all_.sum())
    # A skewed bootstrap may leave the estimate outside; the interval always covers it.
    ci95 = (min(float(low), value), max(float(high), value))
    return Quantity(value, "1", "measured", ci95, len(errors), note)
