"""The long table and the run's document: round trips, readers of others, and files that are no records."""

from __future__ import annotations

import json
import math
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import METHODS, Method, Quantity, unavailable
from ssl_benchmarks.record.record import (
    PHASES,
    SCHEMA,
    SCOPES,
    Conditions,
    Measurement,
    Record,
    read_record,
    write_record,
)
from ssl_models.errors import BadInputError

COLUMNS = [
    "model", "phase", "metric", "scope", "value", "unit", "method", "ci95", "n", "note",
    "device", "driver", "power_limit", "dtype", "attention", "clip_seconds", "batch_seconds", "compile", "threads",
    "torch", "pue", "grid", "task", "head", "labels", "tested_on", "flaw",
]  # fmt: skip
"""In the order of the design."""

DESIGN_METRICS = """
    parameters, macs, flops, superb_macs, macs_per_audio_second, flops_per_audio_second, peak_memory, peak_host_memory,
    predicted_peak_memory, audio_seconds_per_second, data_wait, real_time_factor, latency_p50, latency_p95, energy,
    energy_net, energy_per_audio_hour, power_mean, power_idle, device_hours, duration, mfu, co2e, audio_hours_seen,
    memory_weights, memory_gradients, memory_optimizer, memory_activations, memory_reserved, bytes_moved, loss,
    masked_accuracy, target_entropy, cer, wer, per, accuracy, eer, abx, duration_lost, energy_lost, price, stated_cost"""

FINITE = st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(max_size=12)


@st.composite
def quantities(draw: st.DrawFn) -> Quantity:
    unit, note = draw(WORDS), draw(WORDS)
    method = draw(st.sampled_from(METHODS))
    if method == "unavailable":
        return unavailable(unit, note or "no reason")
    low, high = sorted((draw(FINITE), draw(FINITE)))
    ci95 = draw(st.sampled_from([None, (low, high)]))
    return Quantity(draw(FINITE), unit, method, ci95, draw(st.none() | st.integers(1, 10**9)), note)


@st.composite
def measurements(draw: st.DrawFn) -> Measurement:
    values: dict[str, Any] = {
        "float | None": FINITE,
        "str | None": WORDS,
        "int | None": st.integers(0, 512),
        "bool | None": st.booleans(),
    }
    conditions = {f.name: draw(st.none() | values[str(f.type)]) for f in fields(Conditions)}
    return Measurement(
        draw(WORDS),
        draw(st.sampled_from(sorted(METRICS))),
        draw(quantities()),
        draw(st.none() | st.sampled_from(sorted(PHASES))),
        draw(st.none() | st.sampled_from(sorted(SCOPES))),
        Conditions(**conditions),
    )


EXAMPLE = Record(
    id="run-1",
    created="2026-01-02T03:04:05+00:00",
    status="finished",
    command="sslbench train-and-measure",
    config={"seed": 1, "data": {"folder": None}},
    environment={"cpu": "ä CPU", "gpus": []},
    measurements=(
        Measurement("m", "energy", Quantity(1.5, "J", "measured", (1.0, 2.0), 7, "NVML"), "training", "gpu"),
        Measurement(
            "m", "energy", unavailable("J", "no counter"), "training", "cpu", Conditions(device="x", threads=2)
        ),
        Measurement("m", "parameters", Quantity(2e6, "1", "analytic")),
    ),
    artifacts={"report.md": "00ff"},
    details={"skipped": ["a.wav"]},
    kind="training",
)


@given(measurements())
def test_a_row_has_every_column_and_comes_back_the_same(measurement: Measurement) -> None:
    row = measurement.row()
    assert list(row) == COLUMNS
    assert Measurement.from_row(row) == measurement
    through_json = json.loads(json.dumps(row, allow_nan=False))
    assert Measurement.from_row(through_json) == measurement


@given(st.lists(measurements(), max_size=5))
def test_a_document_comes_back_the_same(rows: list[Measurement]) -> None:
    record = replace(EXAMPLE, measurements=tuple(rows))
    document = json.loads(json.dumps(record.document(), allow_nan=False))
    assert document["schema"] == "sslbench.run/1"
    assert [set(row) for row in document["measurements"]] == [set(COLUMNS)] * len(rows)
    assert record.extended(rows).measurements == (*rows, *rows)


