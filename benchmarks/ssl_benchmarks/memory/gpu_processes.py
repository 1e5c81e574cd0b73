"""The GPU memory of a command's processes, as the driver counts it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Self

from ssl_benchmarks.energy.sources.nvml import Missing, Nvml
from ssl_benchmarks.record.flaws import WHOLE
from ssl_benchmarks.record.quantity import Quantity, joined, unavailable

LARGEST = 2**50
"""Bytes above which the driver's figure means "not available"."""


class GpuMemory:
    """The peak over time of the sum over GPUs, looked at from time to time.

    In a container the driver may list processes by other PIDs than ours; then the growth of each GPU's used memory stands in,
    which neighbours may have caused too, and the note says so.

    Args:
        nvml: an open session.
        indices: of the metered GPUs, as nvidia-smi lists them.
    """

    def __init__(self, nvml: Nvml, indices: Sequence[int]) -> None:
        self._nvml = nvml
        self._gpus = [nvml.query("DeviceGetHandleByIndex", index) for index in indices]
        self._before = [self._used(gpu) for gpu in self._gpus]
        self._of_processes = 0
        self._growth = 0
        self._looks = 0
        self._missing = ""

    @classmethod
    def of(cls, devices: Sequence[str]) -> Self | None:
        """For metered GPUs by name, "gpu" and the driver's index; None where there is none."""
        indices = [int(name.removeprefix("gpu")) for name in devices if name.removeprefix("gpu").isdecimal()]
        nvml = Nvml.open() if indices else Missing("no GPU")
        return None if isinstance(nvml, Missing) else cls(nvml, indices)

    def look(self, pids: Collection[int]) -> None:
        """Read once: what processes with these PIDs hold."""
        self._looks += 1
        self._of_processes = max(self._of_processes, sum(self._held(gpu, pids) for gpu in self._gpus))
        grown = 0
        for gpu, before in zip(self._gpus, self._before, strict=True):
            now = self._used(gpu)
            if now is not None and before is not None:
                grown += max(0, now - before)
        self._growth = max(self._growth, grown)

    def close(self) -> None:
        """End the session with the driver."""
        self._nvml.close()

    def _used(self, gpu: Any) -> int | None:  # noqa: ANN401 - a driver's handle
        answer = self._nvml.query("DeviceGetMemoryInfo", gpu)
        return None if isinstance(answer, Missing) else int(answer.used)

    def _held(self, gpu: Any, pids: Collection[int]) -> int:  # noqa: ANN401 - a driver's handle
        """Bytes on one GPU; a process that computes and draws is listed twice, with the same figure."""
        held: dict[int, int] = {}
        for kind in ("Compute", "Graphics"):
            listed = self._nvml.query(f"DeviceGet{kind}RunningProcesses", gpu)
            if isinstance(listed, Missing):
                self._missing = self._missing or listed.reason
                continue
            for process in listed:
                used = process.usedGpuMemory
                if process.pid in pids and used is not None and int(used) < LARGEST:
                    held[process.pid] = max(held.get(process.pid, 0), int(used))
        return sum(held.values())

    @property
    def peak(self) -> Quantity:
        """The largest sum seen."""
        looks = f"{self._looks} looks"
        if self._of_processes:
            note = f"the driver's count of all processes on all metered GPUs, with CUDA's own, {looks}"
            return Quantity(float(self._of_processes), "B", "measured", note=note, flaw=WHOLE)
        if self._growth:
            note = f"growth of the memory in use on all metered GPUs, neighbours' included, {looks}; {self._unlisted}"
            return Quantity(float(self._growth), "B", "measured", note=note, flaw=WHOLE)
        return unavailable("B", joined("no GPU memory was seen in use by the command", self._missing, looks))

    @property
    def _unlisted(self) -> str:
        return self._missing or "the driver listed none of the command's processes"
