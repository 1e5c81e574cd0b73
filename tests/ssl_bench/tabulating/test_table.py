"""A table, a run and a record from Python and in a notebook."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ssl_bench import read_run, table
from ssl_benchmarks.energy.reading import EnergyReading
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record, write_record
from ssl_models.errors import BadInputError

ON = Conditions(device="cpu", dtype="float32", clip_seconds=5.0, batch_seconds=20.0, pue=1.0)


def measured(name: str, model: str, speed: float, flaw: str = "") -> Record:
    found = Quantity(speed, "s/s", "measured", (speed * 0.99, speed * 1.01), flaw=flaw)
    rows = (
        Measurement(model, "audio_seconds_per_second", found, "inference", None, ON),
        Measurement(model, "peak_memory", unavailable("B", "the allocator <is> silent"), "inference", None, ON),
    )
    created = "2026-11-28T08:00:00+00:00"
    return Record(name, created, "finished", "sslbench measure", {"device": "cpu"}, {}, rows, kind="measurement")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two runs."""
    for name, model, speed in (("one", "essl", 100.0), ("two", "hubert-base", 50.0)):
        (tmp_path / "runs" / name).mkdir(parents=True)
        write_record(measured(name, model, speed), tmp_path / "runs" / name / "run.json")
    return tmp_path / "runs"


def test_a_run_is_read_from_a_path_or_its_text(folder: Path) -> None:
    assert read_run(folder / "one") == read_run(str(folder / "one" / "run.json")) == measured("one", "essl", 100.0)
    with pytest.raises(BadInputError, match="no such file"):
        read_run(folder / "three")


def test_a_record_is_a_frame_and_short_to_print(folder: Path) -> None:
    record = read_run(folder / "one")
    frame = record.frame()
    assert list(frame["metric"]) == ["audio_seconds_per_second", "peak_memory"]
    assert frame["value"][0] == 100.0
    assert frame["ci95"][0] == [99.0, 101.0]
    assert repr(record) == "<measurement one, finished: essl; 2 measurements>"
    shown = record._repr_html_()
    assert "&lt;measurement one" in shown
    assert "audio_seconds_per_second" in shown


def test_a_table_of_a_folder_of_runs_is_a_styled_frame(folder: Path) -> None:
    styled = table(folder, columns=("rtf", "memory"), baseline="essl", name={"essl": "essL <90 M>"})
    assert list(styled.data["Model"]) == ["essL <90 M>", "hubert-base"]
    assert list(styled.data["Inference speed (x real time)"]) == [100.0, 50.0]
    assert all(math.isnan(value) for value in styled.data["Peak memory (GiB)"])
    shown = styled.to_html()
    assert "100.0 ± 1.0" in shown
    assert "50.0 ± 0.5 (0.500×)" in shown
    assert "Inference peak memory" in shown
    assert "not available: the allocator &lt;is&gt; silent" in shown
    assert "nan" not in shown


def test_records_in_memory_and_paths_go_together(folder: Path) -> None:
    disturbed = measured("three", "wavlm-base", 70.0, "disturbed")
    styled = table([disturbed, folder / "one", str(folder / "two")])
    assert list(styled.data["Model"]) == ["wavlm-base", "essl", "hubert-base"]
    assert "†" in styled.to_html()


def test_an_unknown_option_is_refused(folder: Path) -> None:
    with pytest.raises(BadInputError, match="did you mean columns"):
        table(folder, colums=("rtf",))


def test_a_reading_is_short_to_print() -> None:
    import pandas as pd

    none = unavailable("J", "no GPU")
    joules = Quantity(12.3456, "J", "modelled")
    reading = EnergyReading(Quantity(2.0, "s", "measured"), none, {}, joules, none, none, none, pd.DataFrame())
    assert repr(reading).startswith(
        "<energy over 2 s (measured): gpu n/a, cpu 12.35 J (modelled), dram n/a, machine 12.35 J"
    )
    assert len(repr(reading)) < 200
