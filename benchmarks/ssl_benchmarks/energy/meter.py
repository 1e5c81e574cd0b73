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
    """Energy in J of the code that runs inside it, by part of the machine.

    ```
    with EnergyMeter() as meter:
        with meter.window("warm-up"): ...
    meter.reading.energy_gpu, meter.windows["warm-up"].energy_cpu
    ```

    GPU: the driver's total-energy counter (NVML), read at edges that wait for the GPU; without a counter, the integral
    of power samples ("sampled"). CPU and DRAM: RAPL, else CodeCarbon's estimate ("modelled", wrong by 40 % and more,
    most on small virtual machines). A missing value is None with its reason, never 0. Counters cover the whole device,
    including the work of neighbours. `ci95` covers the error of the edges (a counter is updated every 20 to 100 ms)
    and of sampling, but not the calibration of the sensors, which is about 5 % for NVML. Hardware trouble never
    raises. Neighbours, throttling and changed limits are listed in the reading's `disturbances`.

    Starting examines the machine first (0.3 s with a GPU, 2 s once per process where CodeCarbon is needed); that time
    is not in the metered block. A meter runs once. In a forked child, every call is harmless and every quantity
    unavailable.

    Args:
        gpus: "visible" (those in CUDA_VISIBLE_DEVICES), "all", or NVML indices (as in nvidia-smi), UUIDs or
            prefixes of UUIDs; () for none.
        cpu: whether CPU and DRAM are metered.
        sample_hz: power samples per second, above 0 and at most 1000.

    Raises:
        BadInputError: if the sampling rate is invalid or a given GPU does not exist.
    """

    def __init__(
        self,
        gpus: Literal["visible", "all"] | Sequence[int | str] = "visible",
        *,
        cpu: bool = True,
        sample_hz: float = 10.0,
    ) -> None:
        if not 0 < sample_hz <= 1000:
            raise BadInputError(
                f"sample_hz={sample_hz} is invalid: it must be above 0 and at most 1000 samples per second"
            )
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

        Only counters and samples are read: without either this takes no time, and the power is unavailable. The result
        is kept in `idle`, which may be passed to other meters of the same parts.

        Raises:
            RuntimeError: if the meter has been started.
        """
        if self._state != "new":
            raise RuntimeError("idle power must be measured before the meter starts")
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
        """Examine the machine, then begin to meter.

        Raises:
            RuntimeError: if it was started before.
            BadInputError: if a given GPU does not exist.
        """
        if self._state != "new":
            raise RuntimeError("a meter runs only once: create a new one")
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
        """Meter a part of the block; windows may nest, and windows of the same name are added up, including their errors.

        Windows of the same name that are open at once (a step that calls itself, threads, coroutines) are metered
        together: time that they share counts once. A window that is still open when the meter stops ends there.

        Raises:
            RuntimeError: before the meter has started or after it has ended.
        """
        if self._state in {"new", "ended"}:
            raise RuntimeError(f"window {name!r} is outside the metered block")
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
    def devices(self) -> tuple[str, ...]:
        """The metered GPUs: "gpu" and the driver's index, or an instance; empty before the meter has started."""
        return tuple(source.device for source in self._sources.gpus)

    @property
    def reading(self) -> EnergyReading:
        """The reading of the whole metered block.

        Raises:
            RuntimeError: before the block has ended.
        """
        if self._state in {"new", "running"}:
            raise RuntimeError("the reading is available after the metered block has ended; use live() until then")
        times = [(self._first.time_s, self._last.time_s)] if self._state == "ended" else []
        spans = between(self._sources, self._first, self._last)
        return read_out(self._sources, spans, times, self._first.time_s, idle=self.idle, watch=self._watch)

    @property
    def windows(self) -> dict[str, EnergyReading]:
        """The closed windows by name, at any time; windows of the same name are added up."""
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
        """Energy so far and current power, from the sampler's last round; queries no hardware and takes no lock.

        Raises:
            RuntimeError: before the meter has started.
        """
        if self._state == "new":
            raise RuntimeError("the meter has not been started")
        end = self._last.time_s if self._state == "ended" else time.perf_counter()
        return read_live(self._sources, 0.0 if self._state == "forked" else end - self._first.time_s)

    @property
    def own_cpu_seconds(self) -> float:
        """CPU time in s that metering has taken so far: the thread and the edges, without waiting for the GPU."""
        return self._edge_cpu_s + (self._sampler.cpu_seconds if self._sampler else 0.0)

    def _edge(self, *, opening: bool = False) -> Edge:
        """Mark all sources now; after the end, the last edge again."""
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
        """In a forked child: forget thread, lock and driver, which belong to the parent."""
        self._state = "forked"
        self._lock = threading.Lock()
        reason = "this process was forked from the metered one"
        self._sources = Sources(reasons=dict.fromkeys(SCOPES, reason))
        self._watch = None
        self._windows = {}
