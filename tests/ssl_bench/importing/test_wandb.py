"""What wandb logged, by its own reader; the logs were written by the versions in their names, on scripted GPUs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ssl_bench.importing import wandb
from ssl_bench.importing.recorded import Recorded
from ssl_bench.importing.wandb import read_folder
from ssl_bench.settings.importing import Naming, mapped
from ssl_benchmarks.record.flaws import PARTLY_SAMPLED, STOPPED
from ssl_models.errors import BadInputError

FILES = Path(__file__).with_name("files")
NEW, OLD = "wandb-0.31.0", "wandb-0.16.6"


def read(folder: Path, *texts: str) -> Recorded:
    (found,) = read_folder(folder, Naming(mapped(texts, ("power",)), "stated"))
    return found


def lines(*records: dict[str, object]) -> Callable[[Path], list[str]]:
    """In place of wandb's reader: records as it prints them."""
    begin = {"type": "run", "run": {"start_time": "2023-11-14T22:13:20Z", "run_id": "x"}}
    return lambda path: [json.dumps(each) for each in (begin, *records)]


def stats(second: int, **items: float) -> dict[str, object]:
    moment = f"2023-11-14T22:13:{20 + second:02d}.123456789Z"
    return {"type": "stats", "stats": {"timestamp": moment, "item": {k.replace("_", "."): v for k, v in items.items()}}}


def test_a_counter_that_it_logged_is_measured() -> None:
    """Two scripted GPUs of 100 W and 200 W, sampled every 0.5 s over some 8 s."""
    found = read(FILES / NEW, "wer=eval/wer:%")
    gpu, seconds = found.energy["gpu"], found.seconds.value or 0.0
    assert (found.name, found.version, found.python) == ("tiny", "0.31.0", "3.11.7")
    assert gpu.method == "measured"
    assert gpu.value == pytest.approx(300 * seconds, rel=0.03)
    assert gpu.note.endswith(
        "17 samples of each of 2 devices, 0.499 s apart, over 99 % of the time; all GPUs of the machine, used or not"
    )
    assert found.gpus == ("Scripted GPU", "Scripted GPU")
    assert found.others["wer", None].value == pytest.approx(0.39)
    assert 50e6 < (found.others["peak_host_memory", None].value or 0) < 200e6
    assert found.others["peak_host_memory", None].method == "sampled"
    assert found.remarks == ("not imported without --map: loss",)
    assert found.flaw == ""


def test_power_is_integrated_where_there_is_no_counter() -> None:
    """This version left the GPUs out of some samples, and began a second late: nothing is put in their place."""
    found = read(FILES / OLD)
    gpu = found.energy["gpu"]
    assert (gpu.method, gpu.flaw) == ("sampled", PARTLY_SAMPLED)
    assert gpu.value == pytest.approx(0.89 * 300 * (found.seconds.value or 0.0), rel=0.02)
    assert found.gpus == ("GPU not recorded",) * 2
    assert found.version == "0.16.6"


def test_the_gpus_that_the_process_used_are_preferred(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "run-x.wandb").touch()
    both = {"gpu_0_powerWatts": 100.0, "gpu_1_powerWatts": 300.0, "gpu_process_1_powerWatts": 300.0}
    monkeypatch.setattr(wandb, "_lines", lines(*(stats(second, **both) for second in range(0, 31, 10))))
    found = read(tmp_path)
    assert found.energy["gpu"].value == pytest.approx(300 * 30.123, rel=1e-3)
    assert len(found.gpus) == 1
    assert "all GPUs" not in found.energy["gpu"].note


def test_a_counter_of_some_gpus_alone_is_not_mixed_with_power(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "run-x.wandb").touch()
    samples = [
        stats(s, gpu_0_powerWatts=100.0, gpu_1_powerWatts=100.0, gpu_1_energyJoules=100.0 * s) for s in range(0, 31, 10)
    ]
    monkeypatch.setattr(wandb, "_lines", lines(*samples))
    assert read(tmp_path).energy["gpu"].method == "sampled"


