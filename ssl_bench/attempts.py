"""What each attempt at a run has spent: a run that was stopped and resumed adds them up."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from benchmarks.energy import EnergyReading
from benchmarks.quantity import Quantity, summed_interval, unavailable, weakest

SCOPES = ("gpu", "cpu", "dram", "machine")


@dataclass(frozen=True)
class PhaseCost:
    """Time and energy of a phase.

    Attributes:
        seconds: of wall time.
        energy: scope to gross joules.
        energy_net: scope to joules without the idle power.
    """

    seconds: float
    energy: dict[str, Quantity]
    energy_net: dict[str, Quantity]

    @classmethod
    def of(cls, reading: EnergyReading) -> PhaseCost:
        """The cost that a meter's window read."""
        return cls(reading.duration.value or 0.0, reading.by_scope(), reading.net_by_scope())


@dataclass(frozen=True)
class Attempt:
    """One process' work on a run.

    Attributes:
        number: from 1 on.
        started: ISO 8601, UTC.
        phases: "targets" and "training" to what they cost.
        steps: optimiser steps done, those lost with an abrupt end included.
        audio_seconds: of speech in these steps.
        data_wait: seconds the training waited for speech.
        note: how it ended, where that was not as planned.
    """

    number: int
    started: str
    phases: dict[str, PhaseCost] = field(default_factory=dict)
    steps: int = 0
    audio_seconds: float = 0.0
    data_wait: float = 0.0
    note: str = ""

    def document(self) -> dict[str, Any]:
        """As it stands in the record."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Attempt:
        """The inverse of `document`."""
        phases = {
            name: PhaseCost(
                cost["seconds"],
                {scope: _quantity(q) for scope, q in cost["energy"].items()},
                _net(cost["energy_net"]),
            )
            for name, cost in document["phases"].items()
        }
        return cls(**{**document, "phases": phases})

    @property
    def seconds(self) -> float:
        """Of wall time in all phases."""
        return sum(cost.seconds for cost in self.phases.values())

    def joules(self, scope: str) -> float:
        """Energy of all phases, 0 where it is unknown (budgets only)."""
        return sum(cost.energy[scope].value or 0.0 for cost in self.phases.values())


def _quantity(document: dict[str, Any]) -> Quantity:
    ci95 = document["ci95"]
    return Quantity(**{**document, "ci95": None if ci95 is None else (ci95[0], ci95[1])})


def _net(document: dict[str, Any]) -> dict[str, Quantity]:
    """Net energy by scope; an older record has the machine's alone."""
    if "unit" not in document:
        return {scope: _quantity(q) for scope, q in document.items()}
    return not_net("recorded before net energy was kept by scope") | {"machine": _quantity(document)}


def not_net(reason: str) -> dict[str, Quantity]:
    """No net energy of any scope."""
    return {scope: unavailable("J", reason) for scope in SCOPES}


def added(parts: list[Quantity], unit: str = "J") -> Quantity:
    """The sum of the same quantity over attempts; unavailable as soon as one of them is."""
    missing = next((part for part in parts if part.value is None), None)
    if missing is not None or not parts:
        return unavailable(unit, missing.note if missing else "no attempt reached this phase")
    value = sum(part.value for part in parts if part.value is not None)
    notes = dict.fromkeys(part.note for part in parts if part.note)
    return Quantity(
        value, unit, weakest(*(part.method for part in parts)), summed_interval(parts), note="; ".join(notes)
    )


def phase_cost(attempts: list[Attempt], phase: str) -> PhaseCost | None:
    """The cost of a phase over all attempts that reached it, None where none did."""
    costs = [attempt.phases[phase] for attempt in attempts if phase in attempt.phases]
    if not costs:
        return None
    energy = {scope: added([cost.energy[scope] for cost in costs]) for scope in SCOPES}
    net = {scope: added([cost.energy_net[scope] for cost in costs]) for scope in SCOPES}
    return PhaseCost(sum(cost.seconds for cost in costs), energy, net)


def recovered(attempt: Attempt, lines: list[dict[str, Any]]) -> Attempt:
    """An attempt that ended without a word, brought up to its last line of metrics where that is later.

    What was spent between that line and the end is lost, and the note says so.
    """
    last = next((line for line in reversed(lines) if line.get("attempt") == attempt.number), None)
    if last is None or last["attempt_steps"] <= attempt.steps:
        return attempt
    before = attempt.phases.get("targets")
    energy = {scope: _quantity(q) for scope, q in last["training_energy"].items()}
    note = "killed: counted up to its last line of metrics"
    energy = {scope: replace(q, note=f"{q.note}; {note}") for scope, q in energy.items()}
    seconds = last["seconds"] - (before.seconds if before else 0.0)
    cost = PhaseCost(seconds, energy, not_net(note))
    return replace(
        attempt,
        phases={**attempt.phases, "training": cost},
        steps=last["attempt_steps"],
        audio_seconds=last["attempt_audio_seconds"],
        note=note,
    )
