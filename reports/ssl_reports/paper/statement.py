"""The statement on compute and carbon that conferences ask for: what all records together spent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ssl_benchmarks.energy.carbon import co2e
from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.details.measurement import MeasurementDetails
from ssl_benchmarks.record.details.study import StudyDetails
from ssl_benchmarks.record.quantity import Method, Quantity, added, flaws, unavailable, weakest
from ssl_benchmarks.record.record import Measurement, Record, headline_scope, measurements
from ssl_reports.flaw_marks import SIGN, meaning, signed
from ssl_reports.paper.prose import enumeration, latex_text, named, plain_text
from ssl_reports.paper.protocol import grid_text, in_rounds, pue_of
from ssl_reports.paper.surroundings import device
from ssl_reports.reading.evidence import Evidence
from ssl_reports.reading.repricing import grid_of
from ssl_reports.tables.grid import grouped
from ssl_reports.units import duration, plain, worded

OWN: frozenset[Method] = frozenset({"measured", "sampled", "modelled"})
"""Methods of what a run spent itself."""
TRAINED = frozenset({"training", "targets"})
SPENT = frozenset({"duration", "device_hours", "energy"})
WHOSE = {"gpu": "GPU alone", "machine": "whole machine"}
"""Whose energy the headlines report."""


@dataclass(frozen=True)
class Bill:
    """What one record spent, each unavailable if the record does not say.

    Attributes:
        label: the record's name.
        record: itself.
        hours: on the device, start-up and warm-ups included where their length is recorded.
        energy: of the scope of headlines, in timed windows where models were measured.
        carbon: of that energy, on the record's grid.
        unmetered: those of the hours in which no energy was metered.
    """

    label: str
    record: Record
    hours: Quantity
    energy: Quantity
    carbon: Quantity
    unmetered: float = 0.0


def statement_latex(evidence: Evidence) -> str:
    """`statement.tex`."""
    return f"{latex_text(_statement(evidence))}\n"


def statement_text(evidence: Evidence) -> str:
    """The statement as plain text."""
    return plain_text(_statement(evidence))


def bills(evidence: Evidence) -> list[Bill]:
    """What each record spent; a number that several records hold counts once, and numbers of other runs do not count."""
    told: set[object] = set()
    ids = {record.id for record in evidence.records if record.kind == "training"}
    return [_bill(*pair, told, ids) for pair in zip(evidence.records, evidence.labels, strict=True)]


def _statement(evidence: Evidence) -> str:
    found = [bill for bill in bills(evidence) if _spent_anything(bill)]
    if not found:
        return "The records hold neither the device-hours nor the energy that the experiments took."
    return " ".join([_compute(found), _carbon(found), *_flaws(found)])


def _spent_anything(bill: Bill) -> bool:
    return bill.hours.value is not None or bill.energy.value is not None


def _compute(found: Sequence[Bill]) -> str:
    """The first sentence: devices, device-hours and energy."""
    devices = enumeration(grouped((device(bill.record), bill.label) for bill in found))
    scopes = {headline_scope(bill.record.settings.device) for bill in found}
    of = WHOSE[scopes.pop()] if len(scopes) == 1 else "GPU where one was used, else the whole machine"
    hours = _total([bill.hours for bill in found], found, " device-hours")
    energy = _total([bill.energy for bill in found], found, whose=of)
    return f"The experiments ran on {devices} and took {hours} and {energy}{_excluded(found)}."


def _excluded(found: Sequence[Bill]) -> str:
    """What the numbers leave out."""
    left, said = sum(bill.unmetered for bill in found), []
    if left:
        said.append(
            f"in comparisons, energy covers timed windows only, not {duration(3600 * left)} of start-up and warm-ups"
        )
    elif any(bill.record.settings.protocol for bill in found):
        said.append("start-up and warm-ups are not included")
    if any(row.quantity.method == "projected" for bill in found for row in bill.record.measurements):
        said.append("projected costs of whole pretrainings are not included")
    return "".join(f"; {each}" for each in said)


def _carbon(found: Sequence[Bill]) -> str:
    """The second sentence: CO2e, with the grid and the PUE."""
    priced = [bill for bill in found if bill.carbon.value is not None]
    if not priced:
        why = dict.fromkeys(bill.carbon.note for bill in found)
        return f"Their CO2e is not reported: {'; '.join(why)}."
    grids = dict.fromkeys(_grid(bill.record) for bill in priced)
    mass = _total([bill.carbon for bill in found], found, " of CO2e")
    return f"This corresponds to {mass}, with {enumeration(grids)}."


def _grid(record: Record) -> str:
    grid = record.told(Details).grid
    return "" if grid is None else grid_text(grid, pue_of(record))


def _total(amounts: Sequence[Quantity], found: Sequence[Bill], name: str = "", whose: str = "") -> str:
    """The sum of those that are known, with its method and with what it lacks; intervals are left out."""
    known = [quantity for quantity in amounts if quantity.value is not None]
    if not known:
        return "an unrecorded number of device-hours" if amounts[0].unit == "h" else "an unrecorded amount of energy"
    method, flaw = weakest(*(q.method for q in known)), flaws(known)
    total = Quantity(sum(q.value or 0.0 for q in known), known[0].unit, method, flaw=flaw)
    amount = signed(plain(total.value or 0.0), total) if total.unit == "h" else worded(total)
    lacking = [bill.label for bill, q in zip(found, amounts, strict=True) if q.value is None]
    without = f"without {named(lacking)}, which did not record it" if lacking else ""
    return f"{amount}{name} ({', '.join(filter(None, (whose, method, without)))})"


def _flaws(found: Sequence[Bill]) -> Iterator[str]:
    flawed = [q.flaw for bill in found for q in (bill.hours, bill.energy, bill.carbon) if q.flaw]
    if flawed:
        yield f"{SIGN} {meaning(flawed)}."


def _bill(record: Record, label: str, told: set[object], ids: set[str]) -> Bill:
    hours, joules = _sums(record, told)
    if record.kind == "study":
        hours, joules = _with_runs(record, hours, joules, ids)
    time = added(_numbered(hours), "h") if hours else unavailable("h", "not recorded")
    unmetered = max(_session_hours(record) - (time.value or 0.0), 0.0) if hours else 0.0
    if unmetered:
        time = Quantity(_session_hours(record), "h", "measured", flaw=time.flaw)
    energy = added(_numbered(joules), "J") if joules else unavailable("J", "no energy was recorded")
    return Bill(label, record, time, energy, co2e(energy, grid_of(record), pue_of(record)), unmetered)


def _session_hours(record: Record) -> float:
    """The time of all cells of a comparison or a measurement, from the start of their processes; 0 where it is not recorded."""
    if record.kind == "measurement":
        return sum(cell.seconds for cell in record.told(MeasurementDetails).cells) / 3600
    compared = in_rounds(record)
    return 0.0 if compared is None else sum(cell.seconds for each in compared.rounds for cell in each.cells) / 3600


def _numbered(parts: Sequence[Quantity]) -> dict[str, Quantity]:
    return {str(number): part for number, part in enumerate(parts)}


def _sums(record: Record, told: set[object]) -> tuple[list[Quantity], list[Quantity]]:
    """Hours and joules of a record's own rows that no earlier record held."""
    scope, hours, joules = headline_scope(record.settings.device), [], []
    rows = list(_own(record))
    whole = {(row.model, row.phase) for row in rows if row.metric == "device_hours"}
    for row in rows:
        key = (row.model, row.phase, row.metric, row.quantity.value)
        if row.metric == "energy" and row.scope != scope:
            continue
        if row.metric == "duration" and (row.model, row.phase) in whole:
            continue
        if key in told:
            continue
        told.add(key)
        if row.metric == "energy":
            joules.append(row.quantity)
        else:
            hours.append(row.quantity if row.metric == "device_hours" else row.quantity.scaled(1 / 3600, "h"))
    return hours, joules


def _own(record: Record) -> Iterator[Measurement]:
    """The rows of time and energy that were spent on a record, not quoted in it."""
    compared = in_rounds(record)
    rows: Sequence[Measurement] = record.measurements
    if compared is not None:
        documents = (row for each in compared.rounds for cell in each.cells for row in cell.rows)
        rows = measurements([row for row in documents if row["metric"] in SPENT])
    for row in rows:
        quoted = row.phase in TRAINED and record.kind in {"evaluation", "study"}
        spent = row.metric in SPENT and row.phase != "idle"
        if spent and not quoted and row.quantity.method in OWN and row.quantity.value is not None:
            yield row


def _with_runs(
    record: Record, hours: list[Quantity], joules: list[Quantity], ids: set[str]
) -> tuple[list[Quantity], list[Quantity]]:
    """With the trainings of a study, but for those whose own records are there too."""
    spent = [run.spent for run in record.told(StudyDetails).study.runs if run.spent and run.folder not in ids]
    times = [Quantity(each.minutes / 60, "h", "measured") for each in spent if each.minutes is not None]
    energies = [
        Quantity(each.joules, "J", each.joules_method)
        for each in spent
        if each.joules is not None and each.joules_method in OWN
    ]
    return hours + times, joules + energies
