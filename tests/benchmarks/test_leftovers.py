"""What a killed process left half-made goes with the next one, and what a living one is at stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import leftovers
from benchmarks.leftovers import owned, remove_own_scratch, scratch_folder, sweep

CHILD = """
from pathlib import Path
from benchmarks.leftovers import owned, scratch_folder
with scratch_folder() as folder:
    (folder / "speech.npy").write_text("much")
    Path(owned(".run.json") + "x").write_text("half")
    Path(owned(".corpus") + "y").mkdir()
    print(folder, flush=True)
    input()
"""


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder of our own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


@contextmanager
def another_process(cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """One that has a scratch folder and half-made files in `cwd`."""
    with subprocess.Popen([sys.executable, "-c", CHILD], cwd=cwd, stdin=-1, stdout=-1, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_killed_process_leaves_nothing_that_the_next_does_not_remove(scratch: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / ".features").mkdir()
    (work / ".someone.else's").write_text("")
    with another_process(work) as process:
        theirs = sorted(scratch.iterdir())
        assert len(theirs) == 1
        with scratch_folder() as ours:
            assert sorted(scratch.iterdir()) == sorted([*theirs, ours])
        sweep(work, ".")
        assert len(list(work.iterdir())) == 4, "it lives"
        process.send_signal(signal.SIGKILL)
        process.wait()
        with scratch_folder() as ours:
            assert sorted(scratch.iterdir()) == [ours]
        sweep(work, ".run.json")
        assert len(list(work.iterdir())) == 3
        sweep(work, ".")
        assert {path.name for path in work.iterdir()} == {".features", ".someone.else's"}
    assert not list(scratch.iterdir())


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


def test_a_command_that_ends_removes_its_own_scratch_whatever_became_of_the_block(scratch: Path) -> None:
    block = scratch_folder()
    folder = block.__enter__()
    (folder / "speech.npy").write_text("much")
    remove_own_scratch()
    assert not list(scratch.iterdir())
    block.__exit__(None, None, None)
