"""How much speech an evaluation uses to end in time: a pilot measures the pace, and a share of the speech is chosen."""

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
"""Share of the speech that is read to find how much there is."""
FILLED = 0.75
"""Planned share of the time left; the rest is for longer learning-rate searches and other work."""
PILOTS = (1 / 60, 1 / 15)
"""Hours of speech per pilot; where the first does not show that all fits, the second measures the time per hour."""
PILOT_PASSES = (4.0, 12.0)
"""Passes over the labelled speech of each pilot, where a recogniser learns."""
FIRST_AT_MOST = 0.05
"""Largest share of the time that the first pilot may take for a second to follow."""
PILOT_SHARE = 0.25
"""Share of the time after which a pilot is stopped, as it has measured enough."""
SHARES = tuple(2 ** (-step / 2) for step in range(25))
"""Shares of the speech: few steps, so that two evaluations on one machine mostly use the same utterances."""
EFFORTS = tuple(2 ** (-step / 2) for step in range(1, 13))
"""Shares of the hours recognisers would hear, where the least share does not fit; they always make a few passes."""
LEAST_HOURS = 0.1
"""Hours of speech in train, dev and test together: rates on less are meaningless, whatever the time limit."""


def fitted(
    evaluation: Evaluation, systems: Sequence[System], speech: SpeechAt, *, controls_known: bool = False
) -> Evaluation:
    """The evaluation on as much of its speech as is forecast to fit its time limit; unchanged without a limit.

    `evaluation` may hold any share of the speech, which shows how much there is. Recognisers also hear fewer hours: by the
    square root of the share, since more passes over little speech pay off; by more where the least share does not fit.
    """
    if evaluation.limit is None or evaluation.limit.left <= 0:
        return evaluation
    known = replace(evaluation.settings, tasks=tuple(t for t in evaluation.settings.tasks if t != "ks"))
    plan = _Plan(replace(evaluation, settings=known), speech, evaluation.limit, controls_known=controls_known)
    share, effort = plan.chosen(systems) if known.tasks and sum(plan.whole.values()) > 0 else (1.0, 1.0)
    taken = replace(speech(share), effort=effort)
    if taken.shortened:
        evaluation.say(f"to end by {time_of_day(evaluation.limit.left)}: {taken.shortened}")
    settings = learning_less(evaluation.settings, evaluation.device.type, share, effort)
    return replace(evaluation, settings=settings, speech=taken, _spelled={})


def limit_document(evaluation: Evaluation) -> dict[str, Any] | None:
    """For the record: the time limit, and what it left; None without a limit."""
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
    """The settings with fewer hours for recognisers: `effort` times the hours for this share of the speech."""
    return (
        settings
        if share == effort == 1.0
        else replace(settings, hours=settings.chosen_hours(device) * share**0.5 * effort)
    )


class _Plan:
    """Pilots that run the tasks on a little speech; their features are kept, and their cost counts as the system's."""

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
        self._reading = 0.0  # seconds per hour
        # Controls rated earlier on all of the speech are assumed to be known, so they cost nothing there.
        self._known = controls_known
        self._decoded: dict[float, EvaluationSpeech] = {}

    def chosen(self, systems: Sequence[System]) -> tuple[float, float]:
        """Shares of the speech and of the hours recognisers would hear of it, with which all is forecast to end in time."""
        groups: dict[str, list[System]] = {}
        for system in systems:  # a model is as fast with random weights as with trained ones
            groups.setdefault(system.control or system.name, []).append(system)
        self._systems = list(groups.values())
        self._hours, self._seconds = [{} for _ in groups], [{} for _ in groups]
        self._an_hour = [{} for _ in groups]
        self.evaluation.say(f"a pilot measures how much speech fits into {duration(self.limit.left)}")
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
            with TemporaryDirectory() as folder:  # features kept earlier do not show how long the rest takes
                forecast = self._run(system, replace(settings, features=folder), speech, limit)
        for kind, work in _work(settings, hours, self.device).items():
            heard = forecast.heard_hours(kind) or (0.0 if kind == FEATURES else work)
            if heard and forecast.seconds(kind) > 0:  # nothing where time was up before
                self._hours[group].setdefault(kind, []).append(heard)
                self._seconds[group].setdefault(kind, []).append(forecast.seconds(kind))
                if (an_hour := forecast.an_hour(kind)) is not None:
                    self._an_hour[group][kind] = an_hour
            elif limit.left <= 0:
                self._unreached.add(kind)

    def _read(self, share: float) -> EvaluationSpeech:
        """Read a share of the speech; the extra time of the first reading is that of decoding."""
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
        """Run the tasks on a system; the forecast returned has their times."""
        hours = {name: part.hours for name, part in speech.parts.items()}
        forecast = WatchedForecast(1, planned_hours(settings, hours, self.device), self.limit.clock)
        quiet = replace(
            self.evaluation, settings=settings, speech=speech, say=lambda _: None, report=lambda *_: None, about={},
            forecast=forecast, limit=limit, _spelled={},
        )  # fmt: skip
        list(evaluated([system], quiet))
        return forecast

    def _forecast(self, share: float, effort: float = 1.0) -> float:
        """Seconds for a share of the speech; infinite where no pilot reached a kind of its work."""
        if self._unreached - {kind for seconds in self._seconds for kind in seconds}:
            return math.inf
        settings = learning_less(self.evaluation.settings, self.device, share, effort)
        work = _work(settings, {name: share * part for name, part in self.whole.items()}, self.device)
        known = [
            {kind: Pace.through(hours[kind], seconds[kind], an_hour.get(kind)).seconds(work[kind]) for kind in hours}
            for hours, seconds, an_hour in zip(self._hours, self._seconds, self._an_hour, strict=True)
        ]
        # Work that a pilot did not reach is assumed to be as slow as with the slowest system.
        slowest = {kind: max((each[kind] for each in known if kind in each), default=0.0) for kind in work}
        reading = self._reading * share * sum(self.whole.values())
        total = reading
        for members, each in zip(self._systems, known, strict=True):
            count = sum(not (self._known and share == 1.0 and system.is_control) for system in members)
            total += count * sum((slowest | each).values())
        return total


def _work(settings: EvaluationSettings, hours: Mapping[str, float], device: str) -> dict[str, float]:
    """Hours by kind of work; where none are planned, all hours of the speech."""
    return {kind: planned or sum(hours.values()) for kind, planned in planned_hours(settings, hours, device).items()}
