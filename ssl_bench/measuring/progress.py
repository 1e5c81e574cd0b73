"""Progress of a measurement: cell, repeat, speed, power, energy and time left."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ssl_bench.console import StatusLine
from ssl_bench.measuring.repeat_plan import OVERHEAD
from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.units import duration, plain, shown, with_prefix

if TYPE_CHECKING:
    from rich.console import Console

    from ssl_bench.settings.measuring import MeasureConfig
    from ssl_benchmarks.cells.cell import CellSetting
    from ssl_benchmarks.timing.protocol import Protocol
    from ssl_benchmarks.timing.repeats import Stage


class MeasureProgress(StatusLine):
    """Progress cell by cell; `scope` is that of the power and energy shown."""

    def __init__(self, console: Console, scope: str) -> None:
        super().__init__(console)
        self.scope = scope
        self._cells = self._number = self._repeat = 1
        self._repeats, self._visits = 1, 0
        self._began = time.monotonic()
        self._joules_before = self._joules = 0.0

    def open(self, config: MeasureConfig, cells: int, speech: str, run: str) -> None:
        """Print what will be measured."""
        self._cells, self._repeats, self._began = cells, config.repeats, time.monotonic()
        how = f"{config.repeats} repeats of {config.protocol.duration:g} s, each in a separate process"
        what = f"{config.model}, {config.phase}, on {config.device} ({config.precision})"
        self.phase(f"{what}: {cells} cell{'s' * (cells > 1)}, {how}; {speech}; run: {run}")

    def cell(self, number: int, label: str, repeat: int) -> None:
        """Print that a repeat of a cell begins."""
        self._number, self._repeat = number, repeat
        self._visits += 1
        self._joules_before += self._joules
        self._joules = 0.0
        if self._cells > 1 and repeat == 1:
            self.phase(f"cell {number} of {self._cells}: {label}")

    def predicted(self, batch_seconds: float, peak: Quantity) -> None:
        """Print the predicted peak memory of an attempt."""
        size = f"unavailable: {peak.note}" if peak.value is None else " ".join(shown(peak))
        if self._repeat == 1:
            self.phase(f"{batch_seconds:g} s of audio per batch; predicted peak memory {size}")

    def stage(self, stage: Stage, setting: CellSetting, protocol: Protocol) -> None:
        """Show the progress of the cell."""
        parts = [f"cell {self._number} of {self._cells}", f"repeat {self._repeat} of {self._repeats}"]
        parts += [stage.name] if stage.name != "repeat" else []
        if stage.seconds_per_call:
            parts.append(f"{plain(setting.batch_seconds / stage.seconds_per_call)} × real time")
        watts, joules = stage.power.get(self.scope), stage.joules.get(self.scope)
        if watts is not None and joules is not None:
            self._joules = joules
            parts.append(f"{watts:.1f} W")
            parts.append(f"{with_prefix((self._joules_before + joules) / 3600, 'Wh')} so far ({self.scope})")
        parts.append(f"{duration(self._left(stage, protocol))} left")
        self.show(parts)

    def _left(self, stage: Stage, protocol: Protocol) -> float:
        """Seconds left of this visit, and of the others by the mean duration of those so far."""
        planned, done = protocol.duration, self._visits - 1
        each = (time.monotonic() - self._began) / done if done else planned + OVERHEAD
        here = planned if stage.left is None else stage.left
        return here + max(0, self._cells * self._repeats - self._visits) * each
