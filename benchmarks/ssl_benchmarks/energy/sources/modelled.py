"""CPU and DRAM energy from a model if no counter can be read: a guess, and marked as such.

The CPU is assumed to draw its design power scaled with the machine's load, as CodeCarbon does: by the third power of
the load, and at least a tenth; memory a constant power, busy or not; see `machine_model`. Compared with a wall meter,
such estimates are up to 40 % off (arXiv:2509.22092), and more on a small virtual machine: memory alone may come out at
several times the CPU.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.sources.processor import Load, SystemLoad
from ssl_benchmarks.energy.sources.source import Mark, Scope, Source, Span

if TYPE_CHECKING:
    from ssl_benchmarks.energy.sources.machine_model import Machine

LOAD_S = 1.0
"""Seconds between two readings of the machine's load."""
SHORTEST_LOAD_S = 0.2
"""The kernel counts load in hundredths of a second: over less time than this (s), it is mostly rounding."""


class ModelledCpu(Source):
    """The CPU's modelled power, from the machine's load at about 1 Hz, integrated over time.

    Windows shorter than a load reading use the last one; before the first one, full load is assumed.
    """

    def __init__(self, machine: Machine, reason: str, load: Load | None = None) -> None:
        super().__init__("cpu", "cpu", "modelled")
        self._load = SystemLoad() if load is None else load
        self._full_w = machine.full_w
        self._note = f"{machine.cpu_note}; {reason}"
        self._joules = self._now_s = self._read_s = 0.0
        self._samples = 0

    @property
    def energy_j(self) -> float:
        """J since `open`."""
        return self._joules

    def open(self, now_s: float) -> None:
        """Take the first reading."""
        self._load.start()
        self._now_s = self._read_s = now_s

    def sample(self, now_s: float) -> None:
        """Read again."""
        if now_s - self._read_s >= LOAD_S:
            self._read_load(now_s)

    def mark(self, now_s: float) -> Mark:
        """Read at an edge."""
        if now_s - self._read_s >= SHORTEST_LOAD_S:
            self._read_load(now_s)
        elif now_s > self._now_s:
            self._joules += (now_s - self._now_s) * (self._full_w if math.isnan(self.power_w) else self.power_w)
            self._now_s = now_s
        return Mark(now_s, time.perf_counter() - now_s, self._joules, 0.0, self._samples, 0.0, self.power_w)

    def _read_load(self, now_s: float) -> None:
        self.power_w = self._full_w * (0.1 + 0.9 * self._load.share() ** 3)
        self._joules += (now_s - self._now_s) * self.power_w
        self._now_s = self._read_s = now_s
        self._samples += 1
        self.trace.add(now_s, self.power_w)

    def between(self, start: Mark, end: Mark) -> Span:
        """Energy between two edges."""
        duration, energy = end.time_s - start.time_s, end.energy_j - start.energy_j
        return Span(duration, energy, samples=end.samples - start.samples, fault=self.fault)

    def note(self, span: Span) -> str:
        """How the energy was obtained."""
        read = (
            f"{span.samples} reading{'s' if span.samples > 1 else ''} of the load"
            if span.samples
            else "at the last load read"
        )
        return f"{self._note}; {read}"


class ModelledDram(Source):
    """Memory's modelled power, which is constant."""

    def __init__(self, machine: Machine, reason: str) -> None:
        scope: Scope = "dram"
        super().__init__(scope, scope, "modelled")
        self._watts = self.power_w = machine.dram_w
        self._note = f"{machine.dram_note}; {reason}"
        self._start_s = self._now_s = 0.0
        self._traced_s = -math.inf
        if not machine.dram_w > 0:
            self.fail("CodeCarbon reported no power of the memory")

    @property
    def energy_j(self) -> float:
        """J since `open`."""
        return self._watts * (self._now_s - self._start_s)

    def open(self, now_s: float) -> None:
        """Take the first reading."""
        self._start_s = self._now_s = now_s

    def sample(self, now_s: float) -> None:
        """Read again."""
        self._now_s = now_s
        if now_s - self._traced_s >= LOAD_S:
            self.trace.add(now_s, self._watts)
            self._traced_s = now_s

    def mark(self, now_s: float) -> Mark:
        """Read at an edge."""
        self.sample(now_s)
        return Mark(now_s, 0.0, self.energy_j, 0.0, 0, 0.0, self._watts)

    def between(self, start: Mark, end: Mark) -> Span:
        """Energy between two edges."""
        return Span(end.time_s - start.time_s, end.energy_j - start.energy_j, fault=self.fault)

    def note(self, span: Span) -> str:
        """How the energy was obtained."""
        del span
        return self._note
