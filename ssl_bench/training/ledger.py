"""The budget of a run and what it has spent as it runs: this attempt's time and energy, plus those of earlier ones."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssl_bench.training.attempts import Attempt
from ssl_benchmarks.energy.phase_cost import PhaseCost, not_net
from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.processes.regularly import Regularly
from ssl_benchmarks.record.quantity import JOULES_PER_KWH, Quantity
from ssl_benchmarks.record.record import headline_scope
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import TrainingState
    from ssl_bench.settings.training import TrainAndMeasureConfig
    from ssl_benchmarks.energy import EnergyMeter


FIRST_SAMPLES = 3.0
"""Seconds within which every energy source gives a first sample."""
START_UP_SHARE = 0.5
"""Largest share of the budget's minutes that start-up is counted for, so that a slow one leaves time for steps."""
BILL_S = 5.0
"""Seconds between two bills of an attempt; what a killed process spent since the last one is unknown."""


@dataclass(frozen=True)
class Logged:
    """Means over the last steps, and the state of the attempt.

    Attributes:
        first: first step of the group, counted over all attempts.
        step: last step of the group.
        values: loss, learning_rate, gradient_norm and the model's metrics.
        progress: spent share of the budget, 0 to 1.
        spent: what all attempts have spent.
        state: state of the training.
    """

    first: int
    step: int
    values: dict[str, float]
    progress: float
    spent: Spent
    state: TrainingState


@dataclass(frozen=True)
class Spent:
    """What a run has used so far, over all its attempts."""

    steps: int = 0
    audio_seconds: float = 0.0
    seconds: float = 0.0
    joules: float = 0.0


@dataclass(frozen=True)
class Budget:
    """Limits in any of four units; None is no limit, and at least one is set."""

    steps: int | None = None
    audio_hours: float | None = None
    minutes: float | None = None
    kwh: float | None = None

    def progress(self, spent: Spent) -> float:
        """The largest spent share of any limit, at most 1: the first limit reached ends the run."""
        return min(1.0, max(self.fractions(spent).values()))

    def fractions(self, spent: Spent) -> dict[str, float]:
        """Spent share of each limit, by its unit."""
        limits = {
            "steps": (spent.steps, self.steps),
            "audio hours": (spent.audio_seconds / 3600, self.audio_hours),
            "minutes": (spent.seconds / 60, self.minutes),
            "kWh": (spent.joules / JOULES_PER_KWH, self.kwh),
        }
        return {name: used / limit for name, (used, limit) in limits.items() if limit is not None}


@dataclass(frozen=True)
class _Phase:
    """The current phase: its start by `time.monotonic`, and the meter's energy by scope at that moment."""

    name: str
    began: float
    energy: dict[str, Quantity]


@contextmanager
def billing(path: Path, attempts: list[Attempt], so_far: Callable[[], Attempt]) -> Iterator[None]:
    """Keep the last attempt up to date in a file while the block runs, for a kill, and in `attempts` at its end."""
    with Regularly(lambda: write_atomically(path, json.dumps(so_far().document()) + "\n"), BILL_S):
        try:
            yield
        finally:
            attempts[-1] = so_far()


