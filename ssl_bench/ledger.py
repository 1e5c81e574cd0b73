"""What a run has spent while it runs: this attempt's time and energy on top of the earlier ones'."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from benchmarks.quantity import Quantity
from benchmarks.record import headline_scope
from models.errors import BadInputError
from ssl_bench.attempts import Attempt, PhaseCost, not_net
from ssl_bench.budget import Budget, Spent

if TYPE_CHECKING:
    from benchmarks.energy import EnergyMeter
    from ssl_bench.config import TrainAndMeasureConfig
    from ssl_bench.pretraining import Logged
    from ssl_bench.runs import TrainingState


FIRST_SAMPLES = 3.0
"""Seconds in which every source of energy gives something."""


class Ledger:
    """Keeps the last of `attempts` up to date from the running `meter`.

    Attributes:
        running: until `close`.

    Raises:
        BadInputError: for a budget in kWh where no energy can be had at all.
    """

    def __init__(
        self, attempts: list[Attempt], config: TrainAndMeasureConfig, meter: EnergyMeter, state: TrainingState
    ) -> None:
        self.attempts, self.meter = attempts, meter
        self.scope = headline_scope(config.device)
        self.running = True
        self.budget = Budget(config.steps, config.audio_hours, config.minutes, config.kwh)
        self._began = self._training_began = time.monotonic()
        self._at_training: dict[str, Quantity] = {}
        self._steps_before, self._audio_before = state.step, state.audio_seconds
        if config.kwh is not None:
            self._await_energy()

    def _await_energy(self) -> None:
        """Wait for the meter's first samples, before which nothing is counted; a GPU that tells none counts as machine."""
        end = self._began + FIRST_SAMPLES
        while (energy := self.meter.live().energy[self.scope]).value is None:
            if time.monotonic() > end and self.scope == "machine":
                raise BadInputError(f"--kwh: no energy can be had here ({energy.note})")
            if time.monotonic() > end:
                self.scope = "machine"
            time.sleep(0.05)

    def begin_training(self) -> None:
        """Training starts now."""
        self._training_began, self._at_training = time.monotonic(), self.meter.live().energy

    def spend(self, phase: str, cost: PhaseCost) -> None:
        """Put the cost of a phase into this attempt."""
        self.attempts[-1] = replace(self.attempts[-1], phases={**self.attempts[-1].phases, phase: cost})

    def progress(self, state: TrainingState) -> float:
        """The spent fraction of the budget."""
        return self.budget.progress(self.spent(state))

    def spent(self, state: TrainingState) -> Spent:
        """By all attempts until now; steps and audio are the model's, time and energy the machine's."""
        before = self.attempts[:-1]
        joules = sum(a.joules(self.scope) for a in before) + (self.meter.live().energy[self.scope].value or 0.0)
        seconds = sum(a.seconds for a in before) + time.monotonic() - self._began
        return Spent(state.step, state.audio_seconds, seconds, joules)

    def rate(self, state: TrainingState) -> float:
        """Audio seconds a second of this attempt's training."""
        seconds = time.monotonic() - self._training_began
        return (state.audio_seconds - self._audio_before) / seconds if seconds > 0 else 0.0

    def line(self, logged: Logged) -> dict[str, Any]:
        """A line of `metrics.jsonl`: where training stands, and what this attempt has cost."""
        return {
            "attempt": self.attempts[-1].number,
            "step": logged.step,
            "seconds": time.monotonic() - self._began,
            "progress": logged.progress,
            "audio_hours": logged.state.audio_seconds / 3600,
            **logged.values,
            "attempt_steps": logged.state.step - self._steps_before,
            "attempt_audio_seconds": logged.state.audio_seconds - self._audio_before,
            "power_w": {scope: power.value for scope, power in self.meter.live().power.items()},
            "training_energy": {scope: asdict(energy) for scope, energy in self._training_energy().items()},
        }

    def update(self, state: TrainingState) -> None:
        """Bring the attempt up to now, for a record written while training runs."""
        seconds = time.monotonic() - self._training_began
        cost = PhaseCost(seconds, self._training_energy(), not_net("training had not ended"))
        self._done(state, cost, 0.0)

    def close(self, state: TrainingState, data_wait: float) -> None:
        """Training has ended: what the meter's window read replaces the running figures."""
        self.running = False
        self._done(state, PhaseCost.of(self.meter.windows["training"]), data_wait)

    def _done(self, state: TrainingState, cost: PhaseCost, data_wait: float) -> None:
        self.spend("training", cost)
        self.attempts[-1] = replace(
            self.attempts[-1],
            steps=state.step - self._steps_before,
            audio_seconds=state.audio_seconds - self._audio_before,
            data_wait=data_wait,
        )

    def _training_energy(self) -> dict[str, Quantity]:
        """This attempt's training energy until now."""
        energy: dict[str, Quantity] = {}
        for scope, now in self.meter.live().energy.items():
            start = self._at_training.get(scope)
            before = start.value if start is not None and start.value is not None else 0.0
            energy[scope] = now if now.value is None else replace(now, value=max(0.0, now.value - before))
        return energy
