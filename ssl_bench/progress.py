"""Live progress of a run on the terminal: rate, loss, watts, energy, carbon, and what is left."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.text import Text

from benchmarks.carbon import GridIntensity, co2e
from reports.full_run import full_run_lines
from reports.units import duration, with_prefix

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

    from benchmarks.energy import LiveReading
    from ssl_bench.pretraining import Logged

LINE_EVERY = 15.0  # seconds between lines where there is no terminal to redraw
FULL_RUN_AFTER = 60.0
"""s of training after which a forecast of a whole one is first told."""


class StatusLine:
    """A line redrawn on a terminal, else one every 15 s; always on stderr."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None
        self._said_at = -LINE_EVERY

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            from rich.live import Live

            # Drawn by the loop itself: a refresh thread would cost the machine that is being measured.
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def phase(self, text: str) -> None:
        """Say what is done now."""
        if self._live is not None:
            self._live.update("", refresh=True)
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    @property
    def due(self) -> bool:
        """Whether it is time for a line again."""
        return time.monotonic() - self._said_at >= (0.5 if self._live else LINE_EVERY)

    def show(self, parts: Sequence[str]) -> None:
        """Show a line, if it is time again."""
        if not self.due:
            return
        self._said_at = time.monotonic()
        text = "   ".join(parts)
        if self._live is not None:
            self._live.update(Text(text), refresh=True)
        else:
            self.console.print(text, highlight=False, markup=False, soft_wrap=True)
            sys.stderr.flush()


class Progress(StatusLine):
    """Shows how a training run goes on."""

    def __init__(self, console: Console, scope: str, grid: GridIntensity | None, pue: float) -> None:
        super().__init__(console)
        self.scope, self.grid, self.pue = scope, grid, pue
        self._began: float | None = None
        self._told = 0

    def step(self, logged: Logged, live: LiveReading, rate: float, left: tuple[float, float]) -> None:
        """Show a group of steps; `rate` is audio seconds a second, `left` the seconds and joules to come."""
        self._began = time.monotonic() if self._began is None else self._began
        if self.due:
            self.show(self._parts(logged, live, rate, left))

    @property
    def full_run_due(self) -> bool:
        """Whether training has gone on for a minute, two, four, ... since it was last told what a whole one would take."""
        return self._began is not None and time.monotonic() - self._began >= FULL_RUN_AFTER * 2**self._told

    def full_run(self, found: Mapping[str, Any]) -> None:
        """Tell what a whole pretraining would take; see `ssl_bench.full_run.full_run`."""
        self._told += 1
        for line in full_run_lines(found):
            self.phase(f"at this rate {line}")

    def _parts(self, logged: Logged, live: LiveReading, rate: float, left: tuple[float, float]) -> list[str]:
        """Everything the line says."""
        values, energy, power = logged.values, live.energy[self.scope], live.power[self.scope]
        parts = [
            f"{logged.progress:4.0%}",
            f"step {logged.step}",
            f"loss {values['loss']:.3f}",
            f"masked accuracy {values['masked_accuracy']:.1%}" if "masked_accuracy" in values else "",
            f"{rate:.0f} x real time",
        ]
        if energy.value is not None and power.value is not None:
            carbon = co2e(energy, self.grid, self.pue)
            spent = logged.spent.joules
            parts += [
                f"{power.value:.1f} W, {with_prefix(spent / 3600, 'Wh')} so far ({self.scope}, {energy.method})",
                ""
                if carbon.value is None
                else f"{with_prefix(carbon.value * spent / energy.value, 'g')} CO2e"
                if energy.value
                else "",
            ]
        seconds, joules = left
        if seconds < math.inf:
            parts.append(f"{duration(seconds)} of training left")
            if logged.spent.joules:
                parts.append(f"forecast {with_prefix((logged.spent.joules + joules) / 3600, 'Wh')}")
        return [part for part in parts if part]
