"""The pace of an evaluation's work, measured by a pilot on a little speech."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from ssl_bench.evaluating.forecast import Forecast

PARTS = 8
"""Parts of a pilot whose median pace is used: one-off work, or work between two rates, falls into few of them."""


@dataclass(frozen=True)
class Pace:
    """Seconds that a kind of work takes: a fixed part, and a part per hour of speech."""

    at_once: float
    an_hour: float

    def seconds(self, hours: float) -> float:
        """Seconds for so many hours of speech."""
        return self.at_once + self.an_hour * hours

    @classmethod
    def through(cls, hours: Sequence[float], seconds: Sequence[float], an_hour: float | None = None) -> Pace:
        """The pace from one or two pilots, the last of which may have measured `an_hour` from within.

        Without that, the slope is that between both pilots or, where the second took no longer, the last one's mean pace.
        """
        if an_hour is not None:
            return cls(max(0.0, seconds[-1] - an_hour * hours[-1]), an_hour)
        slope = seconds[-1] / max(hours[-1], 1e-9)
        if len(hours) == 2 and hours[1] > hours[0] and seconds[1] > seconds[0]:
            slope = (seconds[1] - seconds[0]) / (hours[1] - hours[0])
        return cls(max(0.0, seconds[0] - slope * hours[0]), slope)


@dataclass
class WatchedForecast(Forecast):
    """A forecast that records when each piece of speech was processed."""

    _marks: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))

    def heard(self, kind: str, seconds: float) -> None:
        """Count `seconds` of speech as processed, and record when."""
        super().heard(kind, seconds)
        self._marks[kind].append((self.heard_hours(kind), self.seconds(kind)))

    def an_hour(self, kind: str) -> float | None:
        """Seconds per hour of speech; None where too little was processed to separate it from one-off work."""
        marks = self._marks[kind]
        if len(marks) <= 2 * PARTS:
            return None
        edges = [marks[part * (len(marks) - 1) // PARTS] for part in range(PARTS + 1)]
        return median((end[1] - begin[1]) / (end[0] - begin[0]) for begin, end in pairwise(edges))
