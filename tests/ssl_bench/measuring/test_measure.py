"""`sslbench measure` from the console: a sweep of which one cell is killed, one that is stopped, and what is refused."""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ssl_benchmarks.record.record import Measurement

Run = Callable[..., subprocess.CompletedProcess[str]]
OWN = """
import os, signal, sys, time, torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor

class Net(nn.Module):
    attention = "eager"

    def __init__(self, worst):
        super().__init__()
        self.conv, self.worst = nn.Conv1d(1, 8, 400, 320), worst

    def forward(self, waveforms, lengths=None):
        print("{this model talks}")
        if not isinstance(waveforms, FakeTensor) and waveforms.shape[1] > 20_000:
            self.worst()
        return self.conv(waveforms[:, None]).mT

class RealOnly(Net):
    def forward(self, waveforms, lengths=None):
        if type(waveforms) is not torch.Tensor:
            raise TypeError("not with such tensors")
        return super().forward(waveforms)

def killed():
    return Net(lambda: os.kill(os.getpid(), signal.SIGKILL))

def real_only():
    return RealOnly(lambda: None)

def endless():
    return Net(lambda: time.sleep(10_000))
"""
QUICK = ("--duration", 0.3, "--device", "cpu")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own") / "net.py"
    path.write_text(OWN)
    return path


