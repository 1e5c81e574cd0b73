"""What happens to a GPU while it is metered: other processes on it, throttling, changed limits."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.neighbours.processes import described, in_first_namespace, is_own
from ssl_benchmarks.energy.sources.nvml import Missing, number
from ssl_benchmarks.energy.sources.selection import is_cut

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ssl_benchmarks.energy.sources.nvml import Nvml
    from ssl_benchmarks.energy.sources.selection import Gpu

THROTTLES = {
    0x08: "hardware slowdown",
    0x20: "thermal slowdown by the driver",
    0x40: "thermal slowdown by the hardware",
    0x80: "power brake by the hardware",
}
"""NVML's reasons for lower clocks that do not occur on a healthy machine (nvml.h, nvmlClocksEventReasons)."""
HELD = {
    0x02: "clocks limited by a clock setting",
    0x04: "at its power limit",
    0x10: "clocks limited to those of its group",
    0x100: "clocks limited by a display setting",
}
"""Reasons that a setting explains: a busy GPU is expected to be at its power limit."""
SHOWN = 4


class GpuWatch:
    """One GPU, checked at intervals. NVML reports a locked clock only as a reason, and only while it limits the clock."""

    def __init__(self, nvml: Nvml, gpu: Gpu) -> None:
        self._nvml, self._gpu = nvml, gpu
        self._looks = 0
        self._reasons: Counter[int] = Counter()
        self._settings: dict[str, list[str]] = {}
        self._strangers: dict[int, str] = {}
        self._unknown: set[int] = set()
        self._own: set[int] = set()
        self._missing: dict[str, str] = {}
        self.mig = is_cut(nvml, gpu.handle)

    def look(self) -> None:
        """Query once; what the driver does not report is skipped."""
        if isinstance(self._gpu.handle, Missing):
            return
        self._looks += 1
        bits = self._ask("throttling", "CurrentClocksEventReasons", "CurrentClocksThrottleReasons")
        self._reasons.update(bit for bit in (THROTTLES | HELD) if bits is not None and bits & bit)
        limit = self._ask("the power limit", "EnforcedPowerLimit")
        self._see("the power limit", None if limit is None else f"{limit / 1000:g} W")
        for what, kind in (("the graphics clock setting", "CLOCK_GRAPHICS"), ("the memory clock setting", "CLOCK_MEM")):
            clock = self._nvml.query("DeviceGetApplicationsClock", self._gpu.handle, self._nvml.constant(kind))
            self._see(what, None if isinstance(clock, Missing) else f"{clock} MHz")
        self._see_processes()

    def _ask(self, what: str, *names: str) -> int | None:
        """The first of the queries in `names` that the driver supports."""
        reason = ""
        for name in names:
            answer = number(self._nvml.query(f"DeviceGet{name}", self._gpu.handle))
            if not isinstance(answer, Missing):
                return int(answer)
            reason = reason or answer.reason
        self._missing.setdefault(what, reason)
        return None

    def _see(self, what: str, value: str | None) -> None:
        seen = self._settings.setdefault(what, [])
        if value is not None and value != (seen[-1] if seen else None):
            seen.append(value)

    def _see_processes(self) -> None:
        found: set[int] = set()
        for kind in ("Compute", "Graphics"):
            listed = self._nvml.query(f"DeviceGet{kind}RunningProcesses", self._gpu.handle)
            if isinstance(listed, Missing):
                self._missing.setdefault(f"{kind.lower()} processes", listed.reason)
            else:
                found |= {int(process.pid) for process in listed}
        fresh = found - self._own - self._unknown - set(self._strangers)
        own = {pid: is_own(pid) for pid in fresh}
        self._own |= {pid for pid, ours in own.items() if ours}
        # PIDs are comparable if the driver uses our namespace, as it does if it lists one of ours
        comparable = in_first_namespace() or bool(self._own & found)
        for pid in fresh - self._own:
            if comparable and own[pid] is False:
                self._strangers[pid] = described(pid)
            else:
                self._unknown.add(pid)

    @property
    def strangers(self) -> list[str]:
        """Processes on the GPU that do not belong to this run."""
        return list(self._strangers.values())

    @property
    def throttles(self) -> list[str]:
        """Observed reasons for throttling."""
        return [name for bit, name in THROTTLES.items() if self._reasons[bit]]

    @property
    def held(self) -> list[str]:
        """Settings that were observed to limit the clocks."""
        return [name for bit, name in HELD.items() if self._reasons[bit]]

    def _counted(self, names: dict[int, str]) -> list[str]:
        return [
            f"{name} in {self._reasons[bit]} of {self._looks} checks"
            for bit, name in names.items()
            if self._reasons[bit]
        ]

    def disturbances(self) -> list[str]:
        """Disturbances, one line each."""
        changed = {what: values for what, values in list(self._settings.items()) if len(values) > 1}
        lines = [f"{who} also runs on it" for who in self.strangers] + self._counted(THROTTLES)
        lines += [f"{what} changed: {_arrows(values)}" for what, values in changed.items()]
        return self._named(lines)

    def remarks(self) -> list[str]:
        """Effects of settings, and what could not be watched."""
        return self._named([*self._counted(HELD), *self.unseen])

    @property
    def unseen(self) -> list[str]:
        """What could not be watched."""
        lines = ["split into MIG instances: its readings cover the work of all of them"] if self.mig else []
        if self._unknown:
            count = len(self._unknown)
            lines.append(f"processes on it that may or may not be ours (in another container, or ended): {count}")
        return lines + [f"not reported: {what} ({reason})" for what, reason in list(self._missing.items())]

    def _named(self, lines: Iterable[str]) -> list[str]:
        return [f"{self._gpu.name}: {line}" for line in lines]


def _arrows(values: list[str]) -> str:
    return " -> ".join([*values[:SHOWN], *(["..."] if len(values) > SHOWN else [])])
