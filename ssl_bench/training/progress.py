"""Live progress of a run on the terminal: rate, loss, power, energy, carbon and time left."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ssl_bench.console import StatusLine
from ssl_benchmarks.energy.carbon import GridIntensity, co2e
from ssl_reports.summaries.full_run import full_run_lines
from ssl_reports.units import duration, with_prefix

if TYPE_CHECKING:
    from rich.console import Console

    from ssl_bench.training.ledger import Logged
    from ssl_benchmarks.energy import LiveReading
    from ssl_benchmarks.record.details.projection import FullRun

FULL_RUN_AFTER = 60.0
"""s of training after which a full pretraining is first projected."""


class Progress(StatusLine):
    """Shows the progress of a training run."""

    def __init__(self, console: Console, scope: str, grid: GridIntensity | None, pue: float) -> None:
        super().__init__(console)
        self.scope, self.grid, self.pue = scope, grid, pue
        self._began: float | None = None
        self._projected = 0

    def step(self, logged: Logged, live: LiveReading, rate: float, left: tuple[float, float]) -> None:
        """Show a group of steps; `rate` is seconds of audio per second, `left` the seconds and joules left."""
        self._began = time.monotonic() if self._began is None else self._began
        if self.due:
            self.show(self._parts(logged, live, rate, left))

    @property
    def full_run_due(self) -> bool:
        """Whether a projection of a full pretraining is due: after 1, 2, 4, ... minutes of training."""
        return self._began is not None and time.monotonic() - self._began >= FULL_RUN_AFTER * 2**self._projected

    def full_run(self, found: FullRun) -> None:
        """Show a projected full pretraining; see `ssl_bench.training.full_run.full_run`."""
        self._projected += 1
        for line in full_run_lines(found):
            self.phase(f"at the current rate, {line}")

    def _parts(self, logged: Logged, live: LiveReading, rate: float, left: tuple[float, float]) -> list[str]:
        """The parts of the line."""
        values, energy, power = logged.values, live.energy[self.scope], live.power[self.scope]
        parts = [
            f"{100 * logged.progress:3.0f} %",
            f"step {logged.step}",
            f"loss {values['loss']:.3f}",
            f"masked accuracy {100 * values['masked_accuracy']:.1f} %" if "masked_accuracy" in values else "",
            f"{rate:.0f} × real time",
        ]
        if energy.value is not None and power.value is not None:
            carbon = co2e(energy, self.grid, self.pue)
            spent = logged.spent.joules
            parts.append(
                f"{power.value:.1f} W, {with_prefix(spent / 3600, 'Wh')} so far ({self.scope}, {energy.method})"
            )
            if carbon.value is not None and energy.value:
                parts.append(f"{with_prefix(carbon.value * spent / energy.value, 'g')} CO2e")
        seconds, joules = left
        if seconds < math.inf:
            parts.append(f"{duration(seconds)} of training left")
            if logged.spent.joules:
                parts.append(f"forecast {with_prefix((logged.spent.joules + joules) / 3600, 'Wh')}")
        return [part for part in parts if part]
