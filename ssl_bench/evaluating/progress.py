"""Progress of an evaluation: system, task, power, findings, and the time left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssl_bench.console import StatusLine
from ssl_bench.evaluating.forecast import Forecast
from ssl_benchmarks.record.learned import UNCONVERGED
from ssl_reports.units import duration, percent, with_prefix

if TYPE_CHECKING:
    from rich.console import Console

    from ssl_bench.evaluating.subject import Finding, System
    from ssl_benchmarks.energy import EnergyMeter


class EvaluationProgress(StatusLine):
    """Shows findings; `scope` selects the watts and joules shown, `forecast` gives the time left."""

    def __init__(self, console: Console, scope: str) -> None:
        super().__init__(console)
        self.scope, self.forecast = scope, Forecast()
        self._done = 0

    def opened(self, forecast: Forecast, wanted: int) -> None:
        """Announce the evaluation."""
        self.forecast = forecast
        self.phase(f"{wanted} evaluations ({forecast.systems} systems), {forecast.hours:.2g} h of audio")

    def learning(self, system: System, text: str, meter: EnergyMeter) -> None:
        """Show the progress of a head or of feature extraction."""
        if self.due:
            self.show([system.name, text, *self._spent(meter)])

    def found(self, finding: Finding, wanted: int, meter: EnergyMeter) -> None:
        """Report a finding: its rates, the cost so far, and how many of the `wanted` findings are left."""
        self._done += 1
        rates = ", ".join(f"{metric.upper()} {percent(q)}" for metric, q in finding.outcome.rates.items())
        mark = "" if finding.outcome.converged is not False else f" ({UNCONVERGED})"
        parts = [f"{self._done} of {wanted}", f"{finding.system.name}: {finding.task} {rates}{mark}"]
        self.phase("   ".join([*parts, *self._spent(meter, ended=self._done == wanted)]))

    def _spent(self, meter: EnergyMeter, *, ended: bool = False) -> list[str]:
        """Watts, watt-hours so far, and the time left with its energy at the mean power so far."""
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
