"""CPU and DRAM energy from codecarbon's model if no counter can be read: a guess, and marked as such.

The CPU is assumed to draw its thermal design power (from codecarbon's table, or 4 W per thread if it is not listed)
scaled with the machine's load (cubic, and at least a tenth, in codecarbon 3.3), and memory 5 W for each DIMM that its
size suggests, busy or not. Compared with a wall meter, such estimates are up to 40 % off (arXiv 2509.22092), and more
on a small virtual machine: memory alone may come out at several times the CPU. Nothing is sent over the network or
written.
"""

from __future__ import annotations

import importlib
import logging
import math
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol, cast

from ssl_benchmarks.energy.sources.processor import model_name, sockets
from ssl_benchmarks.energy.sources.source import Mark, Scope, Source, Span

if TYPE_CHECKING:
    from collections.abc import Iterator

LOAD_S = 1.0
"""Seconds between two readings of the machine's load."""
SHORTEST_LOAD_S = 0.2
"""The kernel counts load in hundredths of a second: over less time than this (s), it is mostly rounding."""

LOOK_LIMIT_S = 10.0
"""Seconds; examining the machine takes 1 to 2, and may wait for a program if the kernel does not name the processor."""
_hanging: Future[Machine] | None = None
_one_at_a_time = threading.Lock()

DEFAULT_TDP_W = 85.0
"""Watts that codecarbon assumes for an unknown CPU."""


class LoadModel(Protocol):
    """The part of codecarbon's hardware classes that is used here."""

    def start(self) -> None:
        """Start counting the load."""

    def total_power(self) -> Any:  # noqa: ANN401 - codecarbon's Power, with a field W
        """Power in W as `.W`, for the CPU at the load since the last call."""


@dataclass(frozen=True)
class Machine:
    """codecarbon's view of this machine: the CPU's design power in W, the memory's power in W, and their sources."""

    tdp_w: float | None
    model: str
    cpu_note: str
    dram_w: float
    dram_note: str

    def cpu(self) -> LoadModel:
        """A new load model of the CPU with its own baseline."""
        with quiet_codecarbon(), whole_machine():
            hardware = importlib.import_module("codecarbon.external.hardware")
            return cast("LoadModel", hardware.CPU.from_utils("", "cpu_load", self.model, self.tdp_w))


