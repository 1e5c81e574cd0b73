"""The ratio of two rows of a record, paired by round if the models were measured in rounds."""

from __future__ import annotations

from ssl_benchmarks.comparing.ratios import paired_ratio, ratio_of_largest
from ssl_benchmarks.comparing.rounds import Repeated, largest, over_rounds
from ssl_benchmarks.comparing.side_by_side import MEMORY
from ssl_benchmarks.record.details.comparison import ComparisonDetails, Round
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement
from ssl_reports.reading.evidence import Found


def ratio_by_rounds(above: Found, below: Found) -> Quantity | None:
    """The ratio with Student's t interval over the rounds in which both were measured.

    None for fewer than two such rounds, and where there is nothing to pair: counts, peaks equal in every round, and
    projections, which no round holds.
    """
    methods = {above.quantity.method, below.quantity.method}
    if above.label != below.label or methods == {"analytic"} or "projected" in methods:
        return None
    sides = _observed(above), _observed(below)
    of: Repeated = "rounds" if len(sides[0]) == len(by_round(above)) else "processes"
    both = [(a.value, b.value) for a, b in zip(*sides, strict=True) if a and b and a.value and b.value]
    if len(both) < 2:
        return None
    if above.row.metric != MEMORY:
        return paired_ratio(*sides, of)
    return ratio_of_largest(*sides, of) if len(set(both)) > 1 else None


def _observed(found: Found) -> list[Quantity | None]:
    """A row's value in each independent observation: a round, or all rounds of a set of processes where there are several."""
    values = by_round(found)
    sets = [each.processes for each in found.record.told(ComparisonDetails).rounds] if values else []
    if len(set(sets)) < 2:
        return values
    pick = largest if found.row.metric == MEMORY else over_rounds
    kept = (
        [q for q, own in zip(values, sets, strict=True) if own == number and q is not None]
        for number in dict.fromkeys(sets)
    )
    return [pick(measured) if measured else None for measured in kept]


def by_round(found: Found) -> list[Quantity | None]:
    """A row's value in each round of its record, None where a round lacks it; empty for a record without rounds."""
    row = found.row
    wanted = {"model": row.model, "phase": row.phase, "metric": row.metric, "scope": row.scope}

    def in_round(each: Round) -> Quantity | None:
        documents = (found for cell in each.cells for found in cell.rows if wanted.items() <= found.items())
        same = (m for m in map(Measurement.from_row, documents) if m.conditions == row.conditions)
        return next((m.quantity for m in same), None)

    record = found.record
    return list(map(in_round, record.told(ComparisonDetails).rounds)) if record.kind == "comparison" else []
