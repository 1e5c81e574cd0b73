"""How much a run may spend, and how much it has."""

from __future__ import annotations

from dataclasses import dataclass

from ssl_benchmarks.record.quantity import JOULES_PER_KWH


@dataclass(frozen=True)
class Spent:
    """What a run has used so far, over all its attempts."""

    steps: int = 0
    audio_seconds: float = 0.0
    seconds: float = 0.0
    joules: float = 0.0


@dataclass(frozen=True)
class Budget:
    """Limits in any units; None is no limit, and at least one is given."""

    steps: int | None = None
    audio_hours: float | None = None
    minutes: float | None = None
    kwh: float | None = None

    def progress(self, spent: Spent) -> float:
        """The largest spent fraction of the limits given, at most 1: what comes first ends the run."""
        return min(1.0, max(self.fractions(spent).values()))

    def fractions(self, spent: Spent) -> dict[str, float]:
        """Spent fraction of each limit, by its unit."""
        limits = {
            "steps": (spent.steps, self.steps),
            "audio hours": (spent.audio_seconds / 3600, self.audio_hours),
            "minutes": (spent.seconds / 60, self.minutes),
            "kWh": (spent.joules / JOULES_PER_KWH, self.kwh),
        }
        return {name: used / limit for name, (used, limit) in limits.items() if limit is not None}
