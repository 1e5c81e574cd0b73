"""Cells picked from a record, their tables, report and picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_benchmarks.timing.protocol import Protocol
from ssl_reports.pictures.length import sweep_picture
from ssl_reports.reading.cells import cell_lines, cells_of, failures, interval, sweep_rows
from ssl_reports.summaries.measuring import measure_tables, write_measure_report

MODEL = "[bold]tiny"


def rows(clip: float, batch: float, speed: float, joules: Quantity) -> list[Measurement]:
    """Rows of a cell; latency of one clip where the batch has more."""
    held = Conditions(clip_seconds=clip, batch_seconds=batch)

    def row(metric: str, quantity: Quantity, scope: str | None = None, conditions: Conditions = held) -> Measurement:
        return Measurement(MODEL, metric, quantity, "inference", scope, conditions)

    found = [
        row("audio_seconds_per_second", Quantity(speed, "s/s", "measured", (speed / 2, speed * 20), 30, "a note")),
        row("latency_p50", Quantity(batch / speed, "s", "measured")),
        row("peak_memory", Quantity(clip * 2.0**20, "B", "measured")),
        row("predicted_peak_memory", Quantity(clip * 2.0**19, "B", "analytic")),
        row("energy_per_audio_hour", joules, "machine"),
        row("energy_per_audio_hour", unavailable("J/h", "no GPU"), "gpu"),
    ]
    alone = replace(held, batch_seconds=clip)
    return found + ([row("latency_p50", Quantity(0.5, "s", "measured"), None, alone)] if batch > clip else [])


def record(joules: Quantity, sweep: tuple[str, tuple[float, ...]] | None) -> Record:
    """Two cells with a result and one without."""
    cells = [
        {"label": "clip-seconds=1", "clip_seconds": 1.0, "batch_seconds": 4.0, "warm_up": "steady after 7 calls"},
        {"label": "clip-seconds=2", "clip_seconds": 2.0, "batch_seconds": 4.0, "warm_up": "steady after 8 calls"},
        {"label": "clip-seconds=8", "clip_seconds": 8.0, "batch_seconds": 8.0, "failed": "killed (SIGKILL)"},
    ]
    config = {
        "model": MODEL, "phase": "inference", "device": "cpu", "precision": "float32", "sweep": sweep,
        "protocol": {"duration": 2.0, "repeats": 3, "cool_down": 1.0, "window": 0.5, "tolerance": 0.03},
    }  # fmt: skip
    held = Conditions(clip_seconds=8.0, batch_seconds=8.0)
    lost = Measurement(MODEL, "peak_memory", unavailable("B", "killed (SIGKILL)"), "inference", None, held)
    details = {"cells": cells, "speech": "made up", "disturbances": {"clip-seconds=2": ["cpu: others took a core"]}}
    return Record(
        "swept", "2026-11-20T08:00:00+00:00", "finished", "sslbench measure", config, {"cpu": "a processor", "gpus": []},
        (*rows(1.0, 4.0, 100.0, joules), *rows(2.0, 4.0, 200.0, joules), lost), details=details, kind="measurement",
    )  # fmt: skip


MODELLED = Quantity(300.0, "J/h", "modelled")
MEASURED = Quantity(300.0, "J/h", "measured", (290.0, 310.0))
SWEEP = ("clip-seconds", (1.0, 2.0, 8.0))


def test_each_cell_has_its_own_rows() -> None:
    one, two, lost = cells_of(record(MODELLED, SWEEP))
    speeds = [cell.find("audio_seconds_per_second") for cell in (one, two)]
    assert [q.value for q in speeds if q] == [100.0, 200.0]
    assert lost.failed == "killed (SIGKILL)"
    alone = one.find("latency_p50", alone=True)
    assert alone is not None
    assert alone.value == 0.5
    assert failures([one, two, lost]) == ["clip-seconds=8: killed (SIGKILL)"]


def test_lines_of_a_cell_by_hand() -> None:
    lines = {line.name: line for line in cell_lines(cells_of(record(MEASURED, None))[0], "cpu")}
    assert (lines["speed"].value, lines["speed"].interval) == ("100", "[50.0, 2,000]")
    assert (lines["median latency"].value, lines["median latency"].unit) == ("40.0", "ms")
    assert (lines["median latency of one clip"].value, lines["median latency of one clip"].unit) == ("500", "ms")
    assert (lines["energy per audio hour, machine"].value, lines["energy per audio hour, machine"].interval) == (
        "300",
        "[290, 310]",
    )
    assert "energy per audio hour, gpu" not in lines, "what is not here is said once, in the headline's scope"
    assert (lines["peak memory"].value, lines["peak memory"].unit) == ("1.00", "MiB")


def test_an_interval_is_in_the_unit_of_its_value() -> None:
    assert interval(Quantity(0.9, "s", "measured", (0.8, 1.1))) == "[800, 1.10 s]"
    assert interval(Quantity(2.0, "s/s", "measured", (1.0, 3.0))) == "[1.00, 3.00]"
    assert interval(unavailable("s", "no")) == ""


def test_the_sweeps_table_by_hand() -> None:
    first, _, lost = sweep_rows(cells_of(record(MODELLED, SWEEP)), "cpu")
    assert first == ("1 s", "4 s", "100", "[50.0, 2,000]", "300", "40.0 ms", "", "1.00 MiB", "")
    assert lost[:3] == ("8 s", "8 s", "not available")


def test_the_report_says_what_the_record_says(tmp_path: Path) -> None:
    write_measure_report(record(MODELLED, SWEEP), tmp_path)
    text = (tmp_path / "report.md").read_text()
    for words in (
        "machine energy: modelled", "| 8 s | 8 s | not available |", "Not available: killed (SIGKILL).",
        "steady after 8 calls", "cpu: others took a core", "(sweep.png)", "- speed: a note", "Speech: made up",
    ):  # fmt: skip
        assert words in text, words
    assert (tmp_path / "sweep.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_record_that_broke_off_has_a_report_too(tmp_path: Path) -> None:
    whole = record(MODELLED, SWEEP)
    none = replace(whole, measurements=(), details={**whole.details, "cells": [], "stopped": "by the user"})
    write_measure_report(none, tmp_path)
    assert "not all cells were reached" in (tmp_path / "report.md").read_text()
    assert not (tmp_path / "sweep.png").exists()
    assert len(measure_tables(none)) == 1


@pytest.mark.parametrize(
    ("joules", "label"),
    [(MEASURED, "Energy (J per audio hour)"), (MODELLED, "Speed (× real time)")],
    ids=["metered", "modelled"],
)
def test_the_picture_shows_joules_only_where_they_are_metered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, joules: Quantity, label: str
) -> None:
    """Modelled joules say no more than the time. The axis ends near the values, however wide an interval is."""
    import matplotlib.figure

    figures: list[matplotlib.figure.Figure] = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    assert sweep_picture(record(joules, SWEEP), tmp_path / "x.png")
    above, below = figures[0].axes
    assert above.get_ylabel() == label
    assert above.get_ylim()[1] == pytest.approx(450.0 if joules is MEASURED else 300.0)
    assert list(above.lines[0].get_xdata()) == [1.0, 2.0]
    assert [list(line.get_ydata()) for line in below.lines] == [[1.0, 2.0], [0.5, 1.0]]
    assert [text.get_text() for text in below.get_xticklabels()] == ["1", "2"]


def test_batches_are_on_the_axis_of_a_sweep_over_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib.figure

    figures: list[matplotlib.figure.Figure] = []
    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", lambda figure, *_, **__: figures.append(figure))
    sweep_picture(record(MODELLED, ("batch-seconds", (4.0,))), tmp_path / "x.png")
    assert list(figures[0].axes[0].lines[0].get_xdata()) == [4.0, 4.0]
    assert "batch" in figures[0].axes[1].get_xlabel()


def test_one_cell_is_no_curve(tmp_path: Path) -> None:
    whole = record(MODELLED, None)
    one = replace(whole, details={**whole.details, "cells": whole.details["cells"][:1]})
    assert not sweep_picture(one, tmp_path / "x.png")
    (table,) = measure_tables(one)
    assert table.row_count == len(cell_lines(cells_of(one)[0], "cpu"))


def test_the_protocol_of_the_record_is_the_real_one() -> None:
    known = {field for field in record(MODELLED, None).config["protocol"]}  # noqa: C416 - keys of a dict
    assert known <= set(Protocol.__dataclass_fields__)
