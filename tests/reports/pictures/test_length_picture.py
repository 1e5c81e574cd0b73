"""Cost against clip length: a line for each sweep, joules only where all are metered."""

from __future__ import annotations

import pytest

from ssl_benchmarks.record.quantity import Method, Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_reports.pictures.length import length_picture


def sweep(model: str, *lengths: float, method: Method = "sampled", failed: float | None = None) -> Record:
    rows = []
    for length in lengths:
        held = Conditions(clip_seconds=length, batch_seconds=length)
        for metric, unit, value, scope in (
            ("energy_per_audio_hour", "J/h", 100 * length, "gpu"),
            ("audio_seconds_per_second", "s/s", 10 * length, None),
            ("peak_memory", "B", length * 2.0**20, None),
        ):
            quantity = Quantity(value, unit, method if unit == "J/h" else "measured", (0.9 * value, 1.1 * value))
            rows.append(Measurement(model, metric, quantity, "inference", scope, held))
    cells: list[dict[str, object]] = [
        {"label": f"clip-seconds={x:g}", "clip_seconds": x, "batch_seconds": x} for x in lengths
    ]
    if failed is not None:
        cells.append({"label": "long", "clip_seconds": failed, "batch_seconds": failed, "failed": "out of memory"})
    config = {"model": model, "phase": "inference", "device": "cuda", "sweep": ["clip-seconds", list(lengths)]}
    return Record("r", "", "finished", "", config, {}, tuple(rows), details={"cells": cells}, kind="measurement")


def lines(*records: Record) -> dict[str, list[tuple[float, float]]]:
    canvas = length_picture(records, [r.id for r in records]).canvas
    assert canvas is not None
    above = canvas.axes[0]
    named = [line for line in above.lines if not str(line.get_label()).startswith("_")]
    return {str(x.get_label()): list(zip(x.get_xdata(), x.get_ydata(), strict=True)) for x in named}  # type: ignore[arg-type]


def test_joules_of_each_model_by_hand() -> None:
    assert lines(sweep("a", 5.0, 1.0), sweep("b", 1.0, 2.0)) == {
        "a, inference": [(1.0, 100.0), (5.0, 500.0)],
        "b, inference": [(1.0, 100.0), (2.0, 200.0)],
    }


def test_one_model_without_metered_joules_turns_the_picture_to_speed() -> None:
    found = lines(sweep("a", 1.0, 5.0), sweep("b", 1.0, 2.0, method="modelled"))
    assert found["a, inference"] == [(1.0, 10.0), (5.0, 50.0)]


@pytest.mark.parametrize("lengths", [(), (1.0,)])
def test_fewer_than_two_results_make_no_figure(lengths: tuple[float, ...]) -> None:
    drawing = length_picture([sweep("a", *lengths, failed=60.0)], ["r"])
    assert drawing.canvas is None
    assert "a, inference at long (out of memory)" in drawing.omitted


def test_a_cell_that_failed_is_named() -> None:
    assert "a, inference at long (out of memory)" in length_picture([sweep("a", 1.0, 2.0, failed=60.0)], ["r"]).omitted
