"""The best figures of an efficiency table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement
from ssl_reports.efficiency.columns import EfficiencyColumn
from ssl_reports.tables.table import plain_number


def best(
    filled: Mapping[str, Mapping[str, Measurement]], columns: Mapping[str, EfficiencyColumn], models: Sequence[str]
) -> frozenset[tuple[int, int]]:
    """Row and column of the best figure of each column, and of those that its interval does not distinguish from it.

    Columns of words have none. A figure with a flaw, or from elsewhere, is never the best; a column in which fewer than two models have a sound figure has none.
    """
    found = set()
    for number, (key, rows) in enumerate(filled.items(), start=1):
        sound = {model: row.quantity for model, row in rows.items() if _may_win(row.quantity)}
        if key not in columns or columns[key].better is None or len(sound) < 2:
            continue
        first = (min if columns[key].better == "low" else max)(
            sound.values(), key=lambda quantity: quantity.value or 0.0
        )
        found |= {(models.index(model), number) for model, quantity in sound.items() if _as_good(quantity, first)}
    return frozenset(found)


def _may_win(quantity: Quantity) -> bool:
    return quantity.value is not None and not quantity.flaw and not quantity.elsewhere


def _as_good(quantity: Quantity, first: Quantity) -> bool:
    """Whether a figure is the best one, or does not differ from it by intervals, or by three digits where there are none."""
    if quantity.ci95 is None or first.ci95 is None:
        return plain_number(replace(quantity, ci95=None)) == plain_number(replace(first, ci95=None))
    return quantity.ci95[0] <= first.ci95[1] and first.ci95[0] <= quantity.ci95[1]
