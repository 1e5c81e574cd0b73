"""What a user decides about figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

PARETO = ("energy", "flops", "memory")
"""The costs of the Pareto plots unless others are asked for."""


@dataclass(frozen=True)
class Look:
    """The look of the figures.

    Attributes:
        names: what models are called, by their names in the records.
        order: models that come first.
        font: of the text; None for sans.
        published: whether published figures stand in Pareto plots as grey context.
        costs: the x axes of Pareto plots, of `ssl_reports.reading.axes.COSTS`.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    font: Literal["serif", "sans"] | None = None
    published: bool = False
    costs: tuple[str, ...] = PARETO

    def called(self, model: str) -> str:
        """What a model is called."""
        return self.names.get(model, model)
