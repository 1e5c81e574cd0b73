"""Which processes belong to this run, and how much CPU time the others took."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil

_family: int | None = None
"""The process whose ancestors and descendants belong to this run; this process unless `adopt` names another."""
FIRST_NAMESPACE = 0xEFFFFFFC
"""The initial PID namespace (PROC_PID_INIT_INO); in any other, the driver's PIDs may differ from ours."""
OTHERS_CORES = 1.0
OTHERS_SHARE = 0.05
"""Others disturb from one core on, or from this share of the machine if that is less."""
SHORTEST_S = 0.5
"""The kernel counts in hundredths of a second: over less time than this (s), most of the count is rounding."""


@dataclass(frozen=True)
class CpuTimes:
    """CPU seconds up to `time_s` (by `time.perf_counter`): this run's, of all work, and withheld by a hypervisor."""

    time_s: float
    own_s: float
    busy_s: float
    stolen_s: float


def adopt(pid: int) -> None:
    """Count all descendants of `pid`, an ancestor of this process, as this run's: its siblings are no neighbours."""
    global _family  # noqa: PLW0603 - one per process, as its PID is
    _family = pid


def read_cpu_times() -> CpuTimes:
    """CPU times of this run's processes and of the machine; takes a millisecond on a quiet machine."""
    whole = psutil.cpu_times()
    busy = whole.user + whole.system + getattr(whole, "nice", 0.0)
    return CpuTimes(time.perf_counter(), own_cpu_seconds(), busy, getattr(whole, "steal", 0.0))


def own_cpu_seconds() -> float:
    """CPU seconds of this run's processes: its head with ancestors and descendants, including those that have ended."""
    head = _head()
    total = 0.0
    for process in [head, *head.children(recursive=True)]:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    for process in head.parents():
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def cpu_disturbances(start: CpuTimes, end: CpuTimes) -> list[str]:
    """CPU time that other processes and other virtual machines took between two looks, if it matters.

    Interrupts are attributed to nobody; kernel threads that write out our data count as others.
    """
    seconds = end.time_s - start.time_s
    if seconds < SHORTEST_S:
        return []
    cores = os.cpu_count() or 1
    others = (end.busy_s - start.busy_s) - (end.own_s - start.own_s)
    lines = []
    for who, taken in (("other processes took", others), ("the hypervisor withheld", end.stolen_s - start.stolen_s)):
        used = taken / seconds
        if used > min(OTHERS_CORES, OTHERS_SHARE * cores):
            lines.append(f"cpu: {who} {used:.2f} of {cores} cores ({100 * used / cores:.0f} % of the machine)")
    return lines


def is_own(pid: int) -> bool | None:
    """Whether a process belongs to this run (its head, an ancestor or a descendant); None if the PID is unknown here."""
    try:
        head, other = _head(), psutil.Process(pid)
        return other == head or head in other.parents() or other in head.parents()
    except psutil.Error:
        return None


def _head() -> psutil.Process:
    """The process from which all of this run's processes descend."""
    with suppress(psutil.Error):
        return psutil.Process(_family)
    return psutil.Process()


def described(pid: int) -> str:
    """A process by PID, name and user, as far as these are known."""
    parts = []
    with suppress(psutil.Error, KeyError):
        process = psutil.Process(pid)
        parts.append(process.name())
        parts.append(f"user {process.username()}")
    return f"process {pid}" + (f" ({', '.join(parts)})" if parts else "")


def in_first_namespace() -> bool:
    """Whether PIDs here are those of the driver, which need not hold in a container."""
    if sys.platform != "linux":
        return True
    try:
        return os.stat("/proc/self/ns/pid").st_ino == FIRST_NAMESPACE  # noqa: PTH116 - the same call
    except OSError:
        return False
