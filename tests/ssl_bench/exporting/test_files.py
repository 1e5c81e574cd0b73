"""Files are read back by the libraries whose forms they have."""

from __future__ import annotations

import csv
import json
from dataclasses import fields, replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from codecarbon.output_methods.emissions_data import EmissionsData

from ssl_bench.exporting.codecarbon import write_emissions
from ssl_bench.exporting.export import export
from ssl_bench.importing.codecarbon import read_emissions
from ssl_bench.settings.exporting import ExportConfig
from ssl_benchmarks.record.quantity import unavailable
from ssl_benchmarks.record.record import Measurement, Record, read_run
from ssl_models.errors import BadInputError


def exported(run: Path, to: str, **options: str) -> tuple[Record, Path]:
    record, place = export(ExportConfig(run=str(run), to=to, **options))  # type: ignore[arg-type] # one of its forms
    return record, Path(place)


def test_parquet_is_the_long_table(run: Path) -> None:
    record, path = exported(run, "parquet")
    assert path == run / "measurements.parquet"
    table = pq.read_table(path)
    assert table.to_pylist() == [row.row() for row in record.measurements]
    kinds = {
        name: str(table.schema.field(name).type)
        for name in ("value", "n", "compile", "clip_seconds", "note", "threads")
    }
    assert kinds == {
        "value": "double",
        "n": "int64",
        "compile": "bool",
        "clip_seconds": "double",
        "note": "string",
        "threads": "int64",
    }
    rest = json.loads(table.schema.metadata[b"sslbench.run/1"])
    assert (rest["id"], rest["config"]["country"]) == (record.id, "FRA")
    assert "measurements" not in rest


def test_parquet_of_nothing_still_has_its_columns(run: Path, tmp_path: Path) -> None:
    from ssl_bench.exporting.tables import write_parquet

    write_parquet(replace(read_run(run), measurements=()), tmp_path / "empty.parquet")
    assert pq.read_table(tmp_path / "empty.parquet").column_names == list(read_run(run).measurements[0].row())


def test_csv_is_the_long_table(run: Path, tmp_path: Path) -> None:
    record, path = exported(run, "csv", out=str(tmp_path / "x.csv"))
    with path.open(newline="") as file:
        lines = list(csv.DictReader(file))
    expected = [row.row() for row in record.measurements]
    assert list(lines[0]) == list(expected[0])
    for line, row in zip(lines, expected, strict=True):
        assert (float(line["value"]) if line["value"] else None) == row["value"]
        assert (line["unit"], line["method"], line["note"]) == (row["unit"], row["method"], row["note"])
        assert (json.loads(line["ci95"]) if line["ci95"] else None) == row["ci95"]
    assert len(pd.read_csv(path)) == len(expected)


def test_emissions_have_codecarbon_s_columns_and_are_blank_where_nothing_is_known(run: Path) -> None:
    record, path = exported(run, "codecarbon")
    frame = pd.read_csv(path)
    assert list(frame.columns) == [field.name for field in fields(EmissionsData)]
    assert list(frame["project_name"]) == [
        "efficient-tiny, training",
        "efficient-tiny, targets",
        "efficient-tiny, inference",
    ]
    training = frame.iloc[0]
    joules = record.find("energy", "training", "machine")
    assert joules is not None
    assert training["energy_consumed"] * 3.6e6 == pytest.approx(joules.value)
    assert training["emissions"] * 1000 == pytest.approx(0.2590025231745262)
    assert (training["country_iso_code"], training["cpu_model"], training["codecarbon_version"]) == (
        "FRA",
        "AMD EPYC",
        "sslbench 0.1.0",
    )
    unknown = [
        "gpu_energy",
        "gpu_power",
        "gpu_model",
        "gpu_count",
        "water_consumed",
        "on_cloud",
        "longitude",
        "ram_used_gb",
    ]
    assert frame[unknown].isna().all().all()


def test_our_own_import_reads_the_same_figures(run: Path) -> None:
    record, path = exported(run, "codecarbon")
    found = {each.name: each for each in read_emissions(path)}["efficient-tiny, training"]
    for scope in ("cpu", "dram", "machine"):
        ours = record.find("energy", "training", scope)
        assert ours is not None
        assert found.energy[scope].value == pytest.approx(ours.value)
    assert found.energy["gpu"].value is None
    assert found.carbon.value == pytest.approx(0.2590025231745262)


def test_pue_and_gpus_go_out_and_come_in_again_never_better_than_they_were(run: Path, tmp_path: Path) -> None:
    """codecarbon's energies contain the PUE; how a GPU's energy was obtained is lost, so that it counts as modelled."""
    record = read_run(run)
    gpus = [{"name": "Card A"}, {"name": "Card A"}]
    rows = [replace(m, conditions=replace(m.conditions, pue=1.5)) for m in record.measurements if m.phase == "training"]
    rows = [
        replace(m, quantity=replace(record.find("energy", "training", "cpu"), method="measured"))
        if (m.metric, m.scope) == ("energy", "gpu") else m for m in rows
    ]  # fmt: skip
    changed = replace(record, measurements=tuple(rows), environment={**record.environment, "gpus": gpus})
    assert write_emissions(changed, tmp_path / "emissions.csv") == 1
    (found,) = read_emissions(tmp_path / "emissions.csv")
    cpu = record.find("energy", "training", "cpu")
    assert cpu is not None
    assert (found.energy["gpu"].value, found.energy["gpu"].method) == (pytest.approx(cpu.value), "modelled")
    assert (found.pue, found.gpus) == (1.5, ("Card A", "Card A"))


def test_without_a_grid_emissions_are_blank_and_not_zero(run: Path, tmp_path: Path) -> None:
    record = read_run(run)
    rows = [replace(m, quantity=unavailable("g", "no grid")) if m.metric == "co2e" else m for m in record.measurements]
    write_emissions(replace(record, measurements=tuple(rows)), tmp_path / "emissions.csv")
    assert pd.read_csv(tmp_path / "emissions.csv")["emissions"].isna().all()
    found = read_emissions(tmp_path / "emissions.csv")[0]
    assert (found.carbon.value, found.grid) == (None, None)
    assert "recorded no emissions" in found.carbon.note


def test_a_record_without_times_has_no_emissions(run: Path, tmp_path: Path) -> None:
    counted: tuple[Measurement, ...] = tuple(m for m in read_run(run).measurements if m.metric == "flops")
    with pytest.raises(BadInputError, match="nothing in it was timed"):
        write_emissions(replace(read_run(run), measurements=counted), tmp_path / "emissions.csv")
    assert not (tmp_path / "emissions.csv").exists()


@pytest.mark.parametrize("to", ["csv", "parquet", "codecarbon"])
def test_a_place_that_cannot_be_written_is_one_line(run: Path, tmp_path: Path, to: str) -> None:
    with pytest.raises(BadInputError, match=r"cannot be written .*choose another --out"):
        exported(run, to, out=str(tmp_path / "none" / "x"))
