"""Which of several rows fills a model's cell: the soundest, under the conditions that most models share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ssl_benchmarks.comparing.comparability import NOT_RECORDED, differences, told
from ssl_benchmarks.record.flaws import flawed
from ssl_benchmarks.record.quantity import METHODS
from ssl_benchmarks.record.record import Measurement


def chosen(candidates: Mapping[str, Sequence[Measurement]]) -> dict[str, Measurement]:
    """One row for each model that has any, by model.

    Rows with a value come first, then those of a run, then those measured under the conditions that most models share, then
    those without a flaw, then the stronger method; of equals, the one of the latest run.
    """
    shared = Counter(
        conditions
        for rows in candidates.values()
        for conditions in {
            _conditions(row) for row in rows if row.quantity.value is not None and not row.quantity.elsewhere
        }
    )

    def key(item: tuple[int, Measurement]) -> tuple[bool, bool, int, bool, int, int]:
        number, row = item
        q = row.quantity
        alike = 0 if q.elsewhere else shared[_conditions(row)]
        return q.value is None, q.elsewhere, -alike, bool(q.flaw), METHODS.index(q.method), -number

    return {model: min(enumerate(rows), key=key)[1] for model, rows in candidates.items() if rows}


def _conditions(row: Measurement) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(told(row).items()))


def marked(rows: Mapping[str, Measurement]) -> dict[str, Measurement]:
    """The rows of one column; each that was measured under other conditions than most says so as a flaw.

    Rows that share the conditions of the majority stay as they are, as do those from elsewhere and those without a value.
    """
    most = {d.condition: max(d.models, key=lambda value: len(d.models[value])) for d in differences(rows.values())}
    return {model: _marked(row, most) for model, row in rows.items()}


def _marked(row: Measurement, most: Mapping[str, str]) -> Measurement:
    if row.quantity.value is None or row.quantity.elsewhere:
        return row
    own = told(row)
    found = [
        _difference(name.replace("_", " "), own[name], most[name])
        for name in most
        if own.get(name, most[name]) != most[name]
    ]
    return replace(row, quantity=flawed(row.quantity, ", ".join(found)))


def _difference(condition: str, own: str, most: str) -> str:
    if most == NOT_RECORDED:
        return f"{condition} {own}, for most models not recorded"
    return (
        f"{condition} {own}, not {most}" if own != NOT_RECORDED else f"{condition} not recorded, {most} for most models"
    )
