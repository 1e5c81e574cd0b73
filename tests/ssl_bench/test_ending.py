"""A command ends its process itself: no thread holds it up, its output is whole, and what libraries keep for it goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HUNG = """
import atexit, sys, threading
from pathlib import Path
from tempfile import gettempdir
from ssl_bench.ending import leave
threading.Thread(target=threading.Event().wait).start()
kept = Path(gettempdir(), "matplotlib")
kept.mkdir()
atexit.register(kept.rmdir)
sys.stdout.write("the result")
leave(3)
"""
CHILD = """
import signal, sys
from ssl_benchmarks.processes.parent import end_with_named_parent
end_with_named_parent()
print("ready", flush=True)
signal.pause()
"""
PARENT = """
import subprocess, sys
from ssl_benchmarks.processes.parent import environment_of_child
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], env=environment_of_child(), stdout=-1, text=True)
print(child.pid, child.stdout.readline().strip(), flush=True)
input()
"""


def test_a_thread_that_hangs_holds_nothing_up(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HUNG], env={**os.environ, "TMPDIR": str(tmp_path)}, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (3, "the result", "")
    assert not list(tmp_path.iterdir())


def test_a_result_that_cannot_be_written_is_a_failure() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "ssl_bench", "models", "--json"],
            stdout=full,
            stderr=-1,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "no space left" in done.stderr.lower()
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_child_ends_with_its_parent_however_that_ends() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, CHILD], stdin=-1, stdout=-1, text=True) as parent:
        assert parent.stdout is not None
        pid, ready = parent.stdout.readline().split()
        assert ready == "ready"
        parent.send_signal(signal.SIGKILL)
    _wait_until_gone(int(pid))


def test_a_child_whose_parent_is_gone_already_ends_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD], env={**os.environ, "SSLBENCH_PARENT": "1"}, stdout=-1, check=False, timeout=120
    )
    assert done.returncode == -signal.SIGTERM
    assert done.stdout == b""


def _wait_until_gone(pid: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the child outlived its parent")
