"""Which of several models no other beats on both axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ssl_benchmarks.record.quantity import Quantity


@dataclass(frozen=True)
class Point:
    """A model on two axes.

    Attributes:
        name: of the model.
        x, y: where it lies.
        kind: how its weaker coordinate was come by: a method of `ssl_benchmarks.record.quantity`.

    Raises:
        ValueError: for a coordinate without a value.
    """

    name: str
    x: Quantity
    y: Quantity
    kind: str

    def __post_init__(self) -> None:
        if self.x.value is None or self.y.value is None:
            raise ValueError(f"{self.name} has no place: {self.x.note or self.y.note}")

    @property
    def at(self) -> tuple[float, float]:
        """Both values."""
        return float(self.x.value or 0.0), float(self.y.value or 0.0)


def frontier(points: Sequence[Point], *, high_x: bool = False, high_y: bool = False) -> list[Point]:
    """The points that no point dominates, from the best on x to the best on y; equal ones all, in the order given.

    One pass over the sorted points: a point is dominated exactly when one before it is as low, and not equal.
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
