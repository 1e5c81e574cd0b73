"""One figure from several seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.record.intervals import student_half_width
from ssl_benchmarks.record.learned import UNCONVERGED
from ssl_benchmarks.record.quantity import Quantity, flaws, joined, unavailable


def over_seeds(outcomes: Sequence[Outcome], metric: str) -> Quantity:
    """Mean of a rate over seeds. Seeds whose head did not converge are left out, unless none converged; the note says so.

    The half-width of the 95 % interval is the mean half-width over test speakers and utterances (equal for every seed,
    so it does not shrink with their number) and Student's over the seeds, added in quadrature.
    """
    known = [o for o in outcomes if o.rates[metric].value is not None]
    if not known:
        first = outcomes[0].rates[metric]
        return unavailable(first.unit, first.note)
    usable = [o for o in known if o.converged is not False] or known
    note = joined(_left_out(outcomes, usable), usable[0].rates[metric].note)
    rates = [o.rates[metric] for o in usable]
    if len(rates) == 1:
        only = rates[0]
        return Quantity(only.value, only.unit, only.method, only.ci95, only.n, note, only.flaw)
    values = [rate.value for rate in rates if rate.value is not None]
    mean = statistics.fmean(values)
    halves = [(rate.ci95[1] - rate.ci95[0]) / 2 for rate in rates if rate.ci95 is not None]
    half = math.hypot(statistics.fmean(halves) if halves else 0.0, student_half_width(values))
    spread = f"mean of {len(values)} seeds: {', '.join(f'{100 * value:.1f}' for value in values)} %"
    return Quantity(
        mean, rates[0].unit, rates[0].method, (mean - half, mean + half), rates[0].n, f"{spread}; {note}", flaws(rates)
    )


def _left_out(outcomes: Sequence[Outcome], usable: Sequence[Outcome]) -> str:
    """The remarks on heads that did not converge and on seeds without a rate."""
    failed = sum(o.converged is False for o in outcomes)
    parts = []
    if all(o.converged is False for o in usable):
        parts.append(f"{UNCONVERGED}{f' in any of {failed} seeds' if failed > 1 else ''}")
    elif failed:
        parts.append(f"{failed} of {len(outcomes)} seeds {UNCONVERGED}, left out of the mean")
    missing = len(outcomes) - failed - sum(o.converged is not False for o in usable)
    if missing > 0:
        parts.append(f"{missing} of {len(outcomes)} seeds have no rate")
    return "; ".join(parts)
