"""The processes of a command: their memory, and those that outlive it."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from contextlib import suppress

import psutil

from ssl_benchmarks.memory.high_water import high_water, reset_high_water
from ssl_benchmarks.processes.job_limits import group_peak
from ssl_benchmarks.record.flaws import WHOLE
from ssl_benchmarks.record.quantity import Quantity, joined, unavailable

PR_SET_CHILD_SUBREAPER = 36
SHOWN = 5


def adopt_orphans() -> None:
    """Let processes whose parent ends become children of this one (Linux), so that they stay in sight."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


class TreeMemory:
    """The peak memory of a process and all that descends from it on the host, looked at from time to time.

    A page that several processes share counts once (PSS); where the kernel does not say, resident sets are added, and the
    note says so. What came and went between two looks is in the peak of the control group, if that grew meanwhile.

    Args:
        pid: the head of the tree.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._looks = 0
        self._shared_twice = False
        self._group_before, self._child_before = group_peak(), _largest_child()
        self._is_own = pid == os.getpid()
        if self._is_own:
            reset_high_water()

    def look(self) -> frozenset[int]:
        """Read once, a millisecond per process; returns the PIDs of the tree."""
        found, total = self._processes(), 0
        for process in found:
            with suppress(psutil.Error, OSError):
                total += self._size(process)
        self._looks += 1
        self._peak = max(self._peak, total)
        return frozenset(process.pid for process in found)

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
        """The largest sum seen, or the largest resident set of a single process, if that is more."""
        child = _largest_child()
        single = max(child if child > self._child_before else 0, high_water() if self._is_own else 0)
        peak = max(self._peak, single)
        if peak == 0:
            return unavailable("B", "the command ended before its memory was read")
        how = "resident sets, shared pages counted more than once" if self._shared_twice else "proportional set sizes"
        seen = f"sum of {how} over all processes, {self._looks} looks"
        seen = seen if self._peak >= single else f"largest process; {seen}"
        return Quantity(float(peak), "B", "measured", note=joined(seen, self._group_note()), flaw=WHOLE)

    def _group_note(self) -> str:
        after = group_peak()
        if after is None or self._group_before is None or after <= self._group_before:
            return ""
        return f"with files in memory and its neighbours, its control group peaked at {after / 2**30:.3g} GiB"


def _largest_child() -> int:
    """The largest resident set in bytes of a child that has ended; 0 if it is not known.

    The kernel starts a process' largest resident set at that of its parent, so that a smaller one is not known.
    """
    scale = 1 if sys.platform == "darwin" else 1024
    ours, largest = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return largest * scale if largest > ours else 0


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
