"""How an evaluation goes on: which system, which task, at what power, and what it has found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.downstream.outcome import UNCONVERGED
from reports.tables import percent
from reports.units import duration, with_prefix
from ssl_bench.progress import StatusLine

if TYPE_CHECKING:
    from rich.console import Console

    from benchmarks.energy import EnergyMeter
    from ssl_bench.evaluation import Finding, System


class EvaluationProgress(StatusLine):
    """Speaks of findings; `scope` is whose watts and joules are shown."""

    def __init__(self, console: Console, scope: str) -> None:
        super().__init__(console)
        self.scope = scope
        self._done = 0

    def learning(self, system: System, text: str, meter: EnergyMeter) -> None:
        """How a head goes on."""
        live = meter.live()
        energy, power = live.energy[self.scope], live.power[self.scope]
        parts = [system.name, text]
        if energy.value is not None and power.value is not None:
            parts.append(f"{power.value:.1f} W, {with_prefix(energy.value / 3600, 'Wh')} so far ({self.scope})")
        self.show(parts)

    def found(self, finding: Finding, wanted: int, meter: EnergyMeter) -> None:
        """A task is done: its rates, what it has cost so far, and what is left of `wanted` findings."""
        self._done += 1
        rates = ", ".join(f"{metric.upper()} {percent(q)}" for metric, q in finding.outcome.rates.items())
        mark = "" if finding.outcome.converged is not False else f" ({UNCONVERGED})"
        live = meter.live()
        energy, power = live.energy[self.scope], live.power[self.scope]
        parts = [f"{self._done} of {wanted}", f"{finding.system.name}: {finding.task} {rates}{mark}"]
        if energy.value is not None and power.value is not None:
            spent = with_prefix(energy.value / 3600, "Wh")
            parts.append(f"{power.value:.1f} W, {spent} so far ({self.scope}, {energy.method})")
        if self._done < wanted:
            parts.append(f"{duration(live.duration_s * (wanted - self._done) / self._done)} left")
        self.phase("   ".join(parts))
