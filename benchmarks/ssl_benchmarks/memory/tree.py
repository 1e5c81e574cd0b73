"""The processes of a command: their memory, and those that outlive it."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from contextlib import suppress

import psutil

from ssl_benchmarks.record.quantity import Quantity, unavailable

PR_SET_CHILD_SUBREAPER = 36
SHOWN = 5


def adopt_orphans() -> None:
    """Let processes whose parent ends become children of this one (Linux), so that they stay in sight."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class TreeMemory:
    """The peak memory of a process and all that descends from it, looked at from time to time.

    A page that several processes share counts once (PSS); where the kernel does not say, resident sets are added, and the
    note says so.

    Args:
        pid: the head of the tree.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._looks = 0
        self._shared_twice = False

    def look(self) -> None:
        """Read once; a millisecond per process."""
        total = 0
        for process in self._processes():
            with suppress(psutil.Error, OSError):
                total += self._size(process)
        self._looks += 1
        self._peak = max(self._peak, total)

    def _processes(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            head = psutil.Process(self._pid)
            return [head, *head.children(recursive=True)]
        return []

    def _size(self, process: psutil.Process) -> int:
        try:
            pss = getattr(process.memory_full_info(), "pss", None)
        except psutil.AccessDenied:
            pss = None
        if pss is None:
            self._shared_twice = True
            return int(process.memory_info().rss)
        return int(pss)

    @property
    def peak(self) -> Quantity:
        """The largest sum seen, or the largest resident set of a single process that has ended, if that is more.

        The kernel starts a process' largest resident set at that of its parent, so that a smaller one is not known.
        """
        scale = 1 if sys.platform == "darwin" else 1024
        ours, single = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        single = single * scale if single > ours else 0
        peak = max(self._peak, single)
        if peak == 0:
            return unavailable("B", "the command ended before its memory was read")
        how = "resident sets, shared pages counted more than once" if self._shared_twice else "proportional set sizes"
        seen = f"sum of {how} over all processes, {self._looks} looks"
        return Quantity(float(peak), "B", "measured", note=seen if self._peak >= single else f"largest process; {seen}")


def outlived() -> tuple[str, ...]:
    """The processes that are still there and descend from this one, by name and PID."""
    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.name()} ({process.pid})")
    return tuple(found)


def reap() -> None:
    """Take leave of adopted processes that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