def test_a_record_comes_back_from_the_disk_the_same(tmp_path: Path) -> None:
    write_record(EXAMPLE, tmp_path / "run.json")
    assert read_record(tmp_path / "run.json") == EXAMPLE


def test_pandas_reads_the_long_table_as_it_is(tmp_path: Path) -> None:
    import pandas as pd

    write_record(EXAMPLE, tmp_path / "run.json")
    table = pd.DataFrame(json.loads((tmp_path / "run.json").read_text())["measurements"])
    assert list(table.columns) == COLUMNS
    assert table["value"].dtype == float
    assert table.loc[table["scope"] == "gpu", "value"].item() == 1.5
    assert table["value"].isna().tolist() == [False, True, False]
    assert math.isclose(table.groupby("metric")["value"].sum()["parameters"], 2e6)


def test_metric_names_are_those_of_the_design() -> None:
    assert set(DESIGN_METRICS.replace(",", " ").split()) == set(METRICS)
    assert {"inference", "training", "targets", "finetuning", "evaluation", "idle"} == PHASES
    assert {"gpu", "cpu", "dram", "machine", "module"} == SCOPES


@pytest.mark.parametrize(
    ("metric", "phase", "scope", "word"),
    [("speed", None, None, "speed"), ("energy", "coffee", None, "coffee"), ("energy", None, "disk", "disk")],
)
def test_what_the_schema_does_not_know_is_refused(metric: str, phase: str | None, scope: str | None, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Measurement("m", metric, Quantity(1.0, "1", "measured"), phase, scope)


@pytest.mark.parametrize("column", COLUMNS[:-5])
def test_a_row_without_a_column_is_refused_and_one_more_passed_over(column: str) -> None:
    row = EXAMPLE.measurements[0].row()
    assert Measurement.from_row({**row, "speed": 1}) == EXAMPLE.measurements[0]
    del row[column]
    with pytest.raises(ValueError, match=column):
        Measurement.from_row(row)


def test_find_gives_the_first_row_that_fits() -> None:
    other = Measurement("other", "energy", Quantity(9.0, "J", "measured"), "training", "gpu")
    record = EXAMPLE.extended([other])
    assert record.find("energy", "training", "gpu") == EXAMPLE.measurements[0].quantity
    assert record.find("energy", "training", "gpu", model="other") == other.quantity
    assert record.find("energy") is None
    assert record.find("parameters") == EXAMPLE.measurements[2].quantity


def document_with(**changes: object) -> str:
    return json.dumps({**EXAMPLE.document(), **changes})


def row_with(**changes: object) -> str:
    return document_with(measurements=[{**EXAMPLE.measurements[0].row(), **changes}])


BROKEN = {
    "empty": "",
    "half a document": document_with()[:200],
    "a list": "[]",
    "null": "null",
    "another schema": document_with(schema="sslbench.run/2"),
    "no schema": "{}",
    "no rows": json.dumps({"schema": SCHEMA}),
    "an unknown kind": document_with(kind="poem"),
    "a status of its own": document_with(status="begun"),
    "details of another type": document_with(details={"disturbances": ["cpu"]}),
    "settings of another type": document_with(config={"pue": "1"}),
    "a machine of another type": document_with(environment={"gpus": [{"name": None}]}),
    "nested too deep": document_with(details={"x": "DEEP"}).replace('"DEEP"', "[" * 100 + "]" * 100),
    "larger than any number": document_with(details={"x": "HUGE"}).replace('"HUGE"', "1e999"),
    "rows that are none": document_with(measurements=[1, 2]),
    "rows for null": document_with(measurements=None),
    "a value for unavailable": row_with(method="unavailable"),
    "no value": row_with(value=None),
    "NaN": row_with(value=math.nan),
    "a text for a value": row_with(value="1.5"),
    "half an interval": row_with(ci95=[1.0]),
    "an interval backwards": row_with(ci95=[2.0, 1.0]),
    "an unknown method": row_with(method="guessed"),
    "an unknown metric": row_with(metric="speed"),
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN.keys())
def test_what_is_no_record_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(BadInputError) as caught:
        read_record(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [document_with(colour="red"), row_with(speed=1)], ids=["field", "column"])
def test_what_a_later_version_adds_is_passed_over(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    assert read_record(path).measurements[0] == EXAMPLE.measurements[0]


@pytest.mark.parametrize(
    ("mark", "kind"),
    [
        ("study", "study"),
        ("rounds", "comparison"),
        ("cells", "measurement"),
        ("findings", "evaluation"),
        ("x", "training"),
    ],
)
def test_an_older_record_is_of_the_kind_that_its_details_are(tmp_path: Path, mark: str, kind: str) -> None:
    document = EXAMPLE.document() | {"details": {mark: {"equal": None, "budget": None} if mark == "study" else []}}
    del document["kind"]
    (tmp_path / "run.json").write_text(json.dumps(document))
    assert read_record(tmp_path / "run.json").kind == kind


@pytest.mark.parametrize("kind", ["missing", "folder", "not text"])
def test_what_cannot_be_read_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "run.json"
    if kind == "folder":
        path.mkdir()
    elif kind == "not text":
        path.write_bytes(b"\x80\xff")
    with pytest.raises(BadInputError, match=r"run\.json"):
        read_record(path)


def test_nothing_but_finite_numbers_reaches_the_disk(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_record(replace(EXAMPLE, details={"rate": math.nan}), tmp_path / "run.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "run.json"
    write_atomically(path, "old")
    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), fail)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    path = tmp_path / "run.json"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_written_can_be_read_by_others(tmp_path: Path) -> None:
    """A temporary file is made for its owner alone; the record is not."""
    write_atomically(tmp_path / "run.json", "ä")
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "run.json").read_bytes() == "ä".encode()


def test_a_row_from_before_error_rates_had_columns_is_still_read() -> None:
    """Records of version 0.1 lack the last four columns; what they are about is unknown, not refused."""
    row = Measurement("m", "cer", Quantity(0.5, "1", "measured"), "evaluation").row()
    before = {name: row[name] for name in COLUMNS[:-5]}
    assert Measurement.from_row(before) == Measurement.from_row(row)


@pytest.mark.parametrize(("column", "value"), [("unit", None), ("note", 3), ("model", ["m"]), ("metric", 1)])
def test_a_row_whose_words_are_none_is_refused(column: str, value: object) -> None:
    row = EXAMPLE.measurements[0].row()
    with pytest.raises(ValueError, match=f"{column}: Input should be"):
        Measurement.from_row({**row, column: value})


@pytest.mark.parametrize(
    ("metric", "method", "note", "kept"),
    [
        ("energy", "modelled", "mean of 22.5 (seed 0), 23 (seed 1)", False),
        ("power_mean", "modelled", "codecarbon", False),
        ("co2e", "modelled", "energy modelled; PUE 1", False),
        ("co2e", "modelled", "energy measured; PUE 1", True),
        ("energy", "measured", "RAPL", True),
        ("energy", "sampled", "power samples", True),
    ],
)
def test_modelled_figures_of_old_records_have_no_interval_either(
    tmp_path: Path, metric: str, method: Method, note: str, *, kept: bool
) -> None:
    """Records of version 0.1 gave them one over seeds, in which their model's error is not."""
    row = Measurement("m", metric, Quantity(2.0, "J", method, (1.0, 3.0), 2, note), "training", "machine")
    write_record(replace(EXAMPLE, measurements=(row,)), tmp_path / "run.json")
    assert read_record(tmp_path / "run.json").measurements == (row,)
    document = json.loads((tmp_path / "run.json").read_text())
    del document["measurements"][0]["flaw"]
    (tmp_path / "run.json").write_text(json.dumps(document))
    (found,) = read_record(tmp_path / "run.json").measurements
    assert found.quantity == replace(row.quantity, ci95=(1.0, 3.0) if kept else None)


def test_notes_of_old_records_name_no_key(tmp_path: Path) -> None:
    note = "the peak less weights, gradients, {}: input, activations, workspaces"
    row = Measurement(
        "m", "memory_activations", Quantity(2.0, "B", "analytic", note=note.format("optimizer")), "training"
    )
    write_record(replace(EXAMPLE, measurements=(row,)), tmp_path / "run.json")
    document = json.loads((tmp_path / "run.json").read_text())
    del document["measurements"][0]["flaw"]
    (tmp_path / "run.json").write_text(json.dumps(document))
    (found,) = read_record(tmp_path / "run.json").measurements
    assert found.quantity.note == note.format("optimiser state")
