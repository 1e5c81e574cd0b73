"""The best figures of an efficiency table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ssl_benchmarks.record.details.study import StudyDetails
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement
from ssl_reports.efficiency.columns import EfficiencyColumn
from ssl_reports.efficiency.pretraining import Account
from ssl_reports.efficiency.ratios import ratio_of
from ssl_reports.reading.evidence import Evidence
from ssl_reports.tables.numbers import plain_number

BUDGETED = {"joules": ("energy", "co2e"), "minutes": ("gpu-hours", "price")}
"""Columns in which a study's equal budget leaves nothing to win."""


def best(
    evidence: Evidence,
    filled: Mapping[str, Mapping[str, Measurement]],
    columns: Mapping[str, EfficiencyColumn],
    models: Sequence[str],
    account: Account,
) -> frozenset[tuple[int, int]]:
    """Row and column of the best number of each column, and of those that their ratio to it does not distinguish from it.

    Columns of words have none, nor do those of a budget that was the same for all. A number with a flaw, from elsewhere or of
    another tool is never the best; a column in which fewer than two models have a sound number has none.
    """
    budgeted = _budgeted(evidence) if account == "spent" else frozenset()
    found = set()
    for place, (key, rows) in enumerate(filled.items(), start=1):
        sound = {model: row for model, row in rows.items() if _may_win(row.quantity)}
        if key not in columns or columns[key].better is None or len(sound) < 2 or key in budgeted:
            continue
        first = (min if columns[key].better == "low" else max)(
            sound.values(), key=lambda row: row.quantity.value or 0.0
        )
        found |= {(models.index(model), place) for model, row in sound.items() if _as_good(evidence, row, first)}
    return frozenset(found)


def _budgeted(evidence: Evidence) -> frozenset[str]:
    """The columns of which the trainings of a study had the same budget."""
    studies = (record.told(StudyDetails).study for record in evidence.records if record.kind == "study")
    return frozenset(key for study in studies for key in BUDGETED.get(study.equal or "", ()))


def _may_win(quantity: Quantity) -> bool:
    return quantity.value is not None and not (quantity.flaw or quantity.elsewhere or quantity.imported)


def _as_good(evidence: Evidence, row: Measurement, first: Measurement) -> bool:
    """Whether a figure is the best one, or the interval of their ratio holds 1; without one, whether three digits are equal."""
    ratio = ratio_of(evidence, row, first)
    if row is first or ratio.ci95 is None:
        return _three_digits(row.quantity) == _three_digits(first.quantity)
    return ratio.ci95[0] <= 1 <= ratio.ci95[1]


def _three_digits(quantity: Quantity) -> str:
    return plain_number(replace(quantity, ci95=None))
