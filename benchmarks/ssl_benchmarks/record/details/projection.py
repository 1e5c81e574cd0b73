"""What a pretraining would cost that nobody ran here."""

from __future__ import annotations

from dataclasses import dataclass

from ssl_benchmarks.record.quantity import Method, Quantity


@dataclass(frozen=True)
class Work:
    """Audio to pretrain on: `hours` seen in all, None where nobody told; `source` says whose figure that is."""

    name: str
    hours: float | None
    source: str


@dataclass(frozen=True)
class Projection:
    """Cost of a pretraining that nobody ran here.

    Attributes:
        model: projected.
        work: the audio.
        device_hours: in h.
        energy: in J, of the headline's scope.
        co2e: in g.
        price: in units of the price that was given, None where none was.
    """

    model: str
    work: Work
    device_hours: Quantity
    energy: Quantity
    co2e: Quantity
    price: Quantity | None = None


@dataclass(frozen=True)
class FullRun:
    """What a whole pretraining would take at the rate of a training."""

    scope: str
    method: Method
    projections: tuple[Projection, ...]
