"""The points of a Pareto plot, and which models have no place in it and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ssl_benchmarks.comparing.comparability import differences
from ssl_benchmarks.record.quantity import Quantity, weakest
from ssl_benchmarks.record.record import Measurement
from ssl_reports.flaw_marks import sign
from ssl_reports.reading.axes import Axis
from ssl_reports.reading.systems import System
from ssl_reports.units import percent, shown

LEVEL = 1.05
"""Costs whose largest is at most this many times the smallest are about the same."""


@dataclass(frozen=True)
class Point:
    """A model on two axes.

    Attributes:
        name: the model's name.
        x, y: its coordinates.
        kind: the method of its weaker coordinate (see `ssl_benchmarks.record.quantity`).

    Raises:
        ValueError: if a coordinate has no value.
    """

    name: str
    x: Quantity
    y: Quantity
    kind: str

    def __post_init__(self) -> None:
        if self.x.value is None or self.y.value is None:
            raise ValueError(f"{self.name} has no place: {self.x.note or self.y.note}")

    @property
    def elsewhere(self) -> bool:
        """Whether a coordinate comes from a publication: such a point is context, and dominates nothing."""
        return self.x.elsewhere or self.y.elsewhere

    @property
    def at(self) -> tuple[float, float]:
        """The values of both coordinates."""
        return float(self.x.value or 0.0), float(self.y.value or 0.0)


def frontier(points: Sequence[Point], *, high_x: bool = False, high_y: bool = False) -> list[Point]:
    """The points that no other dominates, from the best on x to the best on y; of equal points all, in the order given.

    One pass over the sorted points: a point is dominated exactly if an earlier one is as low on y, and not equal to it.
    """
    placed = sorted(
        ((_signed(point.at, high_x=high_x, high_y=high_y), number) for number, point in enumerate(points)),
    )
    kept: list[Point] = []
    last: tuple[float, float] | None = None
    for at, number in placed:
        if last is None or at[1] < last[1] or at == last:
            kept.append(points[number])
            last = at
    return kept


def _signed(at: tuple[float, float], *, high_x: bool, high_y: bool) -> tuple[float, float]:
    return (-at[0] if high_x else at[0], -at[1] if high_y else at[1])


@dataclass(frozen=True)
class Placed:
    """A model with both coordinates.

    Attributes:
        model: what it is called.
        run: the record that its y comes from.
        x_run: the record that its x comes from.
        x, y: its rows.
        point: its point in the plot.
    """

    model: str
    run: str
    x_run: str
    x: Measurement
    y: Measurement
    point: Point


@dataclass(frozen=True)
class Plot:
    """Two axes and the models on them.

    Attributes:
        x, y: the axes.
        placed: the models with both coordinates.
        missing: the reason for each model that has no place.
    """

    x: Axis
    y: Axis
    placed: tuple[Placed, ...]
    missing: dict[str, str]

    @property
    def level(self) -> bool:
        """Whether three or more points of the records all cost about the same, as under one budget: nothing is traded there."""
        costs = [abs(placed.x.quantity.value or 0.0) for placed in self.placed if not placed.point.elsewhere]
        return len(costs) > 2 and max(costs) <= LEVEL * min(costs)

    @property
    def mixed(self) -> list[str]:
        """The conditions that differ between the costs of the points."""
        found = differences(placed.x for placed in self.placed)
        return [each.condition.replace("_", " ") for each in found if each.condition != "method"]


def best_plot(systems: Sequence[System], xs: Sequence[Axis], ys: Sequence[Axis]) -> Plot | None:
    """The pair of these axes with the most points of the records' own, the first of equals; None without an axis.

    One on which all cost about the same comes last, since a budget, not the models, set that cost.
    """
    plots = [plot(systems, x, y) for x in xs for y in ys]

    def worth(each: Plot) -> tuple[int, int]:
        own = sum(not placed.point.elsewhere for placed in each.placed)
        return 0 if each.level else own, own

    return max(plots, key=worth, default=None)


def plot(systems: Sequence[System], x: Axis, y: Axis) -> Plot:
    """A point for each model of each record that has a y; its x may come from another record, if only one has it."""
    known = _by_model(systems, x)
    own = {model: len(rows) for model, rows in _by_model(systems, y).items()}
    placed: list[Placed] = []
    missing: dict[str, str] = {}
    for system in systems:
        row = y.find(system)
        if row is None or row.quantity.value is None:
            if not system.elsewhere:
                missing.setdefault(system.model, _reason(row, y))
            continue
        x_run, cost = _own_or_only(system, x, known)
        if cost is None or cost.quantity.value is None:
            if system.elsewhere:
                continue
            missing[system.model] = f"{_reason(cost, x)}; {y.name} {_shown(row.quantity, y)}"
            continue
        shared = own.get(system.model, 0) > (0 if system.elsewhere else 1)
        name = f"{system.model} ({system.run})" if shared else system.model
        name += sign(cost.quantity) or sign(row.quantity)
        kind = weakest(cost.quantity.method, row.quantity.method)
        placed.append(
            Placed(system.model, system.run, x_run, cost, row, Point(name, cost.quantity, row.quantity, kind))
        )
    there = {each.model for each in placed}
    return Plot(x, y, tuple(placed), {model: reason for model, reason in missing.items() if model not in there})


Known = dict[str, list[tuple[str, Measurement]]]


def _by_model(systems: Sequence[System], axis: Axis) -> Known:
    """The rows with a value, those of publications left out."""
    found: Known = {}
    for system in (each for each in systems if not each.elsewhere):
        row = axis.find(system)
        if row is not None and row.quantity.value is not None:
            found.setdefault(system.model, []).append((system.run, row))
    return found


def _own_or_only(system: System, x: Axis, known: Known) -> tuple[str, Measurement | None]:
    own = x.find(system)
    others = known.get(system.model, [])
    if (own is None or own.quantity.value is None) and len(others) == 1 and not system.elsewhere:
        return others[0]
    return system.run, own


def _shown(quantity: Quantity, axis: Axis) -> str:
    """The other coordinate of a model without a place, such as a control that cost nothing to train."""
    return percent(quantity) if axis.percent else " ".join(shown(quantity)).strip()


def _reason(row: Measurement | None, axis: Axis) -> str:
    return f"no {axis.name}" if row is None else row.quantity.note
