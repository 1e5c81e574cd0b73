"""A metered piece of work and its record, which is on disk from the start and kept up to date."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from ssl_bench.metering.nodes import Task
from ssl_bench.sessions.run_folder import folder_name, new_run
from ssl_bench.sessions.session import Session
from ssl_bench.settings.metering import AS_RECORDED, MeterConfig
from ssl_benchmarks.energy import EnergyMeter, EnergyReading
from ssl_benchmarks.energy.carbon import chosen_intensity
from ssl_benchmarks.energy.cost_rows import cost_rows, per_audio_hour
from ssl_benchmarks.energy.phase_cost import PhaseCost, not_net
from ssl_benchmarks.machine.plain import plain_conditions, plain_environment
from ssl_benchmarks.memory.work import WorkMemory
from ssl_benchmarks.record.flaws import STOPPED, flawed
from ssl_benchmarks.record.metrics import RATES
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, headline_scope

if TYPE_CHECKING:
    from ssl_benchmarks.record.details.kinds import Kind

KEEP_S = 10.0
"""Seconds between records on disk: what a killed meter loses at most."""


@dataclass(kw_only=True)
class MeterSession(Session):
    """The state of a metered piece of work.

    Attributes:
        name: of the model, as tables show it.
        meter: that of the whole; its windows are phases of their own.
        memory: of the work; None until it has begun.
        audio_s: seconds of audio that were reported, by phase; "" outside every window.
        metrics: error rates and other figures that were reported.
        counts: what was counted of a step, by metric.
        ended: how the work ended; empty while it goes on.
        exit_code: of a command.
        outlived: processes that were left.
        reading: of the whole, once it has ended.
    """

    kind: ClassVar[Kind] = "meter"
    name: str
    meter: EnergyMeter
    memory: WorkMemory | None = None
    audio_s: dict[str, float] = field(default_factory=dict)
    metrics: list[Measurement] = field(default_factory=list)
    counts: dict[str, Quantity] = field(default_factory=dict)
    ended: str = ""
    exit_code: int | None = None
    outlived: tuple[str, ...] = ()
    reading: EnergyReading | None = None
    _kept_s: float = 0.0

    @classmethod
    def begun(cls, config: MeterConfig, name: str, command: str) -> MeterSession:
        """A session whose meter has just been started; `settle` follows once the work is under way.

        Raises:
            BadInputError: for a folder, a GPU or a country that cannot be used.
        """
        grid = chosen_intensity(config.country, config.grid_intensity)
        meter = EnergyMeter(config.chosen_gpus, sample_hz=1 / config.interval)
        if config.idle:
            meter.measure_idle()
        task = Task.this()
        name = task.named(name)
        run = new_run(config.out and task.folder(config.out), folder_name(name, "meter"))
        session = cls(config=config, run=run, grid=grid, command=command, machine={}, name=name, meter=meter)
        try:
            meter.start()
        except BaseException:
            shutil.rmtree(run.path, ignore_errors=True)
            raise
        return session

    def settle(self, pid: int) -> None:
        """Describe the machine, begin to watch the memory of a process and its descendants, and write the first record."""
        self.memory = WorkMemory(pid, self.meter.devices)
        self.machine = plain_environment(self.meter.devices)
        self.keep()

    @property
    def scope(self) -> str:
        """The scope whose energy is the headline: the GPUs' where any are metered."""
        return headline_scope(self.settings()["device"])

    @property
    def phase(self) -> str:
        """The phase of the whole, as records name it."""
        return AS_RECORDED.get(self.config.phase, self.config.phase)

    def settings(self) -> dict[str, Any]:
        """The settings as the record holds them, with the device that did the work."""
        return {**asdict(self.config), "device": "cuda" if self.machine["gpus"] else "cpu", "name": self.name}

    def keep(self) -> None:
        """Write the record as it stands."""
        self._kept_s = time.monotonic()
        self.run.write(self.record("finished" if self.ended else "unfinished"))

    def look(self) -> None:
        """Read the memory in use, and write the record if the last one is old; a full disk does not end the work."""
        if self.memory is not None:
            self.memory.look_if_due()
        if time.monotonic() - self._kept_s >= KEEP_S:
            with suppress(OSError):
                self.keep()

    def finish(self, ended: str) -> None:
        """Stop the meter and write the record and the power trace."""
        self.meter.stop()
        if self.memory is not None:
            self.memory.close()
        self.reading, self.ended = self.meter.reading, ended
        self.run.add_trace(self.reading.samples)
        self.keep()

    def contents(self) -> tuple[Sequence[Measurement], dict[str, Any]]:
        """The rows known so far, and the details."""
        held = plain_conditions(self.machine, self.config.pue, None if self.grid is None else self.grid.label)
        windows = {name: PhaseCost.of(window) for name, window in self.meter.windows.items()}
        costs = {self.phase: self._cost(), **windows}  # a window of the whole's phase takes its place
        rows = [row for phase, cost in costs.items() for row in self._rows(phase, cost, self._hours(phase), held)]
        peaks = {} if self.memory is None else self.memory.peaks
        rows += [Measurement(self.name, metric, peak, self.phase, None, held) for metric, peak in peaks.items()]
        rows += [Measurement(self.name, metric, count, self.phase, None, held) for metric, count in self.counts.items()]
        reading = self.reading
        details: dict[str, Any] = {
            "ended": self.ended, "exit_code": self.exit_code, "outlived": list(self.outlived),
            "remarks": [] if reading is None else list(reading.remarks),
            "disturbances": {self.phase: list(reading.disturbances)} if reading and reading.disturbances else {},
            "stopped": "" if self.ended else "the meter was killed",
        }  # fmt: skip
        stopped = [] if self.ended else [STOPPED]
        marked = [replace(m, quantity=flawed(m.quantity, *stopped)) for m in rows]
        return [*marked, *(replace(m, conditions=_with(m.conditions, held)) for m in self.metrics)], details

    def _cost(self) -> PhaseCost:
        if self.reading is not None:
            return PhaseCost.of(self.reading)
        live = self.meter.live()
        return PhaseCost(live.duration_s, live.energy, not_net("known once the work has ended"))

    def _hours(self, phase: str) -> Quantity | None:
        """Hours of audio of a phase: those stated for the whole, else those reported from code, in no window for the whole."""
        if phase == self.phase and self.config.audio_hours is not None:
            return Quantity(self.config.audio_hours, "h", "stated", note="stated by the user")
        seconds = self.audio_s.get(phase, 0.0) + (self.audio_s.get("", 0.0) if phase == self.phase else 0.0)
        return Quantity(seconds / 3600, "h", "stated", note="reported by the metered code") if seconds else None

    def _rows(self, phase: str, cost: PhaseCost, hours: Quantity | None, held: Conditions) -> list[Measurement]:
        """The cost of a phase; with hours of audio, also its speed and its energy per hour."""
        devices = max(1, len(self.machine["gpus"]))
        rows = [
            replace(m, quantity=m.quantity.scaled(devices, "h")) if m.metric == "device_hours" and devices > 1 else m
            for m in cost_rows(self.name, phase, cost, held, self.grid)
        ]
        if hours is None or not hours.value:
            return rows
        rows.append(Measurement(self.name, "audio_hours_seen", hours, phase, None, held))
        found = per_audio_hour(hours, Quantity(cost.seconds, "s", "measured"), cost.energy)
        return rows + [
            Measurement(self.name, metric, flawed(q, cost.flaw), phase, scope, held)
            for (metric, scope), q in found.items()
        ]


def _with(own: Conditions, held: Conditions) -> Conditions:
    """The conditions of a reported figure, on the device of the run."""
    return replace(own, device=held.device)


def reported(name: str, metric: str, value: float, ci95: tuple[float, float] | None) -> Measurement:
    """A figure that the metered code reports of itself; error rates belong to the evaluation."""
    quantity = Quantity(value, "1", "stated", ci95, note="reported by the metered code")
    return Measurement(name, metric, quantity, "evaluation" if metric in RATES else "training")
