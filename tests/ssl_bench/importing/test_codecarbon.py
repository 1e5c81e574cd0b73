"""What codecarbon recorded comes in with the method that it earned; the files were written by the versions in their names."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ssl_bench.importing.codecarbon import read_emissions
from ssl_bench.importing.run import import_runs
from ssl_bench.settings.importing import ImportConfig
from ssl_models.errors import BadInputError

FILES = Path(__file__).with_name("files")
VERSIONS = ("2.2.7", "2.8.4", "3.0.1", "3.3.2")


def written(version: str) -> dict[str, str]:
    return next(csv.DictReader(io.StringIO((FILES / f"codecarbon-{version}.csv").read_text())))


def changed(tmp_path: Path, version: str = "3.3.2", lines: int = 1, **cells: str) -> Path:
    """A file of codecarbon's with some of its cells changed."""
    line = {**written(version), **cells}
    path = tmp_path / "emissions.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(line))
        writer.writeheader()
        writer.writerows([line] * lines)
    return path


@pytest.mark.parametrize("version", VERSIONS)
def test_energies_are_those_of_the_file(version: str) -> None:
    line = written(version)
    (found,) = read_emissions(FILES / f"codecarbon-{version}.csv")
    assert found.version == version
    assert found.seconds.value == float(line["duration"])
    assert found.energy["cpu"].value == pytest.approx(3.6e6 * float(line["cpu_energy"]))
    assert found.energy["machine"].value == pytest.approx(3.6e6 * float(line["energy_consumed"]))
    assert found.carbon.value == pytest.approx(1000 * float(line["emissions"]))
    assert {scope: q.method for scope, q in found.energy.items()} == {
        "gpu": "unavailable", "cpu": "modelled", "dram": "modelled", "machine": "modelled"
    }  # fmt: skip
    assert "it saw no GPU" in found.energy["gpu"].note
    assert found.grid is not None
    assert found.grid.label.startswith(
        f"FRA by CodeCarbon {version}: 56.0" if version != "2.2.7" else "FRA by CodeCarbon 2.2.7: 67"
    )


def test_a_gpu_that_it_did_not_read_is_unavailable_and_not_zero() -> None:
    (found,) = read_emissions(FILES / "codecarbon-2.2.7-blind.csv")
    assert found.energy["gpu"].value is None
    assert "read no energy of its GPUs (1 x Scripted GPU)" in found.energy["gpu"].note
    assert found.device == "Scripted GPU"


def test_a_gpu_that_it_read_is_measured_and_counts_as_often_as_there_are(tmp_path: Path) -> None:
    path = changed(tmp_path, gpu_model="4 x NVIDIA A100-SXM4-80GB", gpu_energy="2.5", duration="3600")
    run, record = import_runs(
        ImportConfig(tool="codecarbon", source=str(path), out=str(tmp_path / "run")), "sslbench import"
    )
    energy = record.find("energy", "training", "gpu")
    assert energy is not None
    assert (energy.value, energy.method) == (pytest.approx(9e6), "measured")
    hours = record.find("device_hours", "training")
    assert hours is not None
    assert hours.value == 4.0
    assert record.settings.device == "cuda"
    assert len(record.machine.gpus) == 4
    assert run.read() == record


def test_the_building_is_taken_off_the_energy_and_stays_in_the_carbon(tmp_path: Path) -> None:
    """codecarbon multiplies energies by the PUE; ours are those of the devices."""
    (plain,) = read_emissions(changed(tmp_path, pue="1.0"))
    (built,) = read_emissions(changed(tmp_path, pue="1.5"))
    assert built.energy["cpu"].value == pytest.approx((plain.energy["cpu"].value or 0) / 1.5)
    assert built.carbon.value == plain.carbon.value
    assert built.pue == 1.5
    assert built.grid == plain.grid


def test_several_runs_have_names_of_their_own(tmp_path: Path) -> None:
    path = changed(tmp_path, lines=3)
    _, record = import_runs(ImportConfig(tool="codecarbon", source=str(path), out=str(tmp_path / "all")), "")
    assert list(dict.fromkeys(m.model for m in record.measurements)) == ["wav2vec2 #1", "wav2vec2 #2", "wav2vec2 #3"]
    second = ImportConfig(
        tool="codecarbon", source=str(path), run="wav2vec2 #2", name="second", out=str(tmp_path / "one")
    )
    _, record = import_runs(second, "")
    assert {m.model for m in record.measurements} == {"second"}
    with pytest.raises(BadInputError, match="holds 3 runs"):
        import_runs(ImportConfig(tool="codecarbon", source=str(path), name="x", out=str(tmp_path / "run")), "")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"duration": "long"}, "row 2: duration 'long' is not a number"),
        ({"emissions": "nan"}, "row 2: emissions nan"),
        ({"gpu_energy": "-1"}, "row 2: gpu_energy -1"),
        ({"pue": "0.5"}, "row 2: pue 0.5 is less than 1"),
        ({"cpu_energy": "inf"}, "row 2: cpu_energy inf"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_figures_that_cannot_be_are_refused_with_their_line(tmp_path: Path, cells: dict[str, str], said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        read_emissions(changed(tmp_path, **cells))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no project_name"),
        (b"a,b\n1,2\n", "no project_name"),
        (b"\xff\xfe\x00", "neither UTF-8 nor UTF-16 text"),
        (b'a,"b\n', "CSV"),
    ],
    ids=["empty", "another", "bytes", "open quote"],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "emissions.csv"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=said):
        read_emissions(path)
    with pytest.raises(BadInputError, match="No such file"):
        read_emissions(tmp_path / "gone.csv")


def test_imported_figures_stand_in_a_table_and_are_marked(
    sslbench: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    source = changed(tmp_path, gpu_model="NVIDIA A100", gpu_energy="2.5", duration="3600")
    done = sslbench(
        "import", "codecarbon", source, "--name", "theirs", "--audio-hours", "960", "--out", "old", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "next:     sslbench table old" in done.stdout
    shown = sslbench("table", "old", cwd=tmp_path).stdout
    assert "ⁱ imported from CodeCarbon 3.3.2" in shown
    row = next(line for line in shown.splitlines() if line.startswith("theirs"))
    assert row.count("ⁱ") >= 2
    document = json.loads(sslbench("table", "old", "--json", cwd=tmp_path).stdout)
    (found,) = document["rows"]
    assert found["Pretraining"]["value"] == pytest.approx(1.0)
    paper = sslbench("report", "old", "--out", "paper", cwd=tmp_path)
    assert paper.returncode == 0, paper.stderr
    assert "imported from CodeCarbon" in (tmp_path / "paper" / "tables" / "efficiency.md").read_text()
    twice = sslbench("import", "codecarbon", source, "--out", "old", cwd=tmp_path)
    assert (twice.returncode, "already holds" in twice.stderr) == (2, True)