class Ledger:
    """Keeps the last of `attempts` up to date from the running `meter`; the time of the call counts from `began` on.

    Attributes:
        running: true until `close`.

    Raises:
        BadInputError: for a budget in kWh without an energy source.
    """

    def __init__(
        self,
        attempts: list[Attempt],
        config: TrainAndMeasureConfig,
        meter: EnergyMeter,
        state: TrainingState,
        began: float | None = None,
    ) -> None:
        self.attempts, self.meter = attempts, meter
        self.scope = headline_scope(config.device)
        self.running = True
        self.budget = Budget(config.steps, config.audio_hours, config.minutes, config.kwh)
        self._began = self._training_began = time.monotonic()
        most = START_UP_SHARE * 60 * (config.minutes or 0.0)
        self._call_began = self._began if began is None else max(began, self._began - most)
        self._before_training = self._progress_then = 0.0
        self._current: _Phase | None = None
        self._steps_before, self._audio_before = state.step, state.audio_seconds
        self._done = (0, 0.0)
        if config.kwh is not None:
            self._await_energy()

    def _await_energy(self) -> None:
        """Wait for the meter's first samples; if there are none of the GPU, use those of the machine."""
        end = self._began + FIRST_SAMPLES
        while (energy := self.meter.live().energy[self.scope]).value is None:
            if time.monotonic() > end and self.scope == "machine":
                raise BadInputError(f"--kwh: energy is unavailable ({energy.note})")
            if time.monotonic() > end:
                self.scope = "machine"
            time.sleep(0.05)

    def begin(self, phase: str) -> None:
        """A phase ("targets" or "training") starts now; until `spend`, its cost is read from the running meter."""
        self._training_began = time.monotonic()
        self._current = _Phase(phase, self._training_began, self.meter.live().energy)

    def begin_training(self, state: TrainingState) -> None:
        """Training starts or continues now."""
        self.begin("training")
        # The schedule begins with the first step, however much of the budget start-up and targets took.
        self._before_training = self.budget.progress(self._of_targets() if state.step else self.spent(state))
        self._progress_then = self.progress(state)

    def _of_targets(self) -> Spent:
        """What all attempts spent on targets."""
        costs = [attempt.phases["targets"] for attempt in self.attempts if "targets" in attempt.phases]
        joules = sum(cost.energy[self.scope].value or 0.0 for cost in costs)
        return Spent(seconds=sum(cost.seconds for cost in costs), joules=joules)

    def spend(self, phase: str, cost: PhaseCost) -> None:
        """Add the cost of a phase that has ended to this attempt."""
        self.attempts[-1] = replace(self.so_far(), phases={**self.attempts[-1].phases, phase: cost})
        self._current = None

    def so_far(self) -> Attempt:
        """This attempt up to this moment; any thread may call this."""
        current, attempt, (steps, audio) = self._current, self.attempts[-1], self._done
        if current is not None:
            seconds = time.monotonic() - current.began
            cost = PhaseCost(seconds, self._energy_since(current), not_net("the phase had not ended"))
            attempt = replace(attempt, phases={**attempt.phases, current.name: cost})
        return replace(attempt, steps=steps, audio_seconds=audio)

    def billed(self, path: Path) -> AbstractContextManager[None]:
        """Keep the attempt up to date in a file meanwhile; see `billing`."""
        return billing(path, self.attempts, self.so_far)

    def progress(self, state: TrainingState) -> float:
        """The spent share of what was left of the budget when training began; 1 if less than half a step is left."""
        self._done = (state.step - self._steps_before, state.audio_seconds - self._audio_before)
        used = self.spent(state)
        if self.budget.minutes is not None and 60 * self.budget.minutes - used.seconds < self._step_seconds(state) / 2:
            return 1.0
        spent, before = self.budget.progress(used), self._before_training
        return 1.0 if spent >= 1.0 else max(0.0, (spent - before) / (1.0 - before))

    def _step_seconds(self, state: TrainingState) -> float:
        """Mean duration of this attempt's steps in s; 0 before the first."""
        steps = state.step - self._steps_before
        return (time.monotonic() - self._training_began) / steps if steps else 0.0

    def left(self, state: TrainingState) -> tuple[float, float]:
        """Seconds and joules that the rest of training takes at this attempt's pace; infinite before the first step."""
        progress, seconds = self.progress(state), time.monotonic() - self._training_began
        gained = progress - self._progress_then
        if gained <= 0 or self._current is None:
            return math.inf, math.inf
        energy = self._energy_since(self._current)[self.scope].value or 0.0
        return seconds / gained * (1.0 - progress), energy / gained * (1.0 - progress)

    def spent(self, state: TrainingState) -> Spent:
        """What all attempts have spent so far; steps and audio exclude lost work, time and energy include it."""
        before = self.attempts[:-1]
        joules = sum(a.joules(self.scope) for a in before) + (self.meter.live().energy[self.scope].value or 0.0)
        seconds = sum(a.seconds for a in before) + time.monotonic() - self._call_began
        return Spent(state.step, state.audio_seconds, seconds, joules)

    def rate(self, state: TrainingState) -> float:
        """Seconds of audio per second in this attempt's training."""
        seconds = time.monotonic() - self._training_began
        return (state.audio_seconds - self._audio_before) / seconds if seconds > 0 else 0.0

    def line(self, logged: Logged) -> dict[str, Any]:
        """A line of `metrics.jsonl`: where training stands, and what this attempt has cost."""
        return {
            "attempt": self.attempts[-1].number,
            "first_step": logged.first,
            "step": logged.step,
            "seconds": time.monotonic() - self._began,
            "progress": logged.progress,
            "audio_hours": logged.state.audio_seconds / 3600,
            **logged.values,
            "attempt_steps": logged.state.step - self._steps_before,
            "attempt_audio_seconds": logged.state.audio_seconds - self._audio_before,
            "power_w": {scope: power.value for scope, power in self.meter.live().power.items()},
            "training_energy": {}
            if self._current is None
            else {scope: asdict(q) for scope, q in self._energy_since(self._current).items()},
        }

    def update(self) -> None:
        """Bring the attempt up to now, for a record written while training runs."""
        self.attempts[-1] = self.so_far()

    def close(self, data_wait: float) -> None:
        """Training has ended: the reading of the meter's window replaces the running figures."""
        self.running = False
        self.spend("training", PhaseCost.of(self.meter.windows["training"]))
        self.attempts[-1] = replace(self.attempts[-1], data_wait=data_wait)

    def _energy_since(self, phase: _Phase) -> dict[str, Quantity]:
        """Energy of a phase until now, in J."""
        energy: dict[str, Quantity] = {}
        for scope, now in self.meter.live().energy.items():
            start = phase.energy.get(scope)
            before = start.value if start is not None and start.value is not None else 0.0
            energy[scope] = now if now.value is None else replace(now, value=max(0.0, now.value - before))
        return energy
