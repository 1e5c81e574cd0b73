"""What a ZeusMonitor logged comes in as the driver's counter read it; the files were written by the versions in their names."""

from __future__ import annotations

from pathlib import Path

import pytest

from ssl_bench.importing.run import import_runs
from ssl_bench.importing.zeus import read_windows
from ssl_bench.settings.importing import ImportConfig
from ssl_models.errors import BadInputError

FILES = Path(__file__).with_name("files")


@pytest.mark.parametrize(("file", "gpus", "watts"), [("zeus-0.16.0", 2, 300), ("zeus-ml-0.8.2", 1, 100)])
def test_a_window_has_its_time_and_the_energy_of_its_gpus(file: str, gpus: int, watts: int) -> None:
    """Scripted GPUs of 100 W and 200 W, whose counter is renewed every 0.1 s."""
    found = {each.name: each for each in read_windows(FILES / f"{file}.csv")}
    assert list(found) == ["epoch", "training", "evaluation, dev", "short"]
    training = found["training"]
    assert training.seconds.value == pytest.approx(3.0, abs=0.01)
    gpu = training.energy["gpu"]
    assert (gpu.value, gpu.method) == (pytest.approx(3 * watts, abs=0.15 * watts), "measured")
    assert training.energy["machine"].value == gpu.value
    assert "without cpu (imported from zeus: not in its log file)" in training.energy["machine"].note
    assert training.gpus == ("GPU not recorded",) * gpus
    assert training.figures["device_hours", None].value == pytest.approx(3 * gpus / 3600, rel=0.01)
    assert training.created.startswith("2026-11-29T")


def test_windows_of_one_name_add_up() -> None:
    """Two epochs of 1.5 s: 160 J and 320 J, then 150 J and 300 J."""
    epoch = read_windows(FILES / "zeus-0.16.0.csv")[0]
    assert epoch.energy["gpu"].value == 930.0
    assert epoch.seconds.value == pytest.approx(3.0, abs=0.02)
    assert epoch.seconds.note.endswith("in 2 windows")


def test_zero_is_no_energy_but_a_window_too_short() -> None:
    *_, short = read_windows(FILES / "zeus-0.16.0.csv")
    assert short.energy["gpu"].value is None
    assert short.energy["gpu"].note == "imported from zeus: shorter than the interval at which the counter is renewed"


def test_a_few_zeros_among_many_windows_are_said(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("start_time,window_name,elapsed_time,gpu0_energy\n1,step,0.1,0.0\n2,step,0.1,25.0\n")
    (step,) = read_windows(path)
    assert step.energy["gpu"].value == 25.0
    assert step.energy["gpu"].note.endswith("; 0 in 1 short windows")


def test_a_monitor_that_saw_no_gpu_has_no_energy() -> None:
    for each in read_windows(FILES / "zeus-0.16.0-blind.csv"):
        assert each.energy["gpu"].note == "imported from zeus: it saw no GPU"
        assert each.energy["machine"].value is None
        assert each.figures["device_hours", None].value is None
        assert each.place("log.csv") == "device not recorded (log.csv)"


def test_one_window_is_chosen_by_its_name(tmp_path: Path) -> None:
    source = str(FILES / "zeus-0.16.0.csv")
    config = ImportConfig(
        tool="zeus", source=source, run="evaluation, dev", phase="evaluation", out=str(tmp_path / "a")
    )
    _, record = import_runs(config, "sslbench import")
    assert {m.model for m in record.measurements} == {"evaluation, dev"}
    assert record.find("energy", "evaluation", "gpu") is not None
    with pytest.raises(BadInputError, match="did you mean training"):
        import_runs(ImportConfig(tool="zeus", source=source, run="traning", out=str(tmp_path / "b")), "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not the log file of a ZeusMonitor"),
        ("a,b\n1,2\n", "not the log file of a ZeusMonitor"),
        ("start_time,window_name,elapsed_time,cpu0_energy\n", "not the log file of a ZeusMonitor"),
        ("start_time,window_name,elapsed_time,gpu0_energy\n", "holds 0 windows"),
        ("start_time,window_name,elapsed_time,gpu0_energy\n1,x,2\n", "line 2: 3 cells instead of 4"),
        ("start_time,window_name,elapsed_time,gpu0_energy\n1,x,2,nan\n", "line 2: gpu0_energy nan is not a finite"),
        ("start_time,window_name,elapsed_time,gpu0_energy\n1,x,-2,3\n", "line 2: elapsed_time -2 is not"),
        ("start_time,window_name,elapsed_time,gpu0_energy\n1,x,two,3\n", "line 2: elapsed_time 'two' is not a number"),
    ],
    ids=["empty", "another", "no GPU", "no window", "cut", "nan", "negative", "text"],
)
def test_other_files_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(BadInputError, match=said):
        read_windows(path)
    with pytest.raises(BadInputError, match="No such file"):
        read_windows(tmp_path / "gone.csv")
    with pytest.raises(BadInputError, match="Is a directory"):
        read_windows(tmp_path)
