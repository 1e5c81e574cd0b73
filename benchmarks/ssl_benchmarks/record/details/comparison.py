"""What a record of `compare` holds besides its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ssl_benchmarks.record.details.common import Details, Lines
from ssl_benchmarks.record.details.life import Ledger
from ssl_benchmarks.record.details.projection import Projection
from ssl_benchmarks.record.quantity import Quantity


@dataclass(frozen=True)
class RoundCell:
    """A cell in a round: its raw rows, the seconds it took, and why it has no result."""

    model: str
    phase: str
    seconds: float = 0.0
    rows: tuple[dict[str, Any], ...] = ()
    failed: str = ""


@dataclass(frozen=True)
class Round:
    """A round, in which every cell is measured once, by the set of `processes` of that number."""

    cells: tuple[RoundCell, ...]
    processes: int = 1


@dataclass(frozen=True)
class Target:
    """The precision (a share) at which to stop, whether it was reached, and what ended the rounds."""

    precision: float
    minutes: float
    met: bool
    ended: str


@dataclass(frozen=True)
class Reached:
    """Half-widths of intervals as shares of the values; None without an interval."""

    model: str
    phase: str
    time: float | None
    energy: float | None


@dataclass(frozen=True)
class Ratio:
    """One model's figure divided by the baseline's."""

    model: str
    phase: str
    metric: str
    scope: str | None
    ratio: Quantity


@dataclass(frozen=True)
class ComparedRun:
    """A run that was compared from its record."""

    run: str
    command: str


@dataclass(frozen=True)
class ComparisonDetails(Details):
    """Details of `compare`; `sources` are the runs, None if the models were measured in one session."""

    models: tuple[str, ...] = ()
    phases: tuple[Literal["inference", "training"], ...] = ()
    baseline: str = ""
    scope: str = "machine"
    rounds: tuple[Round, ...] = ()
    target: Target | None = None
    reached: tuple[Reached, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)
    halved: Lines = field(default_factory=dict)
    rebuilt: tuple[str, ...] | None = None
    speech: str = ""
    about_weights: tuple[str, ...] = ()
    ratios: tuple[Ratio, ...] = ()
    projections: tuple[Projection, ...] = ()
    ledger: Ledger | None = None
    differences: tuple[str, ...] = ()
    price_per_gpu_hour: float | None = None
    sources: tuple[ComparedRun, ...] | None = None
