"""How an evaluation goes on: which system, which task, at what power, what it has found, and what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssl_bench.console import StatusLine
from ssl_bench.evaluating.forecast import Forecast
from ssl_benchmarks.downstream.outcome import UNCONVERGED
from ssl_reports.units import duration, percent, with_prefix

if TYPE_CHECKING:
    from rich.console import Console

    from ssl_bench.evaluating.subject import Finding, System
    from ssl_benchmarks.energy import EnergyMeter


class EvaluationProgress(StatusLine):
    """Speaks of findings; `scope` is whose watts and joules are shown, `forecast` what is left."""

    def __init__(self, console: Console, scope: str) -> None:
        super().__init__(console)
        self.scope, self.forecast = scope, Forecast()
        self._done = 0

    def opened(self, forecast: Forecast, wanted: int) -> None:
        """What is about to be done."""
        self.forecast = forecast
        self.phase(
            f"{wanted} findings of {forecast.systems} systems, which hear {forecast.hours:.2g} h of speech in all"
        )

    def learning(self, system: System, text: str, meter: EnergyMeter) -> None:
        """How a head or the extraction of features goes on."""
        if self.due:
            self.show([system.name, text, *self._spent(meter)])

    def found(self, finding: Finding, wanted: int, meter: EnergyMeter) -> None:
        """A task is done: its rates, what it has cost so far, and what is left of `wanted` findings."""
        self._done += 1
        rates = ", ".join(f"{metric.upper()} {percent(q)}" for metric, q in finding.outcome.rates.items())
        mark = "" if finding.outcome.converged is not False else f" ({UNCONVERGED})"
        parts = [f"{self._done} of {wanted}", f"{finding.system.name}: {finding.task} {rates}{mark}"]
        self.phase("   ".join([*parts, *self._spent(meter, ended=self._done == wanted)]))

    def _spent(self, meter: EnergyMeter, *, ended: bool = False) -> list[str]:
        """Watts and watt-hours so far, and what is left: time, and energy at the mean power so far."""
        live = meter.live()
        energy, power, left = live.energy[self.scope], live.power[self.scope], self.forecast.left()
        parts, more = [], ""
        if energy.value is not None and power.value is not None:
            spent = with_prefix(energy.value / 3600, "Wh")
            parts.append(f"{power.value:.1f} W, {spent} so far ({self.scope}, {energy.method})")
            if left is not None and live.duration_s:
                more = f", {with_prefix(energy.value / live.duration_s * left / 3600, 'Wh')}"
        if left is not None and not ended:
            parts.append(f"about {duration(left)}{more} left")
        return parts
