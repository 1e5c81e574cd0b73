"""The processors as the kernel reports them: their name, their number and their load."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import psutil


def model_name() -> str:
    """The processor's name; empty if the kernel does not report it."""
    return next(iter(_values("model name")), "")


def sockets() -> int:
    """Number of processors (sockets); 1 if the kernel does not report it."""
    return len(set(_values("physical id"))) or 1


def _values(key: str) -> list[str]:
    """The values of a key in /proc/cpuinfo, one per thread."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    return [line.partition(":")[2].strip() for line in lines if line.startswith(key)]


class Load(Protocol):
    """The share of all CPUs' time that was busy since the last reading."""

    def start(self) -> None:
        """Begin to count."""

    def share(self) -> float:
        """From 0 to 1, since the last call."""


class SystemLoad:
    """The load as the kernel counts it, with a baseline of its own."""

    def __init__(self) -> None:
        self._total = self._idle = 0.0

    def start(self) -> None:
        """Begin to count."""
        self._total, self._idle = _seconds()

    def share(self) -> float:
        """From 0 to 1, since the last call; 0 if the kernel has counted no time since."""
        total, idle = self._total, self._idle
        self.start()
        passed = self._total - total
        return min(max(1 - (self._idle - idle) / passed, 0.0), 1.0) if passed > 0 else 0.0


def _seconds() -> tuple[float, float]:
    """CPU time in s of the machine since its start, and the idle part of it."""
    times = psutil.cpu_times()
    # Linux counts the time of guests in `user` and `nice` too
    twice = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
    return sum(times) - twice, times.idle + getattr(times, "iowait", 0.0)
