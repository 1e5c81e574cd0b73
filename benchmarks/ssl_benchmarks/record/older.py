"""Rows of records that older versions wrote, as they would be written now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ssl_benchmarks.record.flaws import DISTURBED, NOT_STEADY, flawed
from ssl_benchmarks.record.learned import OLDER, older_verdict
from ssl_benchmarks.record.measurement import Measurement
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity, joined

Rows = tuple[Measurement, ...]


def as_now(rows: Rows) -> Rows:
    """The rows with the verdicts and the methods that they would have now."""
    found = {_rated(row, row.model): row.quantity for row in rows}

    def now(row: Measurement) -> Measurement:
        q = row.quantity
        if OLDER in q.note:
            whose = (row.model, row.model.partition(" (")[0])
            twins = (found.get(_rated(row, f"{model} (untrained)")) for model in whose)
            verdict = older_verdict(q, next(filter(None, twins), None), row.metric)
            rest = (part for part in q.note.split("; ") if part != OLDER)
            return replace(row, quantity=replace(q, note=joined(verdict, *rest)))
        if row.metric == "memory_activations" and q.method == "analytic":  # the measured peak less what was counted
            return replace(
                row, quantity=replace(q, method="measured", note=q.note.replace(" optimizer:", " optimiser state:"))
            )
        return row

    return tuple(map(now, rows))


def _rated(row: Measurement, model: str) -> tuple[object, ...]:
    c = row.conditions
    return model, row.metric, row.phase, row.scope, c.task, c.head, c.tested_on


def with_flaws(rows: Rows, disturbances: Iterable[str]) -> Rows:
    """Rows from before rows had flaws: taken from their notes and from the record's list of disturbances.

    A step that was not steady passes the flaw on to whatever was timed and metered of it, and to projections.
    """
    parts = tuple(disturbances)
    unsteady = {_step(row) for row in rows if "NOT STEADY" in row.quantity.note}

    def flaws(row: Measurement) -> Sequence[str]:
        timed = METRICS[row.metric].disturbable
        restless = (timed and _step(row) in unsteady) or "NOT STEADY" in row.quantity.note
        return DISTURBED * (timed and _disturbed(row, parts)), NOT_STEADY * restless

    return tuple(replace(row, quantity=flawed(_without_interval(row), *flaws(row))) for row in rows)


def _step(row: Measurement) -> tuple[object, ...]:
    return row.model, row.phase, row.conditions.clip_seconds, row.conditions.batch_seconds


def _disturbed(row: Measurement, parts: Sequence[str]) -> bool:
    clip, batch = row.conditions.clip_seconds, row.conditions.batch_seconds
    names = (
        f"{row.model} {row.phase}",
        str(row.phase),
        f"clip-seconds={clip:g}" if clip else "\n",
        f"batch-seconds={batch:g}" if batch else "\n",
    )
    return any(part.startswith(names) for part in parts)


def _without_interval(row: Measurement) -> Quantity:
    """The quantity, without the interval of a modelled one."""
    modelled = row.quantity.method == "modelled" and (row.metric != "co2e" or "energy modelled" in row.quantity.note)
    return replace(row.quantity, ci95=None) if modelled else row.quantity
