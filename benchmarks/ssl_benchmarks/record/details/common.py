"""What records of every kind hold beside their rows. Fields with a default are lacking in some records, older ones among them."""

from __future__ import annotations

from dataclasses import dataclass, field

Lines = dict[str, tuple[str, ...]]
"""Remarks by the part of the run that they are of."""
SAMPLE = "librispeech-sample"
"""Folder of the speech that comes with the package; records of versions without it used synthetic speech as their sample."""


@dataclass(frozen=True)
class Grid:
    """Of a country in a year, or given by hand; g/kWh."""

    g_per_kwh: float
    source: str
    country: str | None = None
    year: int | None = None


@dataclass(frozen=True)
class Limit:
    """The time that an evaluation had, and the share of the speech and of the effort that it left."""

    taken: str
    share: float = 1.0
    effort: float = 1.0


@dataclass(frozen=True)
class Details:
    """Of every kind.

    Attributes:
        stopped: by whom or why, empty where the run came to its end.
        disturbances: what disturbed which part.
        evaluation_limit: of what was rated; None where nothing was, or there was no limit.
    """

    stopped: str = ""
    grid: Grid | None = None
    disturbances: Lines = field(default_factory=dict)
    meter_remarks: Lines = field(default_factory=dict)
    evaluation_limit: Limit | None = None
