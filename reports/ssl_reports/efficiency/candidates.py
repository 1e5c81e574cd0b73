"""Which of several rows fills a model's cell: the soundest, under the conditions that most models share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ssl_benchmarks.comparing.comparability import NOT_RECORDED, differences, told
from ssl_benchmarks.record.flaws import flawed
from ssl_benchmarks.record.quantity import METHODS
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_reports.reading.conditions import batch_words

SHAPE = frozenset({"clip_seconds", "batch_seconds"})
"""Conditions that are said together."""


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


Filled = Mapping[str, Mapping[str, Measurement]]
"""By column, the row that fills each model's cell."""


def marked(filled: Filled) -> dict[str, dict[str, Measurement]]:
    """The rows; each that was measured under other conditions than most models of its column says so as a flaw.

    What most models have is decided over the whole table, so that all its columns refer to the same conditions. Rows from elsewhere
    and those without a value stay as they are.
    """
    shared = _shared(filled)
    return {key: {model: _marked(row, rows, shared) for model, row in rows.items()} for key, rows in filled.items()}


Shared = Mapping[tuple[str | None, str, str], set[str]]
"""The models by phase, condition and its value in words."""


def _shared(filled: Filled) -> Shared:
    models: dict[tuple[str | None, str, str], set[str]] = {}
    for row in (row for rows in filled.values() for row in rows.values() if _comparable(row)):
        for name, value in told(row).items():
            models.setdefault((row.phase, name, value), set()).add(row.model)
    return models


def _comparable(row: Measurement) -> bool:
    return row.quantity.value is not None and not row.quantity.elsewhere


def _usual(shared: Shared, phase: str | None, name: str, values: Iterable[str] = ()) -> str:
    """The value of a condition that most models of the table have, or most of these values."""
    known = values or [value for other, condition, value in shared if (other, condition) == (phase, name)]
    return max(known, key=lambda value: len(shared.get((phase, name, value), ())), default=NOT_RECORDED)


def _marked(row: Measurement, rows: Mapping[str, Measurement], shared: Shared) -> Measurement:
    if not _comparable(row):
        return row
    own, usual = told(row), {}
    for each in differences(rows.values()):
        # Methods differ between columns too, so that what is usual in this one counts.
        usual[each.condition] = (
            max(each.models, key=lambda value: len(each.models[value]))
            if each.condition == "method"
            else _usual(shared, row.phase, each.condition, each.models)
        )
    found = [name for name in usual if own.get(name, usual[name]) != usual[name]]
    said = [
        f"{_worded(name, own[name])} (most models: {_worded(name, usual[name], short=True)})"
        for name in found
        if name not in SHAPE
    ]
    if SHAPE & set(found):
        said.append(f"{_batch(row.conditions)} (most models: {_batch(_usual_shape(shared, row.phase))})")
    return replace(row, quantity=flawed(row.quantity, ", ".join(said)))


def _usual_shape(shared: Shared, phase: str | None) -> Conditions:
    clip, batch = (_usual(shared, phase, name) for name in ("clip_seconds", "batch_seconds"))
    return Conditions(clip_seconds=_number(clip), batch_seconds=_number(batch))


def _number(value: str) -> float | None:
    return None if value == NOT_RECORDED else float(value)


def _batch(c: Conditions) -> str:
    return batch_words(c) or "clips not recorded"


def _worded(condition: str, value: str, *, short: bool = False) -> str:
    """A condition and its value, or the value alone."""
    if short or value == NOT_RECORDED:
        return value if short else f"{condition.replace('_', ' ')} {value}"
    return {"device": f"on {value}", "dtype": f"in {value}", "method": value}.get(
        condition, f"{condition.replace('_', ' ')} {value}"
    )
