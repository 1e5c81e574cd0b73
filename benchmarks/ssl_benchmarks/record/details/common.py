"""What records of every kind hold besides their rows. Fields with a default may be missing (in older ones, say)."""

from __future__ import annotations

from dataclasses import dataclass, field

from ssl_models.recipes import Recipe

Lines = dict[str, tuple[str, ...]]
"""Remarks by the part of the run that they concern."""
SAMPLE = "librispeech-sample"
"""Folder of the speech that comes with the package; records of versions without it used synthetic speech as their sample."""


@dataclass(frozen=True)
class Grid:
    """Grid intensity in g/kWh, of a country in a year or given by hand."""

    g_per_kwh: float
    source: str
    country: str | None = None
    year: int | None = None


@dataclass(frozen=True)
class Limit:
    """The time limit of an evaluation, and the shares of the speech and of the effort that it left."""

    taken: str
    share: float = 1.0
    effort: float = 1.0


@dataclass(frozen=True)
class Details:
    """Details of every kind.

    Attributes:
        stopped: by what the run was stopped; empty if it finished.
        disturbances: the disturbances of each part.
        evaluation_limit: the limit of the evaluation; None without an evaluation or a limit.
        recipes: the pretraining of models as the user states it, by name.
    """

    stopped: str = ""
    grid: Grid | None = None
    disturbances: Lines = field(default_factory=dict)
    meter_remarks: Lines = field(default_factory=dict)
    evaluation_limit: Limit | None = None
    recipes: dict[str, Recipe] = field(default_factory=dict)
