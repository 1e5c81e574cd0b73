"""One cell of a measurement: a step at one clip and batch size, built once and measured in one or more windows."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from ssl_benchmarks.cells.rows import Row, energy_rows, latency_rows, memory_rows, time_rows
from ssl_benchmarks.energy import EnergyMeter
from ssl_benchmarks.machine.environment import conditions
from ssl_benchmarks.memory.peak import PeakMemory, load_libraries, reserved
from ssl_benchmarks.record.flaws import DISTURBED, NOT_STEADY, flawed
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_benchmarks.timing.protocol import Protocol, warm_up
from ssl_benchmarks.timing.repeats import Repeats, Report, Stage, timed_repeats
from ssl_benchmarks.timing.stopwatch import Between, Call, Stopwatch, unheard

if TYPE_CHECKING:
    from ssl_benchmarks.energy import EnergyReading
    from ssl_benchmarks.energy.carbon import GridIntensity
    from ssl_benchmarks.energy.idle import IdlePower
    from ssl_benchmarks.energy.sources.trace import Rows
    from ssl_benchmarks.record.quantity import Quantity

ROUSED = 0.1
"""The step is run before a window for this share of the window's length if it has been idle since the last one."""
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, eq=False)
class Step:
    """The step to measure.

    Attributes:
        run: processes the whole batch once.
        one_clip: the same with a single clip, or None if single-clip latency is not measured.
        context: the context of all calls (inference mode, autocast).
        sizes: bytes of "weights", "gradients" and "optimizer", as far as they exist, after the first call.
        attention: "sdpa" or "eager", or None if the model does not report it.
    """

    run: Call
    one_clip: Call | None
    context: AbstractContextManager[object]
    sizes: Callable[[], dict[str, Quantity]]
    attention: str | None


@dataclass(frozen=True)
class CellSetting:
    """Settings that the rows of a cell share.

    Attributes:
        model: its name in the rows.
        phase: "inference" or "training".
        clip_seconds: length of a clip.
        clips: number per batch.
        precision: "float32" or "bfloat16" (autocast).
        compile: whether the step is compiled.
        pue, grid: for CO2e.
    """

    model: str
    phase: str
    clip_seconds: float
    clips: int
    precision: str
    compile: bool = False
    pue: float = 1.0
    grid: GridIntensity | None = None

    @property
    def batch_seconds(self) -> float:
        """Audio per batch."""
        return self.clips * self.clip_seconds

    def held(self, device: torch.device, attention: str | None) -> Conditions:
        """The conditions of the cell's rows."""
        return conditions(
            device,
            self.precision,
            attention,
            clip_seconds=self.clip_seconds,
            batch_seconds=self.batch_seconds,
            compile=self.compile,
            pue=self.pue,
            grid=None if self.grid is None else self.grid.label,
        )


@dataclass(frozen=True, eq=False)
class MeasuredCell:
    """The result of one window of a cell.

    Attributes:
        rows: of the long table.
        samples: of the power, by the columns of a trace.
        details: whatever does not fit into rows: the warm-up, calls and seconds of each repeat, disturbances.
    """

    rows: list[Measurement]
    samples: Rows
    details: dict[str, Any]


