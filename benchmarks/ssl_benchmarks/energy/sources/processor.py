"""The processor as listed by the kernel."""

from __future__ import annotations

from pathlib import Path


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
