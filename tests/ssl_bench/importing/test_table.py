"""A user's own table comes in as what the user says of its columns, and with no other method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ssl_bench.importing.run import import_runs
from ssl_bench.settings.importing import ImportConfig
from ssl_benchmarks.record.record import Record
from ssl_models.errors import BadInputError

TABLE = """run,secs,kWh,GPU kWh,n,card,WER,memory,hours
big,3600,2.0,1.5,4,A100,5.1,12,960
small,60,,0.01,1,A100,9,,
"""
MAPPING = (
    "name=run", "duration=secs:s", "energy=kWh:kWh", "energy.gpu=GPU kWh:kWh", "gpus=n", "device=card", "wer=WER:%",
    "peak_memory=memory:GiB", "audio_hours_seen=hours",
)  # fmt: skip


def imported(tmp_path: Path, text: str = TABLE, mapping: tuple[str, ...] = MAPPING, **options: Any) -> Record:
    source = tmp_path / "costs.csv"
    source.write_text(text)
    config = ImportConfig(tool="csv", source=str(source), mapping=mapping, out=str(tmp_path / "run"), **options)
    config.check()
    return import_runs(config, "sslbench import")[1]


def value(record: Record, model: str, metric: str, phase: str = "training", scope: str | None = None) -> float | None:
    found = record.find(metric, phase, scope, model)
    assert found is not None
    return found.value


def test_columns_become_metrics_in_si_units(tmp_path: Path) -> None:
    record = imported(tmp_path)
    assert {m.model for m in record.measurements} == {"big", "small"}
    assert value(record, "big", "duration") == 3600
    assert value(record, "big", "device_hours") == 4.0
    assert value(record, "big", "energy", scope="gpu") == pytest.approx(5.4e6)
    assert value(record, "big", "energy", scope="machine") == pytest.approx(7.2e6)
    assert value(record, "big", "wer", "evaluation") == pytest.approx(0.051)
    assert value(record, "big", "peak_memory") == 12 * 2**30
    assert value(record, "big", "audio_seconds_per_second") == 960
    assert value(record, "big", "energy_per_audio_hour", scope="gpu") == pytest.approx(5.4e6 / 960)
    assert {m.conditions.device for m in record.measurements} == {"A100"}
    assert record.settings.device == "cuda"
    assert [gpu.name for gpu in record.machine.gpus] == ["A100"] * 4


def test_an_empty_cell_is_not_stated_and_follows_from_nothing(tmp_path: Path) -> None:
    record = imported(tmp_path)
    assert value(record, "small", "peak_memory") is None
    assert value(record, "small", "energy", scope="machine") is None
    missing = record.find("audio_hours_seen", "training", None, "small")
    assert missing is not None
    assert missing.note == "imported from a CSV table: not stated"
    assert record.find("audio_seconds_per_second", "training", None, "small") is None


@pytest.mark.parametrize("method", ["stated", "measured", "sampled", "modelled"])
def test_the_method_is_the_user_s_word(tmp_path: Path, method: str) -> None:
    record = imported(tmp_path, method=method)
    energy = record.find("energy", "training", "gpu", "big")
    assert energy is not None
    assert energy.method == method
    assert (
        energy.imported
        == f"imported from a CSV table: {'' if method == 'stated' else f'{method}, as '}stated by the user"
    )


def test_what_no_column_states_is_unavailable(tmp_path: Path) -> None:
    """Neither a time nor a number of GPUs: no device-hours; the rows have names of their own."""
    record = imported(tmp_path, mapping=("energy.gpu=GPU kWh:kWh",))
    assert list(dict.fromkeys(m.model for m in record.measurements)) == ["costs row 2", "costs row 3"]
    hours = record.find("device_hours", "training")
    assert hours is not None
    assert hours.note == "the number of its devices is not recorded"
    assert value(record, "costs row 2", "duration") is None
    assert record.settings.device == "cuda"
    assert record.find("energy", "training", "machine").value == pytest.approx(5.4e6)  # type: ignore[union-attr] # of the GPU alone


def test_device_hours_may_be_stated_themselves(tmp_path: Path) -> None:
    record = imported(tmp_path, mapping=("name=run", "device_hours=secs:h", "co2e=kWh:kg"))
    assert value(record, "big", "device_hours") == 3600
    assert value(record, "big", "co2e", scope="machine") == 2000
    assert record.settings.device == "cpu"


def test_rows_of_one_name_are_told_apart_and_one_is_chosen(tmp_path: Path) -> None:
    text = TABLE.replace("small", "big")
    assert {m.model for m in imported(tmp_path, text).measurements} == {"big #1", "big #2"}
    (tmp_path / "other").mkdir()
    record = imported(tmp_path / "other", text, run="big #2", name="second")
    assert {m.model for m in record.measurements} == {"second"}


@pytest.mark.parametrize(
    ("text", "mapping", "said"),
    [
        ("", MAPPING, "not such a table: no run"),
        ("run,secs\n", ("name=run",), "not such a table: no run"),
        (TABLE, ("wer=wer",), "not such a table: no wer"),
        (TABLE, ("duration=card",), "row 2: card 'A100' is not a number"),
        (TABLE.replace("5.1", "nan"), MAPPING, "row 2: WER nan is not a finite number"),
        (TABLE.replace("5.1", "-5"), MAPPING, "row 2: WER -5 is not"),
        (TABLE.replace("3600", "1e308"), ("duration=secs:d",), "row 2: a value must be finite"),
        (TABLE.replace("4,A", "1.5,A"), MAPPING, "row 2: 1.5 GPUs"),
        (TABLE.replace("4,A", "1e9,A"), MAPPING, "row 2: 1e.09 GPUs"),
        (TABLE + "x,1,2,3,4,5,6,7,8,9\n", MAPPING, "row 4: more cells than columns"),
        (TABLE + '"x\n', MAPPING, "not a CSV file"),
        (TABLE + "x\0\n", MAPPING, "neither UTF-8 text"),
    ],
    ids=[
        "empty",
        "no row",
        "column",
        "text",
        "nan",
        "negative",
        "huge",
        "half a GPU",
        "many GPUs",
        "long",
        "quote",
        "zero byte",
    ],
)
def test_other_tables_are_refused(tmp_path: Path, text: str, mapping: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        imported(tmp_path, text, mapping)
    assert not (tmp_path / "run").exists()


def test_a_figure_too_large_to_convert_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"costs\.csv: a value must be finite"):
        imported(tmp_path, TABLE.replace("2.0", "1e301"), ("energy=kWh:kWh",), audio_hours=1e-9)


def test_a_file_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ssl_bench.importing import rows

    monkeypatch.setattr(rows, "MOST_BYTES", 2**20)
    with pytest.raises(BadInputError, match=r"larger than 1 MiB; split it"):
        imported(tmp_path, TABLE + " " * 2**20)
    monkeypatch.setattr(rows, "MOST_ROWS", 1)
    with pytest.raises(BadInputError, match=r"holds more than 1 rows; split it"):
        imported(tmp_path)
