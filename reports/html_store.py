"""The numbers of a page: each quantity is there once, and whatever shows it names it by its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.comparability import conditions_that_matter, told
from benchmarks.quantity import Quantity
from benchmarks.record import Measurement

Packed = list[float | int | None]
"""Value, low, high, then the places of unit, method and note among the words, and n."""


@dataclass
class Store:
    """What the page's tables and plots refer to.

    Attributes:
        quantities: in SI units.
        words: every unit, method and note once.
        conditions: what rows were had under, in words, each set once.
    """

    quantities: list[Packed] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    conditions: list[dict[str, str]] = field(default_factory=list)
    _places: dict[object, int] = field(default_factory=dict, repr=False)

    def quantity(self, quantity: Quantity) -> int:
        """Its place, a new one where it is not there yet."""
        if quantity not in self._places:
            low, high = quantity.ci95 or (None, None)
            words = [self._word(text) for text in (quantity.unit, quantity.method, quantity.note)]
            self._places[quantity] = len(self.quantities)
            self.quantities.append([quantity.value, low, high, *words, quantity.n])
        return self._places[quantity]

    def condition(self, row: Measurement) -> int:
        """The place of what matters to a comparison of the row."""
        key = ("conditions", row.conditions, conditions_that_matter(row.metric))
        if key not in self._places:
            self._places[key] = len(self.conditions)
            self.conditions.append({name: value for name, value in told(row).items() if name != "method"})
        return self._places[key]

    def known(self, places: Sequence[int]) -> list[float]:
        """The values at these places, without those that cannot be had."""
        return [float(value) for place in places if (value := self.quantities[place][0]) is not None]

    def _word(self, text: str) -> int:
        key = ("word", text)
        if key not in self._places:
            self._places[key] = len(self.words)
            self.words.append(text)
        return self._places[key]
