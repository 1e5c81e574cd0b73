"""What disturbs a metered block: neighbours on its devices, throttling, changed limits, a suspended machine."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.neighbours.gpu_watch import GpuWatch
from ssl_benchmarks.energy.neighbours.processes import CpuTimes, cpu_disturbances, read_cpu_times

if TYPE_CHECKING:
    from ssl_benchmarks.energy.sources.discovery import Sources

LOOK_S = 1.0
"""Seconds between looks: the watched values change slowly, and each look costs half a dozen queries."""


SHORTEST_SLEEP_S = 0.5
"""Seconds: the two clocks are read one after the other, which may take a while on a loaded machine."""


def asleep_s() -> float:
    """Seconds for which this machine has been suspended since it was started; 0 if no clock reports it."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


class Disturbances:
    """Watches the GPUs once per second, and the CPU at both ends of the block; never raises, and takes no lock."""

    def __init__(self, sources: Sources, *, cpu: bool) -> None:
        self._gpus = [] if sources.nvml is None else [GpuWatch(sources.nvml, source.gpu) for source in sources.gpus]
        self._cpu = cpu
        self._looked_s = -math.inf
        self._start: CpuTimes | None = None
        self._end: CpuTimes | None = None
        self._failed = ""
        self._asleep_s = (0.0, 0.0)

    def begin(self, now_s: float) -> None:
        """Look right before the block."""
        self._asleep_s = (asleep_s(),) * 2
        self._start = self._cpu_times()
        self.look(now_s)

    def end(self, now_s: float) -> None:
        """Look right after the block."""
        self._looked_s = -math.inf
        self.look(now_s)
        self._asleep_s = (self._asleep_s[0], asleep_s())
        self._end = self._cpu_times()

    def look(self, now_s: float) -> None:
        """Look at the GPUs if a look is due."""
        if not self._gpus or now_s - self._looked_s < LOOK_S:
            return
        self._looked_s = now_s
        try:
            for gpu in self._gpus:
                gpu.look()
        except Exception as error:  # noqa: BLE001 - whatever the hardware does, the metered program continues
            self._failed = f"watching for disturbances failed: {error!r}"

    def _cpu_times(self) -> CpuTimes | None:
        if not self._cpu:
            return None
        try:
            return read_cpu_times()
        except Exception as error:  # noqa: BLE001 - the same
            self._failed = f"the CPU's neighbours could not be watched: {error!r}"
            return None

    @property
    def lines(self) -> tuple[str, ...]:
        """Disturbances so far; those of the CPU only once the block has ended."""
        found = [line for gpu in self._gpus for line in gpu.disturbances()]
        asleep = self._asleep_s[1] - self._asleep_s[0]
        found += [f"machine: suspended for {asleep:.0f} s during the measurement"] if asleep >= SHORTEST_SLEEP_S else []
        return (*found, *(cpu_disturbances(self._start, self._end) if self._start and self._end else ()))

    @property
    def remarks(self) -> tuple[str, ...]:
        """Effects of settings, and what could not be watched."""
        found = [line for gpu in self._gpus for line in gpu.remarks()]
        return (*found, *([self._failed] if self._failed else []))
