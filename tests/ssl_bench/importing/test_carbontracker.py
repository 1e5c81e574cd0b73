"""What carbontracker logged comes in as sampled or modelled energy; the logs were written by the versions in their names."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ssl_bench.importing.carbontracker import read_logs
from ssl_bench.importing.run import import_runs
from ssl_bench.settings.importing import ImportConfig
from ssl_models.errors import BadInputError

FILES = Path(__file__).with_name("files")


def log(name: str) -> Path:
    return FILES / f"{name}_carbontracker.log"


@pytest.mark.parametrize(("version", "cpu"), [("1.2.5", None), ("2.4.7", 60.0)], ids=["1.2.5", "2.4.7"])
def test_energy_is_each_epoch_s_power_times_its_duration(version: str, cpu: float | None) -> None:
    """Two epochs of 3 s on a scripted GPU of 200 W."""
    (found,) = read_logs(log(f"gpu-{version}"))
    assert (found.version, found.device, found.gpus) == (version, "Scripted GPU", ("Scripted GPU",))
    assert found.seconds.value == pytest.approx(6.0, abs=0.05)
    gpu = found.energy["gpu"]
    assert (gpu.value, gpu.method) == (pytest.approx(1200.0, rel=0.01), "sampled")
    assert found.energy["cpu"].value == (None if cpu is None else pytest.approx(6 * cpu, rel=0.01))
    assert found.energy["dram"].value is None


def test_its_pue_stays_in_the_carbon_and_a_default_place_is_said() -> None:
    """Its own sum of this run was 0.304681 g."""
    (found,) = read_logs(log("gpu-2.4.7"))
    assert found.pue == 1.58
    assert found.carbon.value == pytest.approx(0.304681, rel=1e-3)
    assert "a default where it knew no place" in found.carbon.note
    assert found.grid is not None
    assert found.grid.endswith("445 g/kWh")


def test_a_cpu_alone_is_modelled() -> None:
    (found,) = read_logs(log("cpu-2.4.7"))
    assert found.energy["cpu"].method == "modelled"
    assert "it saw no GPU" in found.energy["gpu"].note
    assert found.device == "AMD EPYC"


def test_a_folder_of_logs_is_a_run_for_each(tmp_path: Path) -> None:
    for file in FILES.glob("*_carbontracker.log"):
        shutil.copy(file, tmp_path / file.name)
    config = ImportConfig(tool="carbontracker", source=str(tmp_path), out=str(tmp_path / "run"))
    _, record = import_runs(config, "sslbench import")
    assert {m.model for m in record.measurements} == {"gpu-1.2.5", "gpu-2.4.7", "cpu-2.4.7"}


def test_several_devices_add_up(tmp_path: Path) -> None:
    text = log("gpu-1.2.5").read_text().replace("[200.]", "[200. 100.5]").replace("Scripted GPU.", "Card A, Card B.")
    (tmp_path / "x_carbontracker.log").write_text(text)
    (found,) = read_logs(tmp_path)
    assert found.gpus == ("Card A", "Card B")
    assert found.energy["gpu"].value == pytest.approx(6 * 300.5, rel=0.01)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a log of carbontracker"),
        ("2026-11-29 03:52:20 - carbontracker version 1.2.5\n", "no epoch ended"),
        (None, "a power of nan W"),
    ],
    ids=["empty", "no epoch", "nan"],
)
def test_other_files_are_refused(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "x_carbontracker.log"
    path.write_text(log("gpu-1.2.5").read_text().replace("[200.]", "[nan]") if text is None else text)
    with pytest.raises(BadInputError, match=said):
        read_logs(path)
    with pytest.raises(BadInputError, match="no such file"):
        read_logs(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInputError, match="holds no"):
        read_logs(tmp_path / "empty")
