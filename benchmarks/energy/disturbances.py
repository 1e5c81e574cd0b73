"""What disturbs a metered block: neighbours on its devices, throttling, limits that change."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from benchmarks.energy.gpu_watch import GpuWatch
from benchmarks.energy.processes import CpuTimes, cpu_disturbances, read_cpu_times

if TYPE_CHECKING:
    from benchmarks.energy.sources import Sources

LOOK_S = 1.0
"""What is watched changes slowly, and each look costs half a dozen queries."""


class Disturbances:
    """Looks at the GPUs once a second, and at the CPU when the block begins and ends; never raises, and takes no lock."""

    def __init__(self, sources: Sources, *, cpu: bool) -> None:
        self._gpus = [] if sources.nvml is None else [GpuWatch(sources.nvml, source.gpu) for source in sources.gpus]
        self._cpu = cpu
        self._looked_s = -math.inf
        self._start: CpuTimes | None = None
        self._end: CpuTimes | None = None
        self._failed = ""

    def begin(self, now_s: float) -> None:
        """Right before the block."""
        self._start = self._cpu_times()
        self.look(now_s)

    def end(self, now_s: float) -> None:
        """Right after the block."""
        self._looked_s = -math.inf
        self.look(now_s)
        self._end = self._cpu_times()

    def look(self, now_s: float) -> None:
        """Look at the GPUs, if it is time again."""
        if not self._gpus or now_s - self._looked_s < LOOK_S:
            return
        self._looked_s = now_s
        try:
            for gpu in self._gpus:
                gpu.look()
        except Exception as error:  # noqa: BLE001 - whatever the hardware does, the metered program goes on
            self._failed = f"watching for disturbances failed: {error!r}"

    def _cpu_times(self) -> CpuTimes | None:
        if not self._cpu:
            return None
        try:
            return read_cpu_times()
        except Exception as error:  # noqa: BLE001 - the same
            self._failed = f"the CPU's neighbours cannot be seen: {error!r}"
            return None

    @property
    def lines(self) -> tuple[str, ...]:
        """What was seen so far that should not have been; of the CPU only once the block has ended."""
        found = [line for gpu in self._gpus for line in gpu.disturbances()]
        return (*found, *(cpu_disturbances(self._start, self._end) if self._start and self._end else ()))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a setting explains, and what could not be watched."""
        found = [line for gpu in self._gpus for line in gpu.remarks()]
        return (*found, *([self._failed] if self._failed else []))