class WarmCell:
    """A warm step in this process: its peak memory is known, and windows are measured on request.

    It needs a fresh process, since building is part of the measured memory. Torch's libraries are loaded first; the
    peak is taken over the calls after the first one, which creates the optimiser's state. The energy meter starts only
    once the peak is known: its libraries are no part of the model's memory. Waveforms are moved to the device before
    the first call, so reading speech is in no figure. Between windows nothing runs and nothing is queued on a GPU.
    """

    def __init__(
        self,
        build: Callable[[], Step],
        setting: CellSetting,
        protocol: Protocol,
        device: torch.device,
        report: Report = unheard,
    ) -> None:
        self._setting, self._protocol, self._device = setting, protocol, device
        self._watch, self._waited = Stopwatch(device), False
        report(Stage("build"))
        load_libraries()
        with ExitStack() as stack:
            with PeakMemory(device) as memory:
                self._step = build()
                stack.enter_context(self._step.context)
                self._watch.call(self._step.run)
                memory.restart()
                self._warm = warm_up(self._step.run, protocol, self._watch, _now_and_then(report))
            self._context = stack.pop_all()
        rows = memory_rows(memory.so_far(), self._step.sizes(), reserved(device))
        self._free_cache()
        self._memory = _with_compiler(rows) if setting.compile and device.type == "cpu" else rows

    def window(self, seconds: float, *, idle: IdlePower | None = None, report: Report = unheard) -> MeasuredCell:
        """Time and meter the step, for `seconds` in each of the protocol's repeats, or longer where a counter needs it.

        The first window also has the rows of memory and, if requested, the latency of one clip.
        """
        step, first = self._step, not self._waited
        if self._waited:
            self._wake(seconds)
        meter = EnergyMeter()
        meter.idle = idle
        with meter:
            repeats = timed_repeats(
                step.run,
                self._warm,
                replace(self._protocol, duration=seconds),
                watch=self._watch,
                meter=meter,
                report=report,
            )
        batch, reading = self._setting.batch_seconds, meter.reading
        alone = self._one_clip(report) if first else []
        rows = time_rows(repeats, batch)
        if self._setting.clips > 1 or step.one_clip is None or not self._watch.queues:
            rows += latency_rows(repeats.calls, "of a whole batch")
        rows += energy_rows(repeats, batch, self._setting.pue, self._setting.grid)
        found = (DISTURBED * bool(reading.disturbances), NOT_STEADY * (not self._warm.steady))
        rows = [*(self._memory if first else []), *((name, scope, flawed(q, *found)) for name, scope, q in rows)]
        alone = [(name, scope, flawed(q, *found)) for name, scope, q in alone]
        self._waited = True
        self._free_cache()
        details = _details(repeats, reading) | {"meter_cpu_seconds": meter.own_cpu_seconds}
        return MeasuredCell(self._measured(rows, alone), reading.samples, details)

    def close(self) -> None:
        """Leave the step's context."""
        self._context.close()

    def _wake(self, seconds: float) -> None:
        """Run the step before a window, since caches and clocks reflect another cell; not if one call fills the window."""
        if self._warm.seconds / self._warm.calls < seconds / 2:
            self._watch.calls(self._step.run, ROUSED * seconds, fewest=1)

    def _free_cache(self) -> None:
        """Free cached GPU memory for the other cells; what the model itself holds stays."""
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _one_clip(self, report: Report) -> list[Row]:
        """Latency at batch size 1, with each call waited for; empty if all calls were made that way already."""
        single = self._step.one_clip
        if single is None or (self._setting.clips == 1 and not self._watch.queues):
            return []
        report(Stage("latency"))
        warm_up(single, self._protocol, self._watch, unheard)
        calls = [self._watch.calls(single, self._protocol.duration) for _ in range(self._protocol.repeats)]
        return latency_rows(calls, "of one clip, each call waited for")

    def _measured(self, rows: list[Row], alone: list[Row]) -> list[Measurement]:
        s = self._setting
        held = s.held(self._device, self._step.attention)
        single = replace(held, batch_seconds=s.clip_seconds)
        found = [Measurement(s.model, name, q, s.phase, scope, held) for name, scope, q in rows]
        return found + [Measurement(s.model, name, q, s.phase, scope, single) for name, scope, q in alone]


def _now_and_then(report: Report) -> Between:
    """Report the progress of a warm-up once per second."""
    report(Stage("warm-up"))
    said = time.monotonic()

    def tell(times: list[float]) -> None:
        nonlocal said
        if time.monotonic() - said >= 1.0:
            said = time.monotonic()
            report(Stage("warm-up", seconds_per_call=times[-1]))

    return tell


def _with_compiler(rows: list[Row]) -> list[Row]:
    """On the CPU, the compiler runs inside the measured process; a note says so."""
    note = "includes the memory of torch.compile itself"
    affected = ("peak_memory", "memory_activations")
    return [(name, scope, replace(q, note=f"{q.note}; {note}") if name in affected else q) for name, scope, q in rows]


def _details(repeats: Repeats, reading: EnergyReading) -> dict[str, Any]:
    return {
        "warm_up": repeats.warm.note,
        "repeats": [{"calls": len(calls), "seconds": sum(calls)} for calls in repeats.calls],
        "repeat_seconds": repeats.duration,
        "disturbances": list(reading.disturbances),
        "meter_remarks": list(reading.remarks),
    }
