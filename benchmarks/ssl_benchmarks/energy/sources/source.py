"""A source of energy readings: running totals, marked at the edges of windows; two marks make a span."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ssl_benchmarks.energy.sources.trace import Trace
from ssl_benchmarks.record.quantity import Quantity, unavailable

if TYPE_CHECKING:
    from ssl_benchmarks.record.quantity import Method

Scope = Literal["gpu", "cpu", "dram", "module"]

FRESH_SHARE = 0.2
"""At an edge, power is read again only if the last sample is older than this share of the sampling period."""


@dataclass(frozen=True)
class Mark:
    """The totals of one source at one moment.

    Attributes:
        time_s: time of the edge, by `time.perf_counter`.
        slack_s: delay in s between the edge and the reading.
        energy_j: energy since the meter was started.
        integral_j: the same from power samples, if there are any besides a counter.
        samples: number of power readings so far.
        roughness: sum of squared steps between successive power samples, W^2.
        power_w: the last power reading.
        squares: sum of squared times between successive power samples, s^2.
    """

    time_s: float
    slack_s: float
    energy_j: float
    integral_j: float
    samples: int
    roughness: float
    power_w: float
    squares: float = 0.0


@dataclass(frozen=True)
class Span:
    """The difference of two marks of a source, or the sum of several; half-widths of 95 % intervals in J.

    The errors of several windows are added, since a loop in step with the counter's updates has the same error each
    time.
    """

    duration_s: float = 0.0
    energy_j: float = 0.0
    error_j: float = 0.0
    integral_j: float = 0.0
    integral_error_j: float = 0.0
    samples: int = 0
    fault: str = ""
    integral_fault: str = ""

    def __add__(self, other: Span) -> Span:
        return Span(
            self.duration_s + other.duration_s,
            self.energy_j + other.energy_j,
            self.error_j + other.error_j,
            self.integral_j + other.integral_j,
            self.integral_error_j + other.integral_error_j,
            self.samples + other.samples,
            self.fault or other.fault,
            self.integral_fault or other.integral_fault,
        )


class Source(ABC):
    """One part of the machine. `fault`, once set, says why its readings are invalid from then on."""

    method: Method

    def __init__(self, scope: Scope, device: str, method: Method) -> None:
        self.scope: Scope = scope
        self.device = device
        self.method = method
        self.trace = Trace(device, method)
        self.fault = ""
        self.power_w = math.nan

    @property
    @abstractmethod
    def energy_j(self) -> float:
        """Energy in J since `open`."""

    @abstractmethod
    def open(self, now_s: float) -> None:
        """Take the first reading, the start of the totals."""

    @abstractmethod
    def sample(self, now_s: float) -> None:
        """Read the hardware, from the sampling thread."""

    @abstractmethod
    def mark(self, now_s: float) -> Mark:
        """Read the hardware at an edge."""

    @abstractmethod
    def between(self, start: Mark, end: Mark) -> Span:
        """Energy between two edges, with its error."""

    @abstractmethod
    def note(self, span: Span) -> str:
        """The note for the energy of a span."""

    def fail(self, reason: str) -> None:
        """Mark the source as failed; the first reason is kept."""
        self.fault = self.fault or f"{self.device}: {reason}"

    def energy(self, span: Span) -> Quantity:
        """Energy of a span in J, with its 95 % interval if its error is known."""
        if span.fault:
            return unavailable("J", span.fault)
        if span.energy_j <= 0:
            return unavailable("J", f"{self.device}: no energy was counted in {span.duration_s:.3g} s")
        bounded = self.method in {"measured", "sampled"}
        ci95 = (span.energy_j - span.error_j, span.energy_j + span.error_j) if bounded else None
        count = span.samples if self.method == "sampled" else None
        return Quantity(span.energy_j, "J", self.method, ci95, count, self.note(span))

    def power(self) -> Quantity:
        """The last power reading in W."""
        if self.fault:
            return unavailable("W", self.fault)
        if math.isnan(self.power_w):
            return unavailable("W", f"{self.device}: no power reading yet")
        return Quantity(self.power_w, "W", self.power_method())

    def power_method(self) -> Method:
        """The method of `power_w`."""
        return self.method
