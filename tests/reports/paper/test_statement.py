"""The statement adds up what records spent, each thing once, and says what is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ssl_benchmarks.energy.carbon import GridIntensity
from ssl_benchmarks.record.quantity import Method, Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_reports.paper.methods import methods_markdown
from ssl_reports.paper.statement import statement_latex, statement_text
from ssl_reports.reading.evidence import Evidence
from ssl_reports.reading.repricing import repriced

GRID = {"g_per_kwh": 50.0, "country": "FRA", "year": 2023, "source": "a table"}


def hours(value: float, phase: str = "training", model: str = "m") -> Measurement:
    return Measurement(model, "device_hours", Quantity(value, "h", "measured"), phase)


def joules(kwh: float, phase: str = "training", method: Method = "measured", scope: str = "machine") -> Measurement:
    return Measurement("m", "energy", Quantity(3.6e6 * kwh, "J", method), phase, scope)


def record(name: str, *rows: Measurement, grid: Any = GRID, kind: Any = "training", **rest: Any) -> Record:
    config = {"device": rest.pop("device", "cpu"), "pue": 1.2}
    return Record(name, "", "finished", "", config, {"cpu": "a processor", "cores": 2}, rows, details={"grid": grid, **rest}, kind=kind)  # fmt: skip


def said(*records: Record) -> str:
    return statement_text(Evidence(records))


FIRST = record("a", hours(2.0), hours(0.5, "targets"), joules(1.5), joules(0.5, "targets"))


def test_hours_energy_and_carbon_by_hand() -> None:
    """2.5 h and 2 kWh; 2 kWh x 1.2 x 50 g/kWh = 120 g, which is a model where its energy was measured."""
    assert said(FIRST) == (
        "The experiments ran on one a processor processor (2 cores) and took 2.50 device-hours (measured) and 2.00 kWh (whole machine, "
        "measured). This corresponds to 120 g of CO2e (modelled), with a power usage effectiveness (PUE) of 1.2 and a grid intensity of "
        "50 g/kWh (FRA, 2023, a table)."
    )
    assert "CO\\textsubscript{2}e" in statement_latex(Evidence((FIRST,)))


def test_the_weakest_method_counts_and_what_is_missing_is_named() -> None:
    second = record("b", hours(1.0, model="n"), joules(1.0, method="modelled"))
    third = record("c", hours(4.0, model="o"), grid=None)
    text = said(FIRST, second, third)
    assert "7.50 device-hours (measured)" in text
    assert "3.00 kWh (whole machine, modelled, without c, which did not record it)" in text
    assert "180 g of CO2e (modelled, without c, which did not record it)" in text


def test_no_grid_is_no_carbon() -> None:
    assert "Their CO2e is not reported: " in said(replace(FIRST, details={}))


def test_nothing_spent_is_said_to_be_missing() -> None:
    missing = Measurement("m", "energy", unavailable("J", "no counter"), "training", "machine")
    assert (
        said(record("a", missing))
        == "The records hold neither the device-hours nor the energy that the experiments took."
    )
    assert said() == said(record("a", missing))


def test_projections_and_parts_are_not_added() -> None:
    text = said(record("a", hours(1.0), joules(1.0), joules(0.7, scope="cpu"), joules(900.0, "inference", "projected")))
    assert "1.00 kWh (whole machine, measured); projected costs of whole pretrainings are not included." in text


def test_what_two_records_hold_counts_once() -> None:
    """An evaluation quotes the training of its run, and a study that of its own runs."""
    rating = [hours(0.25, "evaluation"), joules(0.1, "evaluation")]
    evaluation = record("e", *FIRST.measurements, *rating, kind="evaluation")
    assert "2.75 device-hours" in said(FIRST, evaluation)
    assert "0.250 device-hours" in said(evaluation)
    spent = [{"model": "m", "folder": f"{name}", "status": "finished", "spent": {"minutes": 60.0, "joules": 3.6e6, "joules_method": "measured"}} for name in "ab"]  # fmt: skip
    study = record("s", hours(9.0), *rating, kind="study", study={"equal": None, "budget": None, "runs": spent})
    assert "2.25 device-hours (measured) and 2.10 kWh" in said(study)
    assert "3.75 device-hours" in said(study, FIRST), "a has a record of its own: 2.5 h, and 1.25 h of the rest"


def test_rounds_count_as_a_whole_and_say_what_was_not_metered() -> None:
    """One hour of timed windows; 1.5 h with the start of processes and warm-ups, where the record has it."""

    def cell(model: str, seconds: float, whole: float = 0.0) -> dict[str, Any]:
        rows = [
            Measurement(model, "duration", Quantity(seconds, "s", "measured"), "training"),
            Measurement(model, "energy", Quantity(360.0 * seconds, "J", "measured"), "training", "machine"),
        ]
        return {"model": model, "phase": "training", "rows": [row.row() for row in rows], "seconds": whole}

    target = {"precision": 0.02, "met": True, "ended": "", "minutes": 1.0}
    rounds = [{"cells": [cell("x", 1800.0), cell("y", 900.0)]}, {"cells": [cell("x", 900.0)]}]
    text = said(record("c", kind="comparison", rounds=rounds, target=target))
    assert "1.00 device-hours (measured) and 360 Wh (whole machine, measured)" in text
    rounds = [{"cells": [cell("x", 1800.0, 2700.0), cell("y", 900.0, 1800.0)]}, {"cells": [cell("x", 900.0, 900.0)]}]
    text = said(record("c", kind="comparison", rounds=rounds, target=target))
    assert "1.50 device-hours (measured) and 360 Wh (whole machine, measured)" in text
    assert "in comparisons, energy covers timed windows only, not 30 min 00 s of start-up and warm-ups." in text


def test_a_measurement_counts_as_a_whole_too() -> None:
    rows = [Measurement("x", "duration", Quantity(1800.0, "s", "measured"), "training"), joules(0.5)]
    cells = [{"label": "", "clip_seconds": 5.0, "batch_seconds": 5.0, "seconds": 3600.0}]
    assert "took 1.00 device-hours (measured) and 500 Wh" in said(record("m", *rows, kind="measurement", cells=cells))


def test_a_flaw_is_marked_and_explained() -> None:
    flawed = replace(joules(1.0), quantity=Quantity(3.6e6, "J", "measured", flaw="disturbed"))
    assert "1.00 kWh† (whole machine" in said(record("a", hours(1.0), flawed))
    assert "† disturbed (" in said(record("a", hours(1.0), flawed))


def test_another_grid_and_pue_are_those_of_the_report() -> None:
    """2 kWh x 1.5 x 100 g/kWh, although the runs had a PUE of 1.2 and 50 g/kWh."""
    priced = Conditions(pue=1.2, grid="FRA 2023: 50 g/kWh")
    one = replace(FIRST, measurements=tuple(replace(row, conditions=priced) for row in FIRST.measurements))
    assert "120 g of CO2e (modelled), with a power usage effectiveness (PUE) of 1.2" in said(one)
    elsewhere = repriced(Evidence((one,)), GridIntensity(100.0, "DEU", 2023, "a table"), 1.5)
    assert (
        "300 g of CO2e (modelled), with a power usage effectiveness (PUE) of 1.5 and a grid intensity of 100 g/kWh (DEU"
        in statement_text(elsewhere)
    )
    assert "(PUE) of 1.5 and a grid intensity of 100 g/kWh" in methods_markdown(elsewhere)
