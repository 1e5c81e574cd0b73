"""What a killed process left half-made goes with the next one, and what a living one is at stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ssl_benchmarks.files import leftovers
from ssl_benchmarks.files.leftovers import owned, sweep

CHILD = """
from pathlib import Path
from ssl_benchmarks.files.leftovers import owned
Path(owned(".run.json") + "x").write_text("half")
Path(owned(".corpus") + "y").mkdir()
print(flush=True)
input()
"""


@contextmanager
def another_process(cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """One that is at work in `cwd`."""
    with subprocess.Popen([sys.executable, "-c", CHILD], cwd=cwd, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_killed_process_leaves_nothing_that_the_next_does_not_remove(tmp_path: Path) -> None:
    (tmp_path / ".features").mkdir()
    (tmp_path / ".someone.else's").write_text("")
    with another_process(tmp_path) as process:
        sweep(tmp_path, ".")
        assert len(list(tmp_path.iterdir())) == 4, "it lives"
        process.send_signal(signal.SIGKILL)
        process.wait()
        sweep(tmp_path, ".run.json")
        assert len(list(tmp_path.iterdir())) == 3
        sweep(tmp_path, ".")
        assert {path.name for path in tmp_path.iterdir()} == {".features", ".someone.else's"}


def test_what_is_of_another_machine_goes_only_where_the_folder_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "_place", lambda: "0123abcd")
    (tmp_path / (owned(".run.json") + "x").replace(str(os.getpid()), str(2**22 + 1))).write_text("half")
    monkeypatch.undo()
    sweep(tmp_path, ".")
    assert len(list(tmp_path.iterdir())) == 1
    sweep(tmp_path, ".", held=True)
    assert not list(tmp_path.iterdir())
