"""Time left in an evaluation: first from plan and measured speed, then from the time earlier systems took."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ssl_bench.settings.evaluating import OF_SPEECH, OF_TEXT
from ssl_benchmarks.downstream.recognition.recognition import FEWEST_PASSES

if TYPE_CHECKING:
    from ssl_bench.evaluating.speech import EvaluationSpeech
    from ssl_bench.settings.evaluating import EvaluationSettings

FEATURES = "features"
TRIES = 3
"""Fewest learning rates: the start and one to either side."""
HEARINGS = TRIES + 1
"""Passes over a head's hours: one per learning rate, and one for its random-label control."""


@dataclass
class Forecast:
    """Forecast of the work left, by kind: feature extraction, or a task with a head.

    Attributes:
        systems: number of systems that each kind of work is done for.
        planned: hours of speech that one system has to process; None where unknown beforehand.
        clock: a monotonic clock, s.
    """

    systems: int = 0
    planned: Mapping[str, float | None] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    _hours: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    _ended: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _spared: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _last: float | None = None

    def begin(self) -> None:
        """Start counting now; the time since the last work does not count."""
        self._last = self.clock()

    def heard(self, kind: str, seconds: float) -> None:
        """Count `seconds` of speech as processed."""
        self._hours[kind] += seconds / 3600
        self._pass(kind)

    def ended(self, kind: str) -> None:
        """Count one more system as having done this work."""
        self._pass(kind)
        self._ended[kind].append(self._seconds[kind] - sum(self._ended[kind]))

    def spared(self, kind: str) -> None:
        """Count one more system that need not do this work."""
        self._spared[kind] += 1

    def _pass(self, kind: str) -> None:
        now = self.clock()
        self._seconds[kind] += now - (now if self._last is None else self._last)
        self._last = now

    def left(self) -> float | None:
        """Seconds left; None until the speed is known."""
        known = [self._left(kind) for kind in self.planned]
        return None if None in known or not known else sum(seconds for seconds in known if seconds is not None)

    def _left(self, kind: str) -> float | None:
        ended, wanted = self._ended[kind], self.systems - self._spared[kind]
        if ended or wanted <= 0:
            each = sum(ended) / max(len(ended), 1)
            going_on = self._seconds[kind] - sum(ended)
            return max(0.0, each * (wanted - len(ended)) - going_on)
        planned, speed = self.planned[kind], self._speed(kind)
        if planned is None or not speed:
            return None
        return max(0.0, planned * wanted - self._hours[kind]) / speed

    def _speed(self, kind: str) -> float | None:
        """Hours processed per second in this kind of work, else in any work so far."""
        kinds = [kind] if self._hours[kind] and self._seconds[kind] else list(self._hours)
        seconds = sum(self._seconds[k] for k in kinds)
        return sum(self._hours[k] for k in kinds) / seconds if seconds else None

    def seconds(self, kind: str) -> float:
        """Seconds that this work has taken so far."""
        return self._seconds[kind]

    def heard_hours(self, kind: str) -> float:
        """Hours of speech processed in this work so far."""
        return self._hours[kind]

    @property
    def hours(self) -> float:
        """Hours of speech that all systems have to process, as far as planned."""
        return sum(self.systems * hours for hours in self.planned.values() if hours is not None)


def forecast_of(settings: EvaluationSettings, speech: EvaluationSpeech, device: str, systems: int) -> Forecast:
    """The forecast for so many systems; hours of keyword clips are unknown until they are read."""
    hours = {name: part.hours for name, part in speech.parts.items()}
    return Forecast(systems, planned_hours(settings, hours, device))


def planned_hours(settings: EvaluationSettings, hours: Mapping[str, float], device: str) -> dict[str, float | None]:
    """Hours that one system has to process, by kind of work, given the hours of "train", "dev" and "test"."""
    planned: dict[str, float | None] = {}
    if OF_SPEECH & set(settings.tasks) - {"asr-finetune"}:
        planned[FEATURES] = sum(hours.values())
    for task in settings.tasks:
        if task in OF_TEXT:
            learned = max(settings.chosen_hours(device), FEWEST_PASSES * hours["train"]) * HEARINGS
            planned |= {kind(task, head): learned for head in settings.chosen_heads(device)}
        else:
            planned[kind(task, None)] = None if task == "ks" else 0.0
    return planned


def kind(task: str, head: str | None) -> str:
    """Kind of work of a task with a head."""
    return f"{task}, {head}" if head else task
