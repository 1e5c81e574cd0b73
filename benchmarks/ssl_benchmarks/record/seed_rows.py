"""The rows of a study: each model's own, over its seeds."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ssl_benchmarks.record.intervals import student_half_width
from ssl_benchmarks.record.quantity import Quantity, flaws, joined, unavailable, weakest
from ssl_benchmarks.record.record import Conditions, Measurement, Record

Run = tuple[str, int]
"""Model and seed."""
UNTRAINED = (
    ("loss", "nat", None),
    ("audio_hours_seen", "h", None),
    ("duration", "s", None),
    ("energy", "J", "*"),
    ("energy_per_audio_hour", "J/h", "*"),
)
"""The metrics listed as missing for a model none of whose runs ended; "*" stands for the headline's scope."""


def study_rows(
    models: Sequence[str], finished: Mapping[Run, Record], failed: Mapping[Run, str], scope: str
) -> list[Measurement]:
    """One row for each model and each metric of its runs, over the seeds that finished; if none did, the row says why."""
    rows: list[Measurement] = []
    for model in models:
        records = {seed: record for (name, seed), record in finished.items() if name == model}
        reasons = {seed: reason for (name, seed), reason in failed.items() if name == model}
        rows += _over_seeds(model, records, reasons) if records else _missing(model, reasons, scope)
    return rows


def _over_seeds(model: str, records: Mapping[int, Record], reasons: Mapping[int, str]) -> list[Measurement]:
    groups: dict[tuple[str, str | None, str | None, Conditions], dict[int, Quantity]] = defaultdict(dict)
    for seed, record in records.items():
        for row in record.measurements:
            groups[row.metric, row.phase, row.scope, row.conditions].setdefault(seed, row.quantity)
    lost = "; ".join(f"seed {seed} failed: {reason}" for seed, reason in reasons.items())
    rows = []
    for (metric, phase, scope, conditions), quantities in groups.items():
        quantity = mean_over_seeds(quantities)
        note = joined(quantity.note, lost)
        rows.append(Measurement(model, metric, replace(quantity, note=note), phase, scope, conditions))
    return rows


def mean_over_seeds(quantities: Mapping[int, Quantity]) -> Quantity:
    """Mean with Student's 95 % interval over seeds, which covers differences between runs but no error that they share.

    One seed, or the same figure for all of them, keeps its own interval. A mean over fewer than all seeds is
    unavailable. A modelled figure has no interval, since its model's error is the same for every seed.
    """
    first = next(iter(quantities.values()))
    missing = {seed: q.note for seed, q in quantities.items() if q.value is None}
    if missing:
        reasons = dict.fromkeys(missing.values())
        of = "" if len(missing) == len(quantities) else f"of seed {', '.join(map(str, missing))}: "
        return unavailable(first.unit, of + "; ".join(reasons))
    values = [q.value for q in quantities.values() if q.value is not None]
    if len(set(values)) == 1:
        return replace(first, method=weakest(*(q.method for q in quantities.values())), flaw=flaws(quantities.values()))
    mean, half = statistics.fmean(values), student_half_width(values)
    each = ", ".join(f"{value:.4g} (seed {seed})" for seed, value in zip(quantities, values, strict=True))
    note = joined(f"mean of {each}", *dict.fromkeys(q.note for q in quantities.values()))
    method = weakest(*(q.method for q in quantities.values()))
    ci95 = None if method == "modelled" else (mean - half, mean + half)
    return Quantity(mean, first.unit, method, ci95, len(values), note, flaws(quantities.values()))


def _missing(model: str, reasons: Mapping[int, str], scope: str) -> list[Measurement]:
    reason = "; ".join(dict.fromkeys(reasons.values())) or "none of its runs was started"
    return [
        Measurement(model, metric, unavailable(unit, reason), "training", scope if part == "*" else None)
        for metric, unit, part in UNTRAINED
    ]