@contextmanager
def quiet_codecarbon() -> Iterator[None]:
    """Drop codecarbon's log messages on this thread, and leave its logger unchanged for others."""
    thread = threading.get_ident()

    def other_thread(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger = logging.getLogger("codecarbon")
    logger.addFilter(other_thread)
    try:
        yield
    finally:
        logger.removeFilter(other_thread)


@contextmanager
def whole_machine() -> Iterator[None]:
    """Make codecarbon use the whole machine, whose load its model needs, as the kernel describes it.

    It would ask Slurm's controller for the CPUs and memory of a job, and other programs for the processor's name; any
    of them may be missing or slow to answer. codecarbon's own trackers are unaffected.
    """
    core: list[Any] = [
        importlib.import_module(f"codecarbon.{name}") for name in ("core.util", "external.ram", "core.cpu")
    ]
    told: list[tuple[Any, str, Any]] = [(module, "SLURM_JOB_ID", None) for module in core[:2]]
    if name := model_name():
        told.append((core[2], "detect_cpu_model", lambda: name))
    with _one_at_a_time:
        kept = [getattr(module, attribute) for module, attribute, _ in told]
        try:
            for module, attribute, value in told:
                setattr(module, attribute, value)
            yield
        finally:
            for (module, attribute, _), value in zip(told, kept, strict=True):
                setattr(module, attribute, value)


@lru_cache(maxsize=1)
def look_at_machine() -> Machine:
    """Ask codecarbon about this machine; takes one to two seconds the first time, so call it before anything is metered.

    Raises:
        TimeoutError: if a program that it starts hangs for `LOOK_LIMIT_S`, and at once if one is still hanging.
    """
    global _hanging  # noqa: PLW0603 - one per process, as the hanging program is
    if _hanging is not None and not _hanging.done():
        raise TimeoutError("its examination of this machine still hangs")
    _hanging = Future[Machine]()
    threading.Thread(target=_look_into, args=(_hanging,), name="sslbench-look", daemon=True).start()
    try:
        return _hanging.result(LOOK_LIMIT_S)
    except TimeoutError:
        raise TimeoutError(f"its examination of this machine did not end within {LOOK_LIMIT_S:g} s") from None


def _look_into(found: Future[Machine]) -> None:
    try:
        found.set_result(_look())
    except Exception as error:  # noqa: BLE001 - whatever it is, the waiting caller gets it
        found.set_exception(error)


def _look() -> Machine:
    with quiet_codecarbon(), whole_machine():
        cpu = importlib.import_module("codecarbon.core.cpu")
        util = importlib.import_module("codecarbon.core.util")
        ram = importlib.import_module("codecarbon.external.ram").RAM()
        tdp, threads = cpu.TDP(), int(util.count_cpus())
        dram_w, size_gib = float(ram.total_power().W), float(ram.machine_memory_GB)
        processors = sockets()
    source = f"codecarbon {version('codecarbon')}"
    # its guess for an unknown CPU covers all sockets, its table's figure one
    guessed = tdp.tdp == threads * cpu.DEFAULT_POWER_PER_CORE
    tdp_w = None if tdp.tdp is None else float(tdp.tdp) * (1 if guessed else processors)
    origin = (
        f"{cpu.DEFAULT_POWER_PER_CORE} W x {threads} threads"
        if guessed
        else f"{processors} x {tdp.tdp} W from its table"
    )
    origin = "its default" if tdp_w is None else origin
    shown = f"{DEFAULT_TDP_W if tdp_w is None else tdp_w:g} W"
    return Machine(
        tdp_w,
        tdp.model,
        f"{source}, cpu_load mode: TDP {shown} ({origin}) of {tdp.model}, scaled with the load of the whole machine",
        dram_w,
        f"{source}: {dram_w:g} W constant, guessed from {size_gib:.1f} GiB of the whole machine at 5 W per DIMM (1.5 W on ARM)",
    )


def no_model() -> str:
    """Why there is no model of this machine, or ""; found by building it, as a meter does."""
    try:
        look_at_machine()
    except Exception as error:  # noqa: BLE001 - whatever it is, it leaves a meter without a model
        return lack_of(error)
    return ""


def lack_of(error: Exception) -> str:
    """The reason why there is no model, in words."""
    if isinstance(error, TimeoutError):
        return f"codecarbon's model fails: {error}"
    if not isinstance(error, ModuleNotFoundError):
        return f"codecarbon's model fails: {error!r}"
    missing = str(error.name).partition(".")[0]
    return "codecarbon is not installed" if missing == "codecarbon" else f"codecarbon lacks the module {missing}"


class ModelledCpu(Source):
    """The CPU's modelled power, from the machine's load at about 1 Hz, integrated over time.

    Windows shorter than a load reading use the last one; before the first one, full load is assumed.
    """

    def __init__(self, machine: Machine, reason: str) -> None:
        super().__init__("cpu", "cpu", "modelled")
        self._model = machine.cpu()
        self._full_w = DEFAULT_TDP_W if machine.tdp_w is None else machine.tdp_w
        self._note = f"{machine.cpu_note}; {reason}"
        self._joules = self._now_s = self._read_s = 0.0
        self._samples = 0

    @property
    def energy_j(self) -> float:
        """J since `open`."""
        return self._joules

    def open(self, now_s: float) -> None:
        """Take the first reading."""
        with quiet_codecarbon():
            self._model.start()
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
        with quiet_codecarbon():
            self.power_w = float(self._model.total_power().W)
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
            self.fail("codecarbon reported no power of the memory")

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
