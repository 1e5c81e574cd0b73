"""Projected costs of pretrainings that were not run here."""

from __future__ import annotations

from dataclasses import dataclass

from ssl_benchmarks.record.quantity import Method, Quantity


@dataclass(frozen=True)
class Work:
    """Audio to pretrain on: `hours` in total, None if not reported; `source` states its origin."""

    name: str
    hours: float | None
    source: str

    @property
    def amount(self) -> str:
        """The hours in words, those that are derived from steps and batches with three digits; empty if not reported."""
        if self.hours is None:
            return ""
        return f"{self.hours if float(self.hours).is_integer() else float(f'{self.hours:.3g}'):,.0f}"


@dataclass(frozen=True)
class Projection:
    """Projected cost of a pretraining that was not run here.

    Attributes:
        model: its name.
        work: the audio to pretrain on.
        device_hours: in h.
        energy: in J, for the headline's scope.
        co2e: in g.
        price: in the currency of the given price; None without one.
    """

    model: str
    work: Work
    device_hours: Quantity
    energy: Quantity
    co2e: Quantity
    price: Quantity | None = None


@dataclass(frozen=True)
class FullRun:
    """Projected cost of a full pretraining at the measured rate of a training."""

    scope: str
    method: Method
    projections: tuple[Projection, ...]
