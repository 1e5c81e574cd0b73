"""The cost of each attempt at a run; a run that was stopped and resumed adds them up."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.energy.phase_cost import SCOPES, PhaseCost, by_scope, not_net, total_cost
from ssl_benchmarks.record.quantity import quantity_of, unavailable
from ssl_models.documents import typed
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from ssl_benchmarks.record.record import Record

KILLED = "killed: counted up to a few seconds before its end"
BUDGETED = ("targets", "training")
"""Phases that the budget covers; measuring and evaluating ("evaluation") come after it."""


@dataclass(frozen=True)
class Attempt:
    """The work of one process on a run.

    Attributes:
        number: from 1 on.
        started: ISO 8601, UTC.
        phases: cost by phase: "targets", "training" and "evaluation" (all that follows training).
        steps: optimiser steps done, including those lost by an abrupt end.
        audio_seconds: speech in these steps, in s.
        data_wait: seconds for which training waited for speech.
        note: how it ended, if not as planned.
        lost: by phase, the cost of lost work, which no checkpoint holds.
        lost_steps: the lost part of `steps`.
        lost_audio_seconds: the lost part of `audio_seconds`.
    """

    number: int
    started: str
    phases: dict[str, PhaseCost] = field(default_factory=dict)
    steps: int = 0
    audio_seconds: float = 0.0
    data_wait: float = 0.0
    note: str = ""
    lost: dict[str, PhaseCost] = field(default_factory=dict)
    lost_steps: int = 0
    lost_audio_seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """The attempt as the record holds it."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Attempt:
        """The inverse of `document`.

        Raises:
            ValueError: for a document that does not describe an attempt.
        """
        parts = {part: document[part] for part in ("phases", "lost") if isinstance(document.get(part), dict)}
        costs = {part: {name: by_scope(cost) for name, cost in found.items()} for part, found in parts.items()}
        return typed(cls, {**document, **costs})

    @property
    def seconds(self) -> float:
        """Wall time of the phases that the budget covers, in s."""
        return sum(cost.seconds for cost in self.budgeted)

    def joules(self, scope: str) -> float:
        """Energy of the phases that the budget covers, in J; 0 if unknown."""
        return sum(cost.energy[scope].value or 0.0 for cost in self.budgeted)

    @property
    def budgeted(self) -> list[PhaseCost]:
        """The costs of the phases that the budget covers."""
        return [self.phases[name] for name in BUDGETED if name in self.phases]

    @property
    def all_seconds(self) -> float:
        """Wall time of all phases, in s."""
        return sum(cost.seconds for cost in self.phases.values())


def attempts_of(record: Record) -> list[Attempt]:
    """The attempts in a training's record.

    Raises:
        BadInputError: for a record without attempts, or with a broken one.
    """
    try:
        found = [Attempt.from_document(document) for document in record.details.get("attempts", ())]
    except ValueError as error:
        raise BadInputError(f"{record.id}: broken attempts ({error})") from error
    if not found:
        raise BadInputError(f"{record.id}: the record holds no attempt at a training")
    return found


def phase_cost(attempts: list[Attempt], phase: str) -> PhaseCost | None:
    """The cost of a phase over all attempts that reached it, None if none did."""
    return total_cost({f"attempt {each.number}": each.phases[phase] for each in attempts if phase in each.phases})


def lost_cost(attempts: list[Attempt], phase: str) -> PhaseCost | None:
    """The cost of lost work in a phase over all attempts, None if nothing was lost."""
    return total_cost({f"attempt {each.number}": each.lost[phase] for each in attempts if phase in each.lost})


def with_lost_work(attempt: Attempt, kept: Attempt | None) -> Attempt:
    """An attempt that has ended, with the work lost after `kept`, the part that the checkpoint to resume from holds."""
    before = kept if kept is not None and kept.number == attempt.number else Attempt(attempt.number, attempt.started)
    lost = {
        name: cost.since(before.phases[name]) if name in before.phases else cost
        for name, cost in attempt.phases.items()
    }
    return replace(
        attempt,
        lost={name: cost for name, cost in lost.items() if cost.seconds > 0},
        lost_steps=max(0, attempt.steps - before.steps),
        lost_audio_seconds=max(0.0, attempt.audio_seconds - before.audio_seconds),
    )


def recovered(attempt: Attempt, lines: list[dict[str, Any]], bill: dict[str, Any] | None = None) -> Attempt:
    """An attempt that ended abruptly, brought up to its last bill or line of metrics, whichever is later.

    What was spent between then and the end is unknown, and the note says so.
    """
    found = _by_lines(attempt, lines)
    billed = None
    with suppress(ValueError):  # a broken bill counts as none
        billed = None if bill is None else Attempt.from_document(bill)
    if billed is None or billed.number != attempt.number or billed.all_seconds <= found.all_seconds:
        return found
    noted = {
        name: cost if name in attempt.phases and cost == attempt.phases[name] else _noted(cost, KILLED)
        for name, cost in billed.phases.items()
    }
    return replace(billed, phases=noted, note=KILLED)


def _noted(cost: PhaseCost, note: str) -> PhaseCost:
    energy = {scope: replace(q, note=f"{q.note}; {note}".removeprefix("; ")) for scope, q in cost.energy.items()}
    return replace(cost, energy=energy, energy_net=not_net(note))


def _by_lines(attempt: Attempt, lines: list[dict[str, Any]]) -> Attempt:
    needed = {"attempt", "seconds", "attempt_steps", "attempt_audio_seconds", "training_energy"}
    of_attempt = (line for line in reversed(lines) if line.keys() >= needed and line["attempt"] == attempt.number)
    last = next(of_attempt, None)
    if last is None or last["attempt_steps"] <= attempt.steps:
        return attempt
    before = attempt.phases.get("targets")
    unknown = dict.fromkeys(SCOPES, unavailable("J", "not metered"))
    energy = unknown | {scope: quantity_of(q) for scope, q in last["training_energy"].items()}
    seconds = last["seconds"] - (before.seconds if before else 0.0)
    return replace(
        attempt,
        phases={**attempt.phases, "training": _noted(PhaseCost(seconds, energy, {}), KILLED)},
        steps=last["attempt_steps"],
        audio_seconds=last["attempt_audio_seconds"],
        note=KILLED,
    )
