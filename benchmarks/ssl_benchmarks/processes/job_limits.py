"""What this job may use of the machine: CPUs by affinity and quota, memory by its control groups and their parents."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

PROC = Path("/proc/self")
"""Where the kernel describes this process; the formats are those of cgroups(7) and proc_pid_mountinfo(5)."""
MEMORY = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Files for limit, use, and reclaimable cache within the use, for control groups version 2 and 1."""

PEAK = ("memory.peak", "memory.max_usage_in_bytes")
"""Files for the largest use so far, likewise."""


def usable_cpus() -> float:
    """Number of CPUs that this process may use: those it is bound to, or fewer by a quota (1.5 is one and a half)."""
    bound = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min([float(bound), *(quota for folder in groups("cpu") if (quota := _quota(folder)) is not None)])


def memory_limit() -> float:
    """Bytes of memory that this job may use: the machine's, or less if a control group says so."""
    return min([float(psutil.virtual_memory().total), *(limit for limit, _ in _memory())])


def memory_at_hand() -> float:
    """Bytes of host memory that are still available: the system's, or less if a control group says so."""
    left = (max(0.0, limit - used) for limit, used in _memory())
    return min([float(psutil.virtual_memory().available), *left])


def group_peak() -> float | None:
    """The most bytes that this process' innermost control group has ever held, with its files in memory; None if unknown."""
    for folder in groups("memory"):
        peaks = (_number(folder / name) for name in PEAK)
        return next((peak for peak in peaks if peak is not None), None)
    return None


def groups(controller: str) -> Iterator[Path]:
    """Folders of the control groups that limit this process' `controller` ("memory" or "cpu"), from its own outwards."""
    paths = dict(_paths(_text(PROC / "cgroup")))
    for line in _text(PROC / "mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        fields = [*_unescaped(before)[3:5], *after.split()[:1], *after.split()[-1:]]
        if len(fields) < 4:  # not a line written by the kernel
            continue
        root, mount, kind, options = *fields[:3], fields[3].split(",")
        if kind == "cgroup2" and "" in paths:
            yield from _outwards(Path(mount), root, paths[""])
        elif kind == "cgroup" and controller in options and controller in paths:
            yield from _outwards(Path(mount), root, paths[controller])


def _paths(text: str) -> Iterator[tuple[str, str]]:
    """The process' path in each hierarchy by controller; version 2 is named ""."""
    for line in text.splitlines():
        _, names, path = [*line.split(":", 2), "", ""][:3]
        for name in names.split(","):
            yield name, path


def _unescaped(text: str) -> list[str]:
    return [word.replace("\\040", " ").replace("\\134", "\\") for word in text.split()]


def _outwards(mount: Path, root: str, path: str) -> Iterator[Path]:
    """From the group at `path` to the mount, which shows the hierarchy below `root`; the mount alone if outside it."""
    inner = Path(path).relative_to(root) if Path(path).is_relative_to(root) and ".." not in path else Path()
    folder = mount / inner
    while folder != mount:
        yield folder
        folder = folder.parent
    yield mount


def _memory() -> Iterator[tuple[float, float]]:
    """Limit and use in bytes of each group with a limit."""
    for folder in groups("memory"):
        for limit, used, cache in MEMORY:
            bounds = _number(folder / limit), _number(folder / used)
            if bounds[0] is not None and bounds[1] is not None:
                stat = dict(line.split(" ", 1) for line in _text(folder / "memory.stat").splitlines() if " " in line)
                yield bounds[0], max(0.0, bounds[1] - (_whole(stat.get(cache, "")) or 0.0))


def _quota(folder: Path) -> float | None:
    """Number of CPUs that a group's quota allows; None without a quota."""
    quota, _, period = _text(folder / "cpu.max").partition(" ")
    if not quota:
        quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
    share = (_whole(quota) or 0.0) / (_whole(period) or math.inf)
    return share if share > 0 else None


def _number(path: Path) -> float | None:
    return _whole(_text(path))


def _whole(text: str) -> float | None:
    """A whole number; None for "max" or any other text."""
    try:
        return float(int(text))
    except (ValueError, OverflowError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, ValueError):  # no such file, or not text
        return ""
