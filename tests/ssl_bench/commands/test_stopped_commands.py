"""Every command that works for long ends as by Ctrl-C on each signal, and its children end with it, however it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow

Start = Callable[..., "subprocess.Popen[str]"]
COMMANDS = {
    "measure": ("measure", "efficient-tiny", "--duration", "2", "--repeats", "50", "--clip-seconds", "1", "--no-idle"),
    "compare": ("compare", "--models", "efficient-tiny,essl", "--minutes", "9", "--clip-seconds", "1", "--no-idle"),
    "evaluate": ("evaluate", "efficient-tiny", "--tasks", "asr,sid", "--learn-hours", "9", "--no-idle"),
}


@pytest.mark.parametrize(
    ("command", "number"),
    [("measure", signal.SIGTERM), ("compare", signal.SIGHUP), ("evaluate", signal.SIGUSR1)],
    ids=["measure TERM", "compare HUP", "evaluate USR1"],
)
def test_a_signal_ends_it_with_a_record_and_leaves_no_process_and_no_file(
    command: str, number: signal.Signals, start_sslbench: Start, wait_for: Callable[..., None], tmp_path: Path,
    clean_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    run, scratch = tmp_path / "run", tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setitem(clean_environment, "TMPDIR", str(scratch))
    process = start_sslbench(*COMMANDS[command], "--out", run, cwd=tmp_path)
    wait_for((run / "run.json").is_file, process)
    time.sleep(3)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr
    assert "Traceback" not in stderr
    assert "stopped by the user" in stderr.strip().splitlines()[-1]
    document = json.loads((run / "run.json").read_text())
    assert (document["status"], document["details"]["stopped"]) == ("unfinished", "by the user")
    assert not psutil.wait_procs(children, timeout=60)[1]
    assert not list(scratch.iterdir())


def test_the_run_of_a_killed_study_ends_with_it(
    start_sslbench: Start, wait_for: Callable[..., None], speech: Path, small_toml: Path, tmp_path: Path
) -> None:
    """It has a session of its own, so that no terminal's signal reaches it; the kernel's does, and it ends in order."""
    out = tmp_path / "study"
    process = start_sslbench(
        "train-and-measure", "--config", small_toml, "--data", speech, "--seeds", 2, "--steps", 99_999, "--out", out,
        cwd=tmp_path,
    )  # fmt: skip
    wait_for(lambda: any(out.glob("*/metrics.jsonl")), process)
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(signal.SIGKILL)
    assert not psutil.wait_procs(children, timeout=60)[1]
    (run,) = out.glob("*-seed*/run.json")
    assert json.loads(run.read_text())["details"]["stopped"] == "by the user"
