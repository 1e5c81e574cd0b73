"""How much speech an evaluation takes to end in time: a pilot on a little of it tells the pace, and a share of it is chosen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ssl_bench.evaluating.evaluation import evaluated
from ssl_bench.evaluating.forecast import FEATURES, planned_hours
from ssl_bench.evaluating.pace import Pace, WatchedForecast
from ssl_bench.evaluating.subject import Evaluation, System
from ssl_bench.sessions.time_limit import time_of_day
from ssl_models.errors import BadInputError
from ssl_reports.units import duration

if TYPE_CHECKING:
    from ssl_bench.evaluating.speech import EvaluationSpeech, SpeechAt
    from ssl_bench.sessions.time_limit import TimeLimit
    from ssl_bench.settings.evaluating import EvaluationSettings

LITTLE = 1e-9
"""A share of the speech that tells how much there is."""
FILLED = 0.75
"""Of the time that is left, by plan: rates that are searched for longer, and other work beside it, take the rest."""
PILOTS = (1 / 60, 1 / 15)
"""Hours of speech; where the first does not show that there is time for all, the second tells what each hour adds."""
PILOT_PASSES = (4.0, 12.0)
"""Over the labelled speech of a pilot, where a recogniser learns."""
FIRST_AT_MOST = 0.05
"""Of the time, which the first pilot may have taken where a second follows."""
PILOT_SHARE = 0.25
"""Of the time, at which a pilot is ended: by then it has told enough."""
SHARES = tuple(2 ** (-step / 2) for step in range(25))
"""Of the speech: few steps, so that two evaluations on one machine mostly take the same utterances."""
EFFORTS = tuple(2 ** (-step / 2) for step in range(1, 13))
"""Of what recognisers would hear, where the least share does not fit; they make a few passes whatever these ask."""
LEAST_HOURS = 0.1
"""Of speech, in all parts: rates on less say nothing, whatever the time."""


def fitted(
    evaluation: Evaluation, systems: Sequence[System], speech: SpeechAt, *, controls_known: bool = False
) -> Evaluation:
    """The evaluation on as much of its speech as its limit of time holds by forecast; without a limit it stays as it is.

    `evaluation` has any share of the speech, which tells how much there is. Recognisers learn less too: by the root of the
    share, since of little speech more passes are worth their time; and where the least share does not fit, by as much as it takes.
    """
    if evaluation.limit is None or evaluation.limit.left <= 0:
        return evaluation
    known = replace(evaluation.settings, tasks=tuple(t for t in evaluation.settings.tasks if t != "ks"))
    plan = _Plan(replace(evaluation, settings=known), speech, evaluation.limit, controls_known=controls_known)
    share, effort = plan.chosen(systems) if known.tasks and sum(plan.whole.values()) > 0 else (1.0, 1.0)
    taken = speech(share).learned_with(effort)
    if taken.shortened:
        evaluation.say(f"to end by {time_of_day(evaluation.limit.left)}: {taken.shortened}")
    settings = learning_less(evaluation.settings, evaluation.device.type, share, effort)
    return replace(evaluation, settings=settings, speech=taken, _spelled={})


def limit_document(evaluation: Evaluation) -> dict[str, Any] | None:
    """For the record: the time that there was, and what it left; None where there was no limit."""
    if evaluation.limit is None:
        return None
    hours = evaluation.settings.chosen_hours(evaluation.device.type)
    return {
        "seconds": evaluation.limit.seconds,
        "share": evaluation.speech.share,
        "effort": evaluation.speech.effort,
        "taken": evaluation.speech.shortened or "all of the speech",
        "learning_hours": hours,
    }


def learning_less(settings: EvaluationSettings, device: str, share: float, effort: float = 1.0) -> EvaluationSettings:
    """What recognisers hear where they have a share of the speech, and of what they would hear of it a part."""
    return (
        settings
        if share == effort == 1.0
        else replace(settings, hours=settings.chosen_hours(device) * share**0.5 * effort)
    )


class _Plan:
    """Pilots run the tasks on a little speech; features that this gives are kept, and its cost is on the system's bill."""

    def __init__(
        self, evaluation: Evaluation, speech: SpeechAt, limit: TimeLimit, *, controls_known: bool = False
    ) -> None:
        self.evaluation, self.speech, self.limit = evaluation, speech, limit
        self.whole = {name: part.planned_hours for name, part in evaluation.speech.parts.items()}
        self.device = evaluation.device.type
        self._systems: list[list[System]] = []
        self._hours: list[dict[str, list[float]]] = []
        self._seconds: list[dict[str, list[float]]] = []
        self._an_hour: list[dict[str, float]] = []
        self._unreached: set[str] = set()  # kinds that a pilot had no time for
        self._reading = 0.0  # seconds an hour
        # Controls that were rated earlier on all of the speech are taken to be known, so they cost nothing there.
        self._known = controls_known
        self._decoded: dict[float, EvaluationSpeech] = {}

    def chosen(self, systems: Sequence[System]) -> tuple[float, float]:
        """A share of the speech, and the part of what recognisers would hear of it, so that all systems end in time by forecast."""
        groups: dict[str, list[System]] = {}
        for system in systems:  # a model's own random weights go as fast as its others
            groups.setdefault(system.control or system.name, []).append(system)
        self._systems = list(groups.values())
        self._hours, self._seconds = [{} for _ in groups], [{} for _ in groups]
        self._an_hour = [{} for _ in groups]
        self.evaluation.say(f"a pilot tells how much speech {duration(self.limit.left)} hold")
        for size, passes in zip(PILOTS, PILOT_PASSES, strict=True):
            began, end = self.limit.spent, self.limit.part(PILOT_SHARE * self.limit.seconds)
            for group, members in enumerate(self._systems):
                if self._known and members[0].is_control:
                    continue
                with suppress(BadInputError):  # too little speech for a task
                    self._pilot(group, members[0], (size, passes), end.part(end.left / (len(groups) - group)))
            if self._forecast(1.0) <= FILLED * self.limit.left:
                return 1.0, 1.0
            if self.limit.spent - began > FIRST_AT_MOST:
                break
        shares = [share for share in SHARES if share * sum(self.whole.values()) >= LEAST_HOURS] or [1.0]
        ways = [(share, 1.0) for share in shares] + [(shares[-1], effort) for effort in EFFORTS]
        return next((way for way in ways if self._forecast(*way) <= FILLED * self.limit.left), ways[-1])

    def _pilot(self, group: int, system: System, effort: tuple[float, float], limit: TimeLimit) -> None:
        size, passes = effort
        speech = self._read(min(1.0, size / sum(self.whole.values())))
        hours = {name: part.hours for name, part in speech.parts.items()}
        settings = replace(self.evaluation.settings, lm=None, hours=max(1e-3, passes * hours.get("train", 0.0)))
        forecast = self._run(system, settings, speech, limit)
        if FEATURES in forecast.planned and not (forecast.heard_hours(FEATURES) or self._hours[group]):
            with TemporaryDirectory() as folder:  # what was kept earlier does not tell how long the rest takes
                forecast = self._run(system, replace(settings, features=folder), speech, limit)
        for kind, work in _work(settings, hours, self.device).items():
            heard = forecast.heard_hours(kind) or (0.0 if kind == FEATURES else work)
            if heard and forecast.seconds(kind) > 0:  # nothing, where time was up before
                self._hours[group].setdefault(kind, []).append(heard)
                self._seconds[group].setdefault(kind, []).append(forecast.seconds(kind))
                if (an_hour := forecast.an_hour(kind)) is not None:
                    self._an_hour[group][kind] = an_hour
            elif limit.left <= 0:
                self._unreached.add(kind)

    def _read(self, share: float) -> EvaluationSpeech:
        """A share of the speech. How much longer it takes the first time tells how long decoding does."""
        if share not in self._decoded:
            begun = self.limit.left
            speech = self.speech(share)
            first = begun - self.limit.left
            self._decoded[share] = self.speech(share)
            again = begun - self.limit.left - first
            hours = sum(part.hours for part in speech.parts.values())
            self._reading = max(self._reading, (first - again) / max(hours, 1e-9))
        return self._decoded[share]

    def _run(
        self, system: System, settings: EvaluationSettings, speech: EvaluationSpeech, limit: TimeLimit
    ) -> WatchedForecast:
        """The tasks on a system, whose times the forecast then has."""
        hours = {name: part.hours for name, part in speech.parts.items()}
        forecast = WatchedForecast(1, planned_hours(settings, hours, self.device), self.limit.clock)
        quiet = replace(
            self.evaluation, settings=settings, speech=speech, say=lambda _: None, tell=lambda *_: None, about={},
            forecast=forecast, limit=limit, _spelled={},
        )  # fmt: skip
        list(evaluated([system], quiet))
        return forecast

    def _forecast(self, share: float, effort: float = 1.0) -> float:
        """Seconds for a share of the speech; infinite where no pilot came to a kind of its work."""
        if self._unreached - {kind for seconds in self._seconds for kind in seconds}:
            return math.inf
        settings = learning_less(self.evaluation.settings, self.device, share, effort)
        work = _work(settings, {name: share * part for name, part in self.whole.items()}, self.device)
        told = [
            {kind: Pace.through(hours[kind], seconds[kind], an_hour.get(kind)).seconds(work[kind]) for kind in hours}
            for hours, seconds, an_hour in zip(self._hours, self._seconds, self._an_hour, strict=True)
        ]
        # What a pilot did not come to is taken to be as slow as where it is slowest.
        slowest = {kind: max((each[kind] for each in told if kind in each), default=0.0) for kind in work}
        reading = self._reading * share * sum(self.whole.values())
        total = reading
        for members, each in zip(self._systems, told, strict=True):
            count = sum(not (self._known and share == 1.0 and system.is_control) for system in members)
            total += count * sum((slowest | each).values())
        return total


def _work(settings: EvaluationSettings, hours: Mapping[str, float], device: str) -> dict[str, float]:
    """Hours by the kind of work; where nothing is planned of it, it goes by the speech."""
    return {kind: planned or sum(hours.values()) for kind, planned in planned_hours(settings, hours, device).items()}
