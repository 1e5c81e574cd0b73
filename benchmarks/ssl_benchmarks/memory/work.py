"""Peak memory of a piece of work in processes of its own, on the host and on GPUs."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ssl_benchmarks.memory.gpu_processes import GpuMemory
from ssl_benchmarks.memory.tree import TreeMemory
from ssl_benchmarks.record.quantity import Quantity

REST = 500
"""A look is followed by a pause of at least so many times its own CPU time: 0.2 % of one core."""


class WorkMemory:
    """Looks at a process and all that descends from it; a look costs more the more memory they hold, so it rests longer.

    Args:
        pid: the head of the processes.
        devices: the metered GPUs, as `EnergyMeter.devices` names them.
    """

    def __init__(self, pid: int, devices: Sequence[str] = ()) -> None:
        self._host = TreeMemory(pid)
        self._gpu = GpuMemory.of(devices)
        self._due_s = 0.0

    def look_if_due(self) -> None:
        """Read once, unless the last look was too dear and too recent."""
        if time.monotonic() >= self._due_s:
            self.look()

    def look(self) -> None:
        """Read once."""
        begun = time.thread_time()
        pids = self._host.look()
        if self._gpu is not None:
            self._gpu.look(pids)
        self._due_s = time.monotonic() + REST * (time.thread_time() - begun)

    def close(self) -> None:
        """End the session with the driver."""
        if self._gpu is not None:
            self._gpu.close()

    @property
    def peaks(self) -> Mapping[str, Quantity]:
        """By metric: the GPUs' peak is the headline where any are metered, otherwise the host's."""
        if self._gpu is None:
            return {"peak_memory": self._host.peak}
        return {"peak_memory": self._gpu.peak, "peak_host_memory": self._host.peak}
