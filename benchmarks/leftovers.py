"""Names of what is half-made, by which what a killed process left behind is told from what a living one is at work on."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

SCRATCH = "sslbench"
_OWNER = re.compile(r"\.(\d+)-([0-9a-f]{8})-[^.]*(?:\.old)?$")


def owned(name: str) -> str:
    """The beginning of a name beside `name` that tells who is at work on it."""
    return f"{name}.{os.getpid()}-{_place()}-"


@lru_cache(maxsize=1)
def _place() -> str:
    """Where our process numbers count: on this host, and in a container by themselves."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - the same call
    except OSError:
        namespace = 0
    return hashlib.sha256(f"{socket.gethostname()} {namespace}".encode()).hexdigest()[:8]


def sweep(folder: Path, name: str, *, held: bool = False) -> None:
    """Remove from `folder` what processes that live no more have left of `name` ("." for all that is hidden).

    Where the caller has `held` the folder for itself, what others have left, on whichever machine, is never alive.
    """
    _remove(folder, name, lambda pid, place: held or (place == _place() and not _lives(pid)))


def remove_own_scratch() -> None:
    """Remove every scratch folder of this process, whatever became of the block that made it."""
    _remove(Path(tempfile.gettempdir()), SCRATCH, lambda pid, place: place == _place() and pid == os.getpid())


def _remove(folder: Path, name: str, wanted: Callable[[int, str], bool]) -> None:
    with suppress(OSError):  # another process may be doing the same, and the folder may be another user's
        for entry in os.scandir(folder):
            told = _OWNER.search(entry.name)
            if not told or not entry.name.startswith(name) or not wanted(int(told[1]), told[2]):
                continue
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder for what is passed between processes, gone afterwards; those that killed processes left go first."""
    sweep(Path(tempfile.gettempdir()), SCRATCH)
    folder = Path(tempfile.mkdtemp(prefix=owned(SCRATCH)))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
