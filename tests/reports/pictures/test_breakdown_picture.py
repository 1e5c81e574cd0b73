"""Bars add up to what was measured, and what is missing is named, never drawn as nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Measurement, Record
from ssl_reports.pictures.breakdown import REST, energy_picture, energy_rate_picture, memory_picture
from ssl_reports.pictures.drawing import Drawing
from ssl_reports.reading.systems import systems_of


def record(*rows: Measurement) -> Record:
    return Record("r", "", "finished", "", {"device": "cpu"}, {}, rows, kind="comparison")


def joules(scope: str, value: float | None, phase: str = "training", metric: str = "energy") -> Measurement:
    unit = "J" if metric == "energy" else "J/h"
    quantity = unavailable(unit, "no counter") if value is None else Quantity(value, unit, "modelled")
    return Measurement("a", metric, quantity, phase, scope)


SEEN = Measurement("a", "audio_hours_seen", Quantity(2.0, "h", "measured"), "training")


def lengths(drawing: Drawing) -> list[float]:
    """The bars' parts, in the order drawn."""
    assert drawing.canvas is not None
    return [float(bar.get_width()) for bar in drawing.canvas.axes[0].patches]


def test_parts_of_the_machine_in_watt_hours_by_hand() -> None:
    """7200 J are 2 Wh; the machine's own row is their sum, and is not stacked on them."""
    rows = (SEEN, joules("cpu", 7200.0), joules("dram", 3600.0), joules("gpu", None), joules("machine", 10800.0))
    drawing = energy_picture(systems_of([record(*rows)]))
    assert lengths(drawing) == pytest.approx([2.0, 1.0])
    assert "Left out: gpu (no counter)." in drawing.caption
    assert "Hatched parts are modelled" in drawing.caption


def test_the_window_of_a_measurement_has_a_rate_but_no_total() -> None:
    rows = (joules("cpu", 5.0), joules("cpu", 50.0, metric="energy_per_audio_hour"))
    systems = systems_of([record(*rows)])
    assert energy_picture(systems).canvas is None
    assert lengths(energy_rate_picture(systems)) == pytest.approx([50.0])


def memory(metric: str, mebibytes: float) -> Measurement:
    return Measurement("a", metric, Quantity(mebibytes * 2.0**20, "B", "measured"), "training")


def test_what_no_part_accounts_for_is_told_as_such() -> None:
    drawing = memory_picture(
        systems_of([record(memory("memory_weights", 30), memory("memory_gradients", 20), memory("peak_memory", 200))])
    )
    assert lengths(drawing) == pytest.approx([30, 20, 150])
    assert drawing.rows[-1]["part"] == REST


def test_parts_that_fill_the_peak_leave_no_rest() -> None:
    drawing = memory_picture(systems_of([record(memory("memory_weights", 200), memory("peak_memory", 200))]))
    assert lengths(drawing) == pytest.approx([200])


def test_where_nothing_can_be_had_there_is_no_figure_but_a_reason() -> None:
    drawing = energy_picture(systems_of([record(SEEN, joules("gpu", None), joules("cpu", None))]))
    assert drawing.canvas is None
    assert drawing.caption.startswith("No figure:")
    assert "gpu, cpu (no counter)" in drawing.caption


def test_more_bars_than_a_column_bears_are_cut_and_said_to_be() -> None:
    rows = [replace(row, model=f"m{n}") for n in range(30) for row in (SEEN, joules("cpu", 7200.0))]
    drawing = energy_picture(systems_of([record(*rows)]))
    assert len(lengths(drawing)) == 16
    assert "The first 16 of 30 bars." in drawing.caption
    assert len(drawing.rows) == 30
