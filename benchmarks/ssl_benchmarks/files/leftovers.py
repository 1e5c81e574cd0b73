"""Names of unfinished files, which distinguish leftovers of a killed process from files that a running one is writing."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

_OWNER = re.compile(r"\.(\d+)-([0-9a-f]{8})-[^.]*(?:\.old)?$")


def owned(name: str) -> str:
    """The beginning of a name beside `name` that identifies the writing process."""
    return f"{name}.{os.getpid()}-{_place()}-"


@lru_cache(maxsize=1)
def _place() -> str:
    """The scope of our PIDs: this host, and within it this container."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - the same call
    except OSError:
        namespace = 0
    return hashlib.sha256(f"{socket.gethostname()} {namespace}".encode()).hexdigest()[:8]


def sweep(folder: Path, name: str, *, held: bool = False) -> None:
    """Remove from `folder` what ended processes have left of `name` ("." for everything hidden).

    If the caller has exclusive access (`held`), everything left by others, on any machine, is removed.
    """
    with suppress(OSError):  # another process may be doing the same, or the folder may belong to another user
        for entry in os.scandir(folder):
            owner = _OWNER.search(entry.name)
            if not owner or not entry.name.startswith(name):
                continue
            if not held and (owner[2] != _place() or _lives(int(owner[1]))):
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
    except OSError:  # it belongs to another user
        return True
    return True
