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
    assert drawing.omitted == "Left out: GPU (no counter)."
    assert drawing.caption == "Energy by phase and part of the machine. CPU and DRAM are modelled."
    bare = replace(record(*rows), environment={"gpus": []})
    assert energy_picture(systems_of([bare])).caption.endswith("CPU and DRAM are modelled; the machine has no GPU.")
    assert all(bar.get_hatch() is None for bar in drawing.canvas.axes[0].patches)  # type: ignore[union-attr]


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
    assert drawing.caption == "No figure of energy by phase and part of the machine: no record has a value."
    assert drawing.omitted == "Left out: GPU, CPU (no counter)."


def test_more_bars_than_a_column_bears_are_cut_and_said_to_be() -> None:
    rows = [replace(row, model=f"m{n}") for n in range(50) for row in (SEEN, joules("cpu", 7200.0))]
    drawing = energy_picture(systems_of([record(*rows)]))
    assert len(lengths(drawing)) == 36
    assert "Not shown: m36, m37, m38, m39, m40, m41 and 8 more." in drawing.caption
    assert len(drawing.rows) == 50


def several(*values: tuple[str, str, float]) -> list[Measurement]:
    return [SEEN_BY[model] for model in "abc"] + [
        replace(joules("gpu", value, phase), model=model) for model, phase, value in values
    ]


SEEN_BY = {model: replace(SEEN, model=model) for model in "abc"}
VALUES = (
    ("a", "training", 9.0),
    ("b", "training", 3.0),
    ("a", "targets", 2.0),
    ("b", "targets", 8.0),
    ("c", "training", 5.0),
)


def texts(drawing: Drawing) -> list[str]:
    """Names from top to bottom."""
    assert drawing.canvas is not None
    return [label.get_text() for label in drawing.canvas.axes[0].get_yticklabels()]


def test_bars_stand_by_phase_the_shortest_first() -> None:
    systems = systems_of([record(*several(*VALUES))])
    assert texts(energy_picture(systems)) == ["b", "c", "a", "a", "b"]
    assert texts(energy_picture(systems, ordered=True)) == ["a", "b", "c", "a", "b"]
    canvas = energy_picture(systems).canvas
    assert canvas is not None
    heads = [text.get_text() for text in canvas.axes[0].texts if text.get_fontweight() == "bold"]
    assert heads == ["training", "fitting targets"]


def test_of_many_bars_each_phase_has_some() -> None:
    rows = [
        replace(row, model=f"m{n}")
        for n in range(50)
        for row in (SEEN, joules("cpu", 9.0 + n), *([joules("cpu", 1.0, "evaluation")] if n < 3 else []))
    ]
    drawing = energy_picture(systems_of([record(*rows)]))
    assert texts(drawing) == [*(f"m{n}" for n in range(33)), "m0", "m1", "m2"]


def test_a_bar_has_the_interval_of_its_whole_and_the_mark_of_its_flaw() -> None:
    whole = Quantity(3.6e3, "J", "measured", (3.2e3, 4.0e3))
    rows = [SEEN, *(Measurement("a", "energy", replace(whole, flaw=flaw), "training", scope) for scope, flaw in (("gpu", "disturbed"), ("machine", "")))]  # fmt: skip
    canvas = energy_picture(systems_of([record(*rows)])).canvas
    assert canvas is not None
    (axes,) = canvas.axes
    (line,) = axes.lines
    assert [float(x) for x in line.get_xdata()] == pytest.approx([3.2 / 3.6, 4.0 / 3.6])
    assert [text.get_text() for text in axes.texts if "†" in text.get_text()] == ["1.00†"]


def test_what_some_bars_model_is_named_with_its_models() -> None:
    rows = [
        *several(("a", "training", 1.0)),
        replace(joules("gpu", 1.0), model="b", quantity=Quantity(1.0, "J", "measured")),
    ]
    assert "GPU of a is modelled." in energy_picture(systems_of([record(*rows)])).caption


def test_all_bars_of_a_study_are_means_over_its_seeds() -> None:
    """Its rows of training are means, those of evaluation sums: 7,200 J of training, and 3 x 3,600 J of fine-tuning."""
    rows = (SEEN, joules("cpu", 7200.0), joules("cpu", 10800.0, "finetuning"))
    runs = [
        {"model": "a", "folder": f"a{seed}", "status": status, "seed": seed}
        for seed, status in enumerate(["finished"] * 3 + ["failed"])
    ]
    study = replace(record(*rows), kind="study", details={"study": {"equal": None, "budget": None, "runs": runs}})
    drawing = energy_picture(systems_of([study]))
    assert lengths(drawing) == pytest.approx([2.0, 1.0])
    assert "Means over 3 seeds." in drawing.caption
    other = replace(record(SEEN, joules("cpu", 3600.0)), id="other")
    assert (
        "Bars of models with several seeds are means over them." in energy_picture(systems_of([study, other])).caption
    )
    assert "seeds" not in energy_picture(systems_of([other])).caption
