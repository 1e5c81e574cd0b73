"""The processor as the kernel lists it."""

from __future__ import annotations

from pathlib import Path


def model_name() -> str:
    """The processor's name; empty where the kernel does not tell it."""
    return next(iter(_values("model name")), "")


def sockets() -> int:
    """Processors of the machine; 1 where the kernel does not tell."""
    return len(set(_values("physical id"))) or 1


def _values(key: str) -> list[str]:
    """What stands under a key of /proc/cpuinfo, for each thread."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    return [line.partition(":")[2].strip() for line in lines if line.startswith(key)]
