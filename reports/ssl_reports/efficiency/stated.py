"""Costs that a user states in a TOML file, from a publication, an invoice or an old log: marked as stated, never measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from ssl_benchmarks.files.toml_files import toml_of
from ssl_benchmarks.record.metrics import STATED
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_models.documents import typed
from ssl_models.errors import BadInputError, choose
from ssl_reports.efficiency.columns import COLUMNS, EfficiencyColumn


@dataclass(frozen=True)
class StatedCost:
    """A figure of one model.

    Attributes:
        model: its name, one of the runs' or another.
        name: the key of a column, or a name for a column of its own, such as "embodied CO2e".
        value: in `unit`.
        unit: as the column shows it.
        source: where the figure comes from.
        low, high: ends of its 95 % interval, both or neither.
    """

    model: str
    name: str
    value: float
    unit: str
    source: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if not all(math.isfinite(number) for number in (self.value, self.low or 0.0, self.high or 0.0)):
            raise ValueError("value, low and high: must be finite")
        if (self.low is None) != (self.high is None):
            raise ValueError("low and high: give both or neither")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError("low and high: the value must lie between them")
        if blank := [name for name in ("model", "name", "unit", "source") if not getattr(self, name).strip()]:
            raise ValueError(f"{blank[0]}: must not be empty")


@dataclass(frozen=True)
class Stated:
    """The content of a file of stated costs.

    Attributes:
        cost: one figure each.
        licence: of models, by name.
    """

    cost: tuple[StatedCost, ...] = ()
    licence: dict[str, str] = field(default_factory=dict)

    @property
    def models(self) -> tuple[str, ...]:
        """The models with a figure, in the file's order."""
        return tuple(dict.fromkeys(cost.model for cost in self.cost))

    def columns(self) -> dict[str, EfficiencyColumn]:
        """The columns for figures that no column of the table holds, by key.

        Raises:
            BadInputError: if two figures of such a column are in different units.
        """
        found: dict[str, EfficiencyColumn] = {}
        for cost in self.cost:
            if cost.name not in COLUMNS:
                own = EfficiencyColumn(cost.name, cost.name, ((cost.unit, 1.0),), STATED, "stated", better=None)
                if found.setdefault(cost.name, own) != own:
                    raise BadInputError(
                        f"stated costs: {cost.name} is given in {found[cost.name].units[0][0]} and in {cost.unit}"
                    )
        return found

    def rows(self, column: EfficiencyColumn) -> list[Measurement]:
        """The figures of a column, in SI units.

        Raises:
            BadInputError: for a unit in which the column is not shown.
        """
        rows = []
        for cost in self.cost:
            if cost.name == column.key:
                factor = column.factor(cost.unit)
                ends = None if cost.low is None or cost.high is None else (cost.low / factor, cost.high / factor)
                quantity = Quantity(cost.value / factor, "1", "stated", ends, note=f"{cost.model}: {cost.source}")
                rows.append(Measurement(cost.model, column.metric, quantity, None, None, Conditions()))
        return rows


def read_stated(path: Path) -> Stated:
    """The stated costs of a TOML file: `[[cost]]` tables, and a table `[licence]` of texts by model.

    Raises:
        BadInputError: if the file cannot be read or has other content; the message names the first error.
    """
    try:
        document = toml_of(path)
        _refuse_unknown(document)
        stated = typed(Stated, document)
    except ValueError as error:
        raise BadInputError(f"{path}: no stated costs ({error})") from error
    return stated


def _refuse_unknown(document: dict[str, Any]) -> None:
    for key in document:
        choose(key, [f.name for f in fields(Stated)], "table")
    costs = document.get("cost", [])
    for cost in costs if isinstance(costs, list) else []:
        for key in cost if isinstance(cost, dict) else []:
            choose(key, [f.name for f in fields(StatedCost)], "key of a cost")
