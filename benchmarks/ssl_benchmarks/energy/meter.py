"""The energy meter: a background sampler, and windows between edges."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, Self

from ssl_benchmarks.energy import forks
from ssl_benchmarks.energy.cuda import synchronise
from ssl_benchmarks.energy.edges import Edge, Window, between, sample_all, take_edge
from ssl_benchmarks.energy.idle import IdlePower, metered
from ssl_benchmarks.energy.neighbours.disturbances import Disturbances
from ssl_benchmarks.energy.readout import read_live, read_out
from ssl_benchmarks.energy.sampler import Sampler
from ssl_benchmarks.energy.sources.discovery import Sources, find_sources
from ssl_benchmarks.energy.sources.parts import SCOPES
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from ssl_benchmarks.energy.reading import EnergyReading, LiveReading
    from ssl_benchmarks.record.quantity import Quantity


class EnergyMeter:
    """Energy in J of what runs inside it, by part of the machine.

    ```
    with EnergyMeter() as meter:
        with meter.window("warm-up"): ...
    meter.reading.energy_gpu, meter.windows["warm-up"].energy_cpu
    ```

    GPU: the driver's total-energy counter (NVML) between edges that wait for the GPU; where there is no counter, the
    integral of power samples ("sampled"). CPU and DRAM: RAPL, else codecarbon's estimate ("modelled", up to 40 % off, on
    small virtual machines more). What cannot be had is None with its reason, never 0. Counters are of the whole device:
    a neighbour's work on it is on the bill. `ci95` holds the error of the edges (a counter moves every 20 to 100 ms) and
    of sampling, not the calibration of the sensors, which for NVML is some 5 %. Hardware trouble never raises. Neighbours,
    throttling and limits that change are in the reading's `disturbances`.

    Starting looks at the machine first (0.3 s with a GPU, 2 s once per process where codecarbon is needed); none of this
    is in the metered block. A meter runs once. A forked child has no meter: in it every call is harmless and every
    quantity unavailable.

    Args:
        gpus: "visible" (those CUDA_VISIBLE_DEVICES leaves), "all", or NVML indices (as nvidia-smi counts) and UUIDs or
            their beginnings; () for none.
        cpu: whether CPU and DRAM are metered.
        sample_hz: power samples a second, above 0 and at most 1000.

    Raises:
        BadInputError: for a sampling rate or a GPU given by hand that cannot be.
    """

    def __init__(
        self,
        gpus: Literal["visible", "all"] | Sequence[int | str] = "visible",
        *,
        cpu: bool = True,
        sample_hz: float = 10.0,
    ) -> None:
        if not 0 < sample_hz <= 1000:
            raise BadInputError(f"sample_hz={sample_hz} cannot be: samples a second lie above 0 and at most at 1000")
        self._gpus, self._cpu, self._period_s = gpus, cpu, 1 / sample_hz
        self._model = True
        self._state: Literal["new", "running", "ended", "forked"] = "new"
        self._lock = threading.Lock()
        self._sources = Sources()
        self._sampler: Sampler | None = None
        self._watch: Disturbances | None = None
        self._edge_cpu_s = 0.0
        self._first = self._last = Edge(0.0, {})
        self._windows: dict[str, Window] = {}
        self.idle: IdlePower | None = None

    def measure_idle(self, seconds: float = 10.0) -> Quantity:
        """Measure idle power in W before the run, so that the reading has `energy_net`; nothing of ours may run meanwhile.

        Only counters and samples are read: where there are none, this takes no time and the power is unavailable. The
        result is kept in `idle`, which may be handed to other meters of the same parts.

        Raises:
            RuntimeError: once the meter was started.
        """
        if self._state != "new":
            raise RuntimeError("idle power is measured before the meter starts")
        meter = EnergyMeter(self._gpus, cpu=self._cpu, sample_hz=1 / self._period_s)
        meter._model = False
        with meter:
            if list(meter._sources):
                time.sleep(seconds)
        reading = meter.reading
        self.idle = IdlePower(
            {scope: reading.power_mean(scope) for scope in metered(reading.parts)}, reading.disturbances
        )
        return self.idle.machine

    def start(self) -> Self:
        """Look at the machine, then begin to meter.

        Raises:
            RuntimeError: on a second start.
            BadInputError: for a GPU given by hand that is not here.
        """
        if self._state != "new":
            raise RuntimeError("a meter runs once: make a new one")
        self._sources = find_sources(self._gpus, cpu=self._cpu, model=self._model, period_s=self._period_s)
        self._sampler = Sampler(self._sample, min(self._period_s, self._sources.poll_s))
        forks.watch(self)
        self._watch = Disturbances(self._sources, cpu=self._cpu)
        begun = time.thread_time()
        self._watch.begin(time.perf_counter())
        self._edge_cpu_s += time.thread_time() - begun
        self._state = "running"
        self._first = self._edge(opening=True)
        self._sampler.start()
        return self

    def stop(self) -> None:
        """Take the last edge, end the sampler and close the driver; a second call does nothing."""
        if self._state != "running" or self._sampler is None:
            return
        self._last = self._edge()
        self._state = "ended"
        self._sampler.stop()
        begun = time.thread_time()
        if self._watch is not None:
            self._watch.end(time.perf_counter())
        self._edge_cpu_s += time.thread_time() - begun
        self._sources.close()
        forks.forget(self)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @contextmanager
    def window(self, name: str) -> Iterator[None]:
        """Meter a part of the block; windows may nest, and those of one name add up, with their errors.

        Windows of one name that are open at once (a step that calls itself, threads, coroutines) are metered together: what
        they share counts once. A window that is still open when the meter stops ends there.

        Raises:
            RuntimeError: before the meter was started or after it ended.
        """
        if self._state in {"new", "ended"}:
            raise RuntimeError(f"window {name!r} lies outside the metered block")
        start = self._edge()
        with self._lock:
            window = self._windows.setdefault(name, Window())
            window.enter(start)
        try:
            yield
        finally:
            end = self._edge()
            if self._state != "forked":
                with self._lock:
                    window.leave(self._sources, end)

    @property
    def reading(self) -> EnergyReading:
        """The whole metered block.

        Raises:
            RuntimeError: before the block has ended.
        """
        if self._state in {"new", "running"}:
            raise RuntimeError("the reading is there when the metered block has ended; use live() before")
        times = [(self._first.time_s, self._last.time_s)] if self._state == "ended" else []
        spans = between(self._sources, self._first, self._last)
        return read_out(self._sources, spans, times, self._first.time_s, idle=self.idle, watch=self._watch)

    @property
    def windows(self) -> dict[str, EnergyReading]:
        """The closed windows by name, at any time; those of one name are added up."""
        return {
            name: read_out(
                self._sources,
                window.spans,
                window.times,
                self._first.time_s,
                idle=self.idle,
                watch=self._watch,
                passes=window.passes,
            )
            for name, window in list(self._windows.items())
            if window.times
        }

    def live(self) -> LiveReading:
        """Energy so far and power now, from the sampler's last round; asks no hardware and takes no lock.

        Raises:
            RuntimeError: before the meter was started.
        """
        if self._state == "new":
            raise RuntimeError("the meter has not been started")
        end = self._last.time_s if self._state == "ended" else time.perf_counter()
        return read_live(self._sources, 0.0 if self._state == "forked" else end - self._first.time_s)

    @property
    def own_cpu_seconds(self) -> float:
        """CPU time in s that metering took so far: the thread and the edges, without the wait for the GPU."""
        return self._edge_cpu_s + (self._sampler.cpu_seconds if self._sampler else 0.0)

    def _edge(self, *, opening: bool = False) -> Edge:
        """Mark all sources now; after the end it is the last edge once more."""
        if self._state != "running":
            return self._last
        synchronise()
        begun = time.thread_time()
        with self._lock:
            edge = take_edge(self._sources, opening=opening)
        self._edge_cpu_s += time.thread_time() - begun
        return edge

    def _sample(self) -> None:
        with self._lock:
            sample_all(self._sources)
        if self._watch is not None:
            self._watch.look(time.perf_counter())

    def leave_to_parent(self) -> None:
        """In a forked child: forget thread, lock and driver, all of which are the parent's."""
        self._state = "forked"
        self._lock = threading.Lock()
        reason = "this process was forked from the metered one"
        self._sources = Sources(reasons=dict.fromkeys(SCOPES, reason))
        self._watch = None
        self._windows = {}