@pytest.fixture(scope="module")
def swept(
    tmp_path_factory: pytest.TempPathFactory, sslbench: Run, own: Path, foreign: Path
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Three lengths of clip, of which the last is killed, from a folder with foreign packages."""
    run = tmp_path_factory.mktemp("runs") / "swept"
    done = sslbench(
        "measure", f"{own}:killed", "--sweep", "clip-seconds=0.5,1,2", "--batch-seconds", 2, "--grid-intensity", 56,
        "--out", run, "--repeats", 2, "--json", *QUICK, cwd=foreign,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return run, done


@pytest.fixture(scope="module")
def document(swept: tuple[Path, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((swept[0] / "run.json").read_text())
    return found


@pytest.mark.slow
def test_stdout_is_one_document_and_the_record(
    swept: tuple[Path, subprocess.CompletedProcess[str]], document: dict[str, Any]
) -> None:
    """Whatever the model prints."""
    printed = json.loads(swept[1].stdout)
    assert printed.pop("schema") == "sslbench.measure/1"
    assert printed.pop("run") == str(swept[0])
    assert printed == {key: value for key, value in document.items() if key != "schema"}
    assert document["schema"] == "sslbench.run/1"
    assert document["status"] == "finished"
    assert "Traceback" not in swept[1].stderr
    assert "Warning" not in swept[1].stderr
    for words in ("cell 1 of 3", "predicted peak memory", "killed (SIGKILL)", "left"):
        assert words in swept[1].stderr


@pytest.mark.slow
def test_every_file_is_there_with_its_digest(swept: tuple[Path, Any], document: dict[str, Any]) -> None:
    import pandas as pd

    run = swept[0]
    assert set(document["artifacts"]) == {"power.csv.gz", "report.md", "sweep.png"}
    for name, digest in document["artifacts"].items():
        assert hashlib.sha256((run / name).read_bytes()).hexdigest() == digest
    assert (run / "sweep.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    trace = pd.read_csv(run / "power.csv.gz")
    assert set(trace["cell"]) == {"clip-seconds=0.5", "clip-seconds=1"}, "the killed cell left no trace"


@pytest.mark.slow
def test_pandas_reads_the_rows(document: dict[str, Any]) -> None:
    import pandas as pd

    frame = pd.DataFrame(document["measurements"])
    assert set(frame["phase"]) == {"inference"}
    assert set(frame["attention"].dropna()) == {"eager"}
    assert frame["value"].dropna().map(math.isfinite).all()
    for row in document["measurements"]:
        assert Measurement.from_row(row).row() == row
        assert row["value"] is not None or row["note"]
    speed = frame[frame["metric"] == "audio_seconds_per_second"].set_index("clip_seconds")["value"]
    assert list(speed.index) == [0.5, 1.0, 2.0]
    assert speed[:1.0].notna().all()
    assert math.isnan(speed[2.0])
    batches = frame[frame["metric"] == "peak_memory"].set_index("clip_seconds")["batch_seconds"]
    assert set(batches) == {2.0}, "four clips of half a second, two of one, one of two"
    alone = frame[(frame["metric"] == "latency_p50") & (frame["batch_seconds"] < 2)]
    assert sorted(alone["batch_seconds"]) == [0.5, 1.0], "latency at batch 1"


@pytest.mark.slow
def test_the_killed_cell_is_a_row_with_its_reason(document: dict[str, Any]) -> None:
    rows = [row for row in document["measurements"] if row["clip_seconds"] == 2.0]
    missing = {row["metric"]: row["note"] for row in rows}
    assert set(missing) == {"audio_seconds_per_second", "peak_memory", "energy_per_audio_hour"}
    assert all("SIGKILL" in note for note in missing.values())
    assert ["failed" in cell for cell in document["details"]["cells"]] == [False, False, True]


@pytest.mark.slow
def test_the_report_names_what_is_missing(swept: tuple[Path, Any]) -> None:
    text = (swept[0] / "report.md").read_text()
    for words in (
        "# swept",
        "![cost and memory by size](sweep.png)",
        "SIGKILL",
        "warm-up calls",
        "Speech: of the sample (half an hour of LibriSpeech train-clean-5",
        "× real",
    ):
        assert words in text


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_leaves_a_record_of_the_cells_done(
    start_sslbench: Callable[..., subprocess.Popen[str]],
    wait_for: Callable[..., None],
    own: Path,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    """The signal comes while the second cell sleeps; a Ctrl-C goes to the whole group, a termination to the command alone."""
    run = tmp_path / "run"
    process = start_sslbench(
        "measure", f"{own}:endless", "--sweep", "clip-seconds=1,2", "--repeats", 1, "--out", run, *QUICK, cwd=tmp_path
    )  # fmt: skip

    def first_is_done() -> bool:
        path = run / "run.json"
        cells = json.loads(path.read_text())["details"]["cells"] if path.is_file() else []
        return len(cells) == 1 and "seconds" in cells[0]

    wait_for(first_is_done, process)
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].startswith(f"sslbench: {run}: unfinished, stopped by the user")
    document = json.loads((run / "run.json").read_text())
    assert document["status"] == "unfinished"
    done = {row["clip_seconds"] for row in document["measurements"] if row["metric"] != "parameters"}
    assert done == {1.0}
    assert (run / "report.md").is_file()


@pytest.mark.slow
def test_a_model_that_fake_tensors_cannot_run_is_measured_all_the_same(
    sslbench: Run, own: Path, tmp_path: Path
) -> None:
    done = sslbench("measure", f"{own}:real_only", "--repeats", 1, "--out", "run", "--json", *QUICK, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = {row["metric"]: row for row in json.loads(done.stdout)["measurements"]}
    assert rows["audio_seconds_per_second"]["value"] > 0
    for metric in ("predicted_peak_memory", "flops", "mfu"):
        assert rows[metric]["value"] is None
        assert "fake tensors" in rows[metric]["note"], metric


@pytest.mark.slow
def test_a_phase_without_an_objective_is_a_row_and_exit_code_1(sslbench: Run, own: Path, tmp_path: Path) -> None:
    done = sslbench("measure", f"{own}:killed", "--phase", "training", "--out", "run", "--json", *QUICK, cwd=tmp_path)
    assert done.returncode == 1
    assert "training is unavailable" in done.stderr.strip().splitlines()[-1]
    rows = json.loads(done.stdout)["measurements"]
    assert {(row["phase"], row["method"]) for row in rows} == {("training", "unavailable")}
    assert all("no objective" in row["note"] for row in rows)


@pytest.mark.slow
@pytest.mark.cc
def test_a_counter_is_given_time_and_its_idle_power_is_taken_off(
    sslbench: Run, scripted_driver: Path, tmp_path: Path
) -> None:
    """A GPU that draws 200 W whatever runs, its counter ticking every 50 ms: half a second errs by 2 %, so that each repeat is
    prolonged past a second; nothing is left when idle power is taken off."""
    import pandas as pd

    script = {"LD_LIBRARY_PATH": str(scripted_driver), "SCRIPT_POWER": "200", "SCRIPT_TICK": "0.05", "SCRIPT_T0": "0"}
    done = sslbench(
        "measure", "efficient-tiny", "--clip-seconds", 1, "--duration", 0.5, "--device", "cpu", "--out", "run", "--json",
        cwd=tmp_path, env=script,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "measuring idle power for 10 s" in done.stderr
    document = json.loads(done.stdout)
    frame = pd.DataFrame(document["measurements"]).set_index(["metric", "scope"])
    gpu = {metric: frame.loc[(metric, "gpu")] for metric in ("energy", "energy_net", "power_mean", "power_idle")}
    assert {row["method"] for row in gpu.values()} == {"measured"}
    assert gpu["power_mean"]["value"] == pytest.approx(200, rel=0.02)
    assert gpu["power_idle"]["value"] == pytest.approx(200, rel=0.01)
    low, high = gpu["energy_net"]["ci95"]
    assert low <= 0 <= high
    low, high = gpu["energy"]["ci95"]
    assert (high - low) / 2 <= 0.012 * gpu["energy"]["value"], "1 % a repeat, and errors of repeats add up"
    (cell,) = document["details"]["cells"]
    assert cell["repeat_seconds"] > 2.0
    assert all(repeat["seconds"] > 2.0 for repeat in cell["repeats"])
    per_hour = frame.loc[("energy_per_audio_hour", "gpu")]
    by_repeat = [200 * repeat["seconds"] / repeat["calls"] * 3600 for repeat in cell["repeats"]]
    assert per_hour["value"] == pytest.approx(statistics.geometric_mean(by_repeat), rel=0.03)
    assert per_hour["ci95"][0] < per_hour["value"] < per_hour["ci95"][1]
    assert frame.loc[("energy", "machine")]["method"] == "modelled", "the CPU's part still is"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("efficient-tinny",), "did you mean efficient-tiny"),
        (("efficient-tiny", "--phase", "both"), "unknown --phase 'both'"),
        (("efficient-tiny", "--sweep", "clip=1,2"), "did you mean clip-seconds"),
        (("efficient-tiny", "--device", "tpu"), "unknown --device 'tpu'"),
        (("efficient-tiny", "--data", "./nowhere"), "no such folder"),
        (("efficient-tiny", "--out", "."), "not empty"),
        (("./net.py:make",), "no such file"),
        ((), "Missing argument"),
    ],
)
def test_what_cannot_be_measured_is_one_line(
    sslbench: Run, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "mine.txt").touch()
    done = sslbench("measure", *arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert words in line
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
