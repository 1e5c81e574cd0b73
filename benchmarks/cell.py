"""One cell of a measurement: a step at one size of clip and batch, from its peak memory to its joules."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from benchmarks.ceiling import matmul_ceiling
from benchmarks.cell_rows import Row, count_rows, energy_rows, latency_rows, memory_rows, mfu, time_rows
from benchmarks.energy import EnergyMeter
from benchmarks.environment import conditions
from benchmarks.memory import PeakMemory, load_libraries, reserved
from benchmarks.protocol import Protocol, warm_up
from benchmarks.record import Conditions, Measurement
from benchmarks.repeats import Repeats, Report, Stage, timed_repeats
from benchmarks.stopwatch import Call, Stopwatch, unheard

if TYPE_CHECKING:
    import pandas as pd

    from benchmarks.carbon import GridIntensity
    from benchmarks.energy.idle import IdlePower
    from benchmarks.flops import FlopCount
    from benchmarks.quantity import Quantity

PEAK_CALLS, PEAK_SECONDS = 3, 1.0
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, eq=False)
class Step:
    """What is measured.

    Attributes:
        run: a call on the whole batch.
        one_clip: the same on a single clip, or None where nobody waits for a single one.
        context: what all calls run in (inference mode, autocast).
        sizes: bytes of "weights", "gradients" and "optimizer", as far as there are such, once a call was made.
        count: FLOPs of one clip, or None where they are on record already.
        attention: "sdpa" or "eager", or None where the model does not say.
    """

    run: Call
    one_clip: Call | None
    context: AbstractContextManager[object]
    sizes: Callable[[], dict[str, Quantity]]
    count: Callable[[], FlopCount] | None
    attention: str | None


@dataclass(frozen=True)
class CellSetting:
    """What the rows of a cell have in common.

    Attributes:
        model: as rows name it.
        phase: "inference" or "training".
        clip_seconds: of one clip.
        clips: in a batch.
        precision: "float32" or "bfloat16" (autocast).
        compile: whether the step was compiled.
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
        """Audio of a call."""
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
    """What a cell gives.

    Attributes:
        rows: of the long table.
        trace: the power samples.
        details: what no row can hold: the warm-up, calls and seconds of each repeat, what disturbed it.
    """

    rows: list[Measurement]
    trace: pd.DataFrame
    details: dict[str, Any]


def measure_cell(
    build: Callable[[], Step],
    setting: CellSetting,
    protocol: Protocol,
    device: torch.device,
    *,
    idle: IdlePower | None = None,
    report: Report = unheard,
) -> MeasuredCell:
    """Measure the step that `build` makes; in a fresh process, since building is part of the memory that is measured.

    In this order: torch's libraries load; peak memory of the calls after the first one, which makes the optimiser's state; warm-up and repeats
    under the energy meter, which starts only when the peak is known, since its libraries are no part of the model's
    memory; latency of one clip; FLOPs, and the matrix-product ceiling. Waveforms are on the device before the first call:
    reading speech is in no figure.
    """
    report(Stage("build"))
    watch = Stopwatch(device)
    load_libraries()
    with ExitStack() as stack:
        with PeakMemory(device) as memory:
            step = build()
            stack.enter_context(step.context)
            watch.call(step.run)
            memory.restart()
            # An allocator's peak is there after one more call; a process' resident set may still grow a little.
            watch.block(step.run, PEAK_SECONDS, fewest=PEAK_CALLS, between=unheard)
        sizes, on_device = step.sizes(), reserved(device)
        meter = EnergyMeter()
        meter.idle = idle
        with meter:
            repeats = timed_repeats(step.run, protocol, watch, meter, report)
        alone = _one_clip(step, setting, protocol, watch, report)
    report(Stage("ceiling"))
    rows = memory_rows(memory.so_far(), sizes, on_device)
    rows = _with_compiler(rows) if setting.compile and device.type == "cpu" else rows
    rows += time_rows(repeats, setting.batch_seconds)
    rows += latency_rows(repeats.calls, "of a call on the whole batch") if setting.clips > 1 or not alone else []
    rows += energy_rows(repeats, setting.batch_seconds, setting.pue, setting.grid)
    rows += _compute_rows(step, setting, rows, device)
    held = setting.held(device, step.attention)
    found = [Measurement(setting.model, name, q, setting.phase, scope, held) for name, scope, q in rows]
    single = replace(held, batch_seconds=setting.clip_seconds)
    found += [Measurement(setting.model, name, q, setting.phase, scope, single) for name, scope, q in alone]
    return MeasuredCell(found, meter.reading.trace, _details(repeats, meter))


def _one_clip(step: Step, setting: CellSetting, protocol: Protocol, watch: Stopwatch, report: Report) -> list[Row]:
    """Latency at batch 1: each call waited for, nothing queued behind it; where that is how all calls went, nothing new."""
    if step.one_clip is None or (setting.clips == 1 and not watch.queues):
        return []
    report(Stage("latency"))
    warm_up(step.one_clip, protocol, watch, unheard)
    calls = [watch.calls(step.one_clip, protocol.duration) for _ in range(protocol.repeats)]
    return latency_rows(calls, "of one clip, each call waited for")


def _compute_rows(step: Step, setting: CellSetting, rows: list[Row], device: torch.device) -> list[Row]:
    """What one clip takes, and the share of the device's matrix products that the step reached."""
    if step.count is None:
        return []
    counted = count_rows(step.count, setting.clip_seconds)
    found = {name: q for name, _, q in [*rows, *counted]}
    ceiling = matmul_ceiling(device, DTYPES[setting.precision])
    return [*counted, ("mfu", None, mfu(found["audio_seconds_per_second"], found["flops_per_audio_second"], ceiling))]


def _with_compiler(rows: list[Row]) -> list[Row]:
    """On the CPU the compiler works in the process that is measured."""
    note = "the memory of torch.compile itself is in it"
    told = ("peak_memory", "memory_activations")
    return [(name, scope, replace(q, note=f"{q.note}; {note}") if name in told else q) for name, scope, q in rows]


def _details(repeats: Repeats, meter: EnergyMeter) -> dict[str, Any]:
    return {
        "warm_up": repeats.warm.note,
        "repeats": [{"calls": len(calls), "seconds": sum(calls)} for calls in repeats.calls],
        "repeat_seconds": repeats.duration,
        "meter_cpu_seconds": meter.own_cpu_seconds,
        "disturbances": list(meter.reading.disturbances),
        "meter_remarks": list(meter.reading.remarks),
    }
