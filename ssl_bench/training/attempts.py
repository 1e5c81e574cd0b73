"""What each attempt at a run has spent: a run that was stopped and resumed adds them up."""

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
"""Phases that a budget is for; measuring and evaluating ("evaluation") come after it."""


@dataclass(frozen=True)
class Attempt:
    """One process' work on a run.

    Attributes:
        number: from 1 on.
        started: ISO 8601, UTC.
        phases: "targets", "training" and "evaluation" (all that follows training) to what they cost.
        steps: optimiser steps done, those lost with an abrupt end included.
        audio_seconds: of speech in these steps.
        data_wait: seconds the training waited for speech.
        note: how it ended, where that was not as planned.
        lost: by phase, the part that bought nothing: no checkpoint holds what was done then.
        lost_steps: of `steps`.
        lost_audio_seconds: of `audio_seconds`.
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
        """As it stands in the record."""
        return asdict(self)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Attempt:
        """The inverse of `document`.

        Raises:
            ValueError: for a document that is of no attempt.
        """
        parts = {part: document[part] for part in ("phases", "lost") if isinstance(document.get(part), dict)}
        costs = {part: {name: by_scope(cost) for name, cost in found.items()} for part, found in parts.items()}
        return typed(cls, {**document, **costs})

    @property
    def seconds(self) -> float:
        """Of wall time in the phases that a budget is for."""
        return sum(cost.seconds for cost in self.budgeted)

    def joules(self, scope: str) -> float:
        """Energy of the phases that a budget is for, 0 where it is unknown."""
        return sum(cost.energy[scope].value or 0.0 for cost in self.budgeted)

    @property
    def budgeted(self) -> list[PhaseCost]:
        """What a budget is spent on."""
        return [self.phases[name] for name in BUDGETED if name in self.phases]

    @property
    def all_seconds(self) -> float:
        """Of wall time in all phases."""
        return sum(cost.seconds for cost in self.phases.values())


def attempts_of(record: Record) -> list[Attempt]:
    """Those of a training's record.

    Raises:
        BadInputError: for a record without any, or with one that is broken.
    """
    try:
        found = [Attempt.from_document(document) for document in record.details.get("attempts", ())]
    except ValueError as error:
        raise BadInputError(f"{record.id}: broken attempts ({error})") from error
    if not found:
        raise BadInputError(f"{record.id}: no attempt at a training is on record")
    return found


def phase_cost(attempts: list[Attempt], phase: str) -> PhaseCost | None:
    """The cost of a phase over all attempts that reached it, None where none did."""
    return total_cost({_named(attempt): attempt.phases[phase] for attempt in attempts if phase in attempt.phases})


def lost_cost(attempts: list[Attempt], phase: str) -> PhaseCost | None:
    """What a phase of all attempts spent for nothing, None where nothing was lost."""
    return total_cost({_named(attempt): attempt.lost[phase] for attempt in attempts if phase in attempt.lost})


def _named(attempt: Attempt) -> str:
    return f"attempt {attempt.number}"


def with_lost_work(attempt: Attempt, kept: Attempt | None) -> Attempt:
    """An attempt that has ended, with what it did after its part `kept`, which the checkpoint to go on from holds."""
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


def standing(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of metrics of the steps that the model has behind it, as an unbroken run would have written them.

    An attempt that goes on from a checkpoint writes anew what an earlier one wrote of later steps.
    """
    kept: list[dict[str, Any]] = []
    for line in lines:
        while kept and kept[-1]["step"] >= line.get("first_step", line["step"]):
            kept.pop()
        kept.append(line)
    return kept


def recovered(attempt: Attempt, lines: list[dict[str, Any]], bill: dict[str, Any] | None = None) -> Attempt:
    """An attempt that ended without a word, brought up to its last bill or line of metrics, whichever is the latest.

    What was spent between that and the end is on no bill, and the note says so.
    """
    found = _by_lines(attempt, lines)
    billed = None
    with suppress(ValueError):  # a broken bill is none
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
    told = {"attempt", "seconds", "attempt_steps", "attempt_audio_seconds", "training_energy"}
    of_attempt = (line for line in reversed(lines) if line.keys() >= told and line["attempt"] == attempt.number)
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
