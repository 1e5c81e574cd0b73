"""The kernel's high-water mark of this process' resident set."""

from __future__ import annotations

from pathlib import Path

import psutil


def reset_high_water() -> None:
    """Reset the kernel's high-water mark (Linux 4.0; proc(5), clear_refs, value 5)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return  # elsewhere the mark covers the whole process, which is new anyway


def high_water() -> int:
    """Peak resident set of this process in bytes, 0 if the system does not report it."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return _elsewhere()
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def _elsewhere() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return int(getattr(psutil.Process().memory_info(), "peak_wset", 0))
    # macOS counts ru_maxrss in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
