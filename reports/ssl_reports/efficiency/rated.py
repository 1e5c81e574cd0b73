"""The columns of error rates: one for each test set of the task, head and labels that most models share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_reports.efficiency.columns import EfficiencyColumn

Rows = Mapping[str, Sequence[Measurement]]
"""By model."""
Way = tuple[str | None, str | None, str | None]


def way_of(c: Conditions) -> Way:
    """Task, head and labels of an error rate."""
    return c.task, c.head, c.labels


def rated_columns(column: EfficiencyColumn, rows: Rows) -> Iterator[tuple[EfficiencyColumn, Rows]]:
    """The column for each test set, with the rows of each model that may fill it; runs decide before publications.

    Where equally many models share several, the first that the runs hold is shown; test sets keep their order too.
    """
    taken = {model: [m for m in found if m.metric == column.metric] for model, found in rows.items()}
    ways = _ways(taken, elsewhere=False) or _ways(taken, elsewhere=True)
    if not ways:
        yield column, taken
        return
    most = ways.most_common(1)[0][0]
    shared = {model: [m for m in found if way_of(m.conditions) == most] for model, found in taken.items()}
    sets = list(dict.fromkeys(m.conditions.tested_on for found in shared.values() for m in found))
    for name in sets:
        held = {model: [m for m in found if m.conditions.tested_on == name] for model, found in shared.items()}
        yield column if len(sets) == 1 else _of_set(column, name or "test"), held


def _of_set(column: EfficiencyColumn, name: str) -> EfficiencyColumn:
    return replace(column, key=f"{column.key} {name}", name=f"{column.name}, {name}")


def _ways(taken: Rows, *, elsewhere: bool) -> Counter[Way]:
    """How many models were tested in each way, in runs or elsewhere."""
    return Counter(
        way
        for found in taken.values()
        for way in dict.fromkeys(way_of(m.conditions) for m in found if m.quantity.elsewhere is elsewhere)
    )
