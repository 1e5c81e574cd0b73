"""Which processes are this run's own, and what the others took of the CPU."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

import psutil

_family: int | None = None
"""The process whose descendants, with its ancestors, are this run's own; this one, where nobody adopted it."""
FIRST_NAMESPACE = 0xEFFFFFFC
"""The kernel's own namespace of process numbers (PROC_PID_INIT_INO); in any other, a driver's numbers may not be ours."""
OTHERS_CORES = 1.0
OTHERS_SHARE = 0.05
"""Others disturb from one core on, or from this share of the machine where that is less."""
SHORTEST_S = 0.5
"""The kernel counts in hundredths of a second: over less than this, most of it is rounding."""


@dataclass(frozen=True)
class CpuTimes:
    """CPU seconds so far at `time_s` (of `time.perf_counter`): of this run's own tree, of all work, and withheld by a hypervisor."""

    time_s: float
    own_s: float
    busy_s: float
    stolen_s: float


def adopt(pid: int) -> None:
    """Take all descendants of `pid`, an ancestor of this process, for this run's own: processes side by side are no neighbours."""
    global _family  # noqa: PLW0603 - of this process, as its number is
    _family = pid


def read_cpu_times() -> CpuTimes:
    """One look at all processes of our own tree, and one at the machine; a millisecond on a quiet machine."""
    whole = psutil.cpu_times()
    busy = whole.user + whole.system + getattr(whole, "nice", 0.0)
    return CpuTimes(time.perf_counter(), own_cpu_seconds(), busy, getattr(whole, "steal", 0.0))


def own_cpu_seconds() -> float:
    """Of this run's own processes: its head, the ancestors and the descendants of it, those that have ended included."""
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
    """What other processes and other virtual machines took between two looks, where it is enough to matter.

    Interrupts belong to nobody; kernel threads that write what we wrote count as others.
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
    """Whether a process is of this run: its head, an ancestor or a descendant of it; None where no such process is known here."""
    try:
        head, other = _head(), psutil.Process(pid)
        return other == head or head in other.parents() or other in head.parents()
    except psutil.Error:
        return None


def _head() -> psutil.Process:
    """The process that all of this run's own descend from."""
    with suppress(psutil.Error):
        return psutil.Process(_family)
    return psutil.Process()


def described(pid: int) -> str:
    """A process by number, name and user, as far as these can be told."""
    parts = []
    with suppress(psutil.Error, KeyError):
        process = psutil.Process(pid)
        parts.append(process.name())
        parts.append(f"user {process.username()}")
    return f"process {pid}" + (f" ({', '.join(parts)})" if parts else "")


def in_first_namespace() -> bool:
    """Whether process numbers here are those that the driver counts by; in a container they need not be."""
    if sys.platform != "linux":
        return True
    try:
        return os.stat("/proc/self/ns/pid").st_ino == FIRST_NAMESPACE  # noqa: PTH116 - the same call
    except OSError:
        return False
