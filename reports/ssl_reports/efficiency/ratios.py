"""The figures of a table divided by those of a baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ssl_benchmarks.comparing.ratios import ratio
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement
from ssl_reports.reading.evidence import Evidence, Found
from ssl_reports.reading.paired_rounds import ratio_by_rounds


def ratios(
    evidence: Evidence, filled: Mapping[str, Mapping[str, Measurement]], models: Sequence[str], baseline: str
) -> dict[tuple[int, int], Quantity]:
    """By row and column, of the models other than the baseline, where runs know both figures.

    No ratio is taken to or of a figure from elsewhere, whose conditions are unknown. Figures of one comparison are paired by its rounds; of others, the errors are taken as independent.
    """
    found = {}
    for place, rows in enumerate(filled.values(), start=1):
        theirs = rows.get(baseline)
        for number, model in enumerate(models):
            ours = rows.get(model)
            if model != baseline and ours is not None and theirs is not None and _of_runs(ours, theirs):
                found[number, place] = ratio_of(evidence, ours, theirs)
    return found


def _of_runs(*rows: Measurement) -> bool:
    return all(row.quantity.value and not row.quantity.elsewhere for row in rows)


def ratio_of(evidence: Evidence, ours: Measurement, theirs: Measurement) -> Quantity:
    """One figure divided by another, paired where one comparison holds both."""
    for above in _places(evidence, ours):
        for below in _places(evidence, theirs):
            if above.label == below.label and (paired := ratio_by_rounds(above, below)) is not None:
                return paired
    return ratio(ours.quantity, theirs.quantity)


def _places(evidence: Evidence, row: Measurement) -> list[Found]:
    """Where a figure stands in the runs; nowhere if it was worked out for the table."""
    same = evidence.find(row.model, row.metric, row.phase, row.scope, row.conditions.task)
    return [
        each for each in same if each.row.conditions == row.conditions and each.quantity.value == row.quantity.value
    ]