@pytest.mark.parametrize(("code", "flaw"), [(0, ""), (1, STOPPED), (None, STOPPED)])
def test_a_run_that_crashed_is_marked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int | None, flaw: str
) -> None:
    (tmp_path / "run-x.wandb").touch()
    end = [] if code is None else [{"type": "exit", "exit": {"exit_code": code, "runtime": 40}}]
    monkeypatch.setattr(wandb, "_lines", lines(stats(7, cpu=1.0), *end))
    found = read(tmp_path)
    assert (found.flaw, found.seconds.value) == (flaw, pytest.approx(7.123, abs=0.01) if code is None else 40.0)
    assert found.energy["gpu"].note.endswith("it sampled no power of a GPU")


def test_a_last_value_that_is_no_number_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "run-x.wandb").touch()
    history = [
        {"type": "history", "history": {"item": {"_timestamp": 1.7e9 + k, "wer": wer}}}
        for k, wer in enumerate((0.5, "NaN"))
    ]
    monkeypatch.setattr(wandb, "_lines", lines(*history))
    with pytest.raises(BadInputError, match="wer: a value must be finite"):
        read(tmp_path, "wer=wer")


def test_a_folder_of_runs_holds_each_once(tmp_path: Path) -> None:
    for version in (OLD, NEW):
        shutil.copytree(FILES / version, tmp_path / f"offline-run-{version}")
    (tmp_path / "latest-run").symlink_to(tmp_path / f"offline-run-{NEW}")
    found = read_folder(tmp_path, Naming((), "stated"))
    assert [each.version for each in found] == ["0.16.6", "0.31.0"]


def test_a_torn_log_is_read_to_where_it_is_torn_and_marked(tmp_path: Path) -> None:
    raw = next((FILES / NEW).iterdir()).read_bytes()
    (tmp_path / "run-x.wandb").write_bytes(raw[: len(raw) // 2])
    found = read(tmp_path)
    assert found.flaw == STOPPED
    assert 2.0 < (found.seconds.value or 0) < 6.0


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 100, b":W&B\xe1\xbe\0" + b"\xff" * 200], ids=["empty", "zeros", "head"]
)
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadInputError, match="no such folder"):
        read(tmp_path / "gone")
    with pytest.raises(BadInputError, match=r"holds no run-\*\.wandb"):
        read(tmp_path)
    (tmp_path / "run-x.wandb").write_bytes(content)
    with pytest.raises(BadInputError, match=r"run-x\.wandb: (wandb does not read it: |no readable run of wandb)"):
        read(tmp_path)


def test_a_reader_that_hangs_or_is_old_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "run-x.wandb").touch()
    monkeypatch.setattr(wandb, "READ_BY", (sys.executable, "-c", "import time; time.sleep(60)"))
    monkeypatch.setattr(wandb, "LONGEST_S", 0.2)
    with pytest.raises(BadInputError, match="wandb did not read it within 0 s"):
        read(tmp_path)
    monkeypatch.setattr(wandb, "LONGEST_S", 60.0)
    monkeypatch.setattr(wandb, "READ_BY", (sys.executable, "-c", "raise SystemExit('Error: No such option: --json')"))
    with pytest.raises(BadInputError, match=r'older than 0.31: pip install -U "sslbench\[wandb\]"'):
        read(tmp_path)


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.cc
def test_what_wandb_itself_writes_now_is_read(
    wider_driver: Path, sslbench: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    code = (
        "import time, wandb\n"
        "run = wandb.init(mode='offline', name='live', settings=wandb.Settings(x_stats_sampling_interval=0.5, silent=True))\n"
        "for step in range(6):\n"
        "    run.log({'eval/wer': 50 - step})\n"
        "    time.sleep(0.5)\n"
        "run.finish()"
    )
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": str(wider_driver),
        "SCRIPT_GPUS": "2",
        "WANDB_ERROR_REPORTING": "false",
    }
    subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=120
    )
    done = sslbench("import", "wandb", "wandb", "--map", "wer=eval/wer:%", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {(row["metric"], row["scope"]): row for row in json.loads(done.stdout)["measurements"]}
    energy, seconds = rows["energy", "gpu"], rows["duration", None]["value"]
    assert energy["method"] == "measured"
    assert 0.3 * 300 * seconds < energy["value"] <= 300 * seconds + 2
    assert rows["wer", None]["value"] == pytest.approx(0.45)
