"""What a methods section says about intervals: of the kinds of numbers that are shown, and of no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ssl_benchmarks.record.details.comparison import ComparisonDetails
from ssl_benchmarks.record.metrics import RATES
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Record
from ssl_reports.paper.protocol import in_rounds
from ssl_reports.paper.surroundings import ENERGY
from ssl_reports.reading.evidence import Evidence
from ssl_reports.tables.table import PaperTable

IN_ROUNDS = (
    "For models measured in rounds, a number is the geometric mean over rounds; its interval is the union of "
    "Student's t interval over the logarithms of the rounds and the mean within-round interval. A peak is the maximum "
    "over rounds. Ratios are paired by round, and their interval is Student's t over the logarithms of the per-round "
    "ratios, so that drift common to both models cancels."
)
OVER_REPEATS = (
    "The interval of a time is the union of the order-statistics interval over all batches and Student's t interval "
    "over repeats."
)
OVER_PROCESSES = (
    "The interval of a time is the union of those of the processes and Student's t interval over processes, widened "
    "to cover a further run."
)
OF_STEPS = "The interval of a training's speed is that of the mean over groups of steps."
OF_SEEDS = (
    "Numbers of models trained with several seeds are means over them; the interval of a cost is Student's t over "
    "seeds, and that of an error rate adds it in quadrature."
)
METERED = (
    "The interval of measured energy is the union of the counter's own error and, over repeats, Student's t interval."
)
MODELLED = "Modelled energy has no interval, since the error of its model is unknown."
ERRORS = "The interval of an error rate comes from a hierarchical bootstrap over speakers and utterances."
RATIOS = "For a ratio of two numbers that were not measured in the same rounds, relative half-widths are added in quadrature."
PROJECTED = "A projection has the interval of its rate; the audio hours of the recipe are taken as exact."


def uncertainty(evidence: Evidence, tables: Sequence[PaperTable] = ()) -> str:
    """The paragraph; ratios and projections are described if `tables` show any."""
    said = [*_times(evidence.records), *_energies(evidence), *_errors(evidence), *_derived(evidence, tables)]
    return " ".join(["All intervals are 95 % intervals.", *dict.fromkeys(said)])


def _times(records: Sequence[Record]) -> Iterator[str]:
    for record in records:
        protocol, seeds = record.settings.protocol, record.settings.seeds or 1
        if in_rounds(record):
            yield IN_ROUNDS
        elif record.kind == "measurement" and protocol is not None:
            yield OVER_REPEATS if protocol.cool_down else OVER_PROCESSES
        elif record.kind in {"training", "study"} and seeds == 1 and _has_speed(record):
            yield OF_STEPS


def _has_speed(record: Record) -> bool:
    """Whether a training's speed has an interval."""
    speeds = (row for row in record.measurements if (row.metric, row.phase) == ("audio_seconds_per_second", "training"))
    return any(row.quantity.ci95 for row in speeds)


def _energies(evidence: Evidence) -> Iterator[str]:
    known = [found.quantity for found in evidence.rows if found.row.metric in ENERGY]
    if any(quantity.method in {"measured", "sampled"} and quantity.ci95 for quantity in known):
        yield METERED
    if any(quantity.method == "modelled" for quantity in known):
        yield MODELLED


def _errors(evidence: Evidence) -> Iterator[str]:
    if any(found.row.metric in RATES and found.quantity.ci95 for found in evidence.rows):
        yield ERRORS
    if any(record.kind == "study" and (record.settings.seeds or 1) > 1 for record in evidence.records):
        yield OF_SEEDS


def _derived(evidence: Evidence, tables: Sequence[PaperTable]) -> Iterator[str]:
    beside = [record.told(ComparisonDetails) for record in evidence.records if record.kind == "comparison"]
    if any(table.ratios for table in tables) or any(each.sources is not None for each in beside):
        yield RATIOS
    cells = (cell for table in tables for row in table.rows for cell in row)
    if any(isinstance(cell, Quantity) and cell.method == "projected" for cell in cells):
        yield PROJECTED
