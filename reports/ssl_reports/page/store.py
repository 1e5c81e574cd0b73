"""The numbers of a page: each quantity is stored once and referred to by its index, in selectable units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ssl_benchmarks.comparing.comparability import told
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement
from ssl_reports.flaw_marks import meaning
from ssl_reports.reading.axes import axis_unit, middle_prefix

Packed = tuple[float | None, float | None, float | None, int, int, int, int | None, int]
"""Value, low, high, the indices of unit, method and note among the words, n, and the index of the flaw."""
DIGITS = 7
"""Significant digits, more than the page ever shows; the paper's data/*.csv have all."""
Units = dict[str, tuple[float, str]]
"""By the name of the choice ("" if there is none): the factor from the record's SI unit, and the unit shown."""
CHOICES: dict[str, dict[str, tuple[float, str]]] = {
    "J": {"kWh": (1 / 3600, "Wh"), "J": (1.0, "J")},
    "FLOP": {"FLOP": (1.0, "FLOP"), "MAC": (0.5, "MAC")},
    "MAC": {"FLOP": (2.0, "FLOP"), "MAC": (1.0, "MAC")},
    "FLOP/s": {"FLOP": (1.0, "FLOP/s"), "MAC": (0.5, "MAC/s")},
    "MAC/s": {"FLOP": (2.0, "FLOP/s"), "MAC": (1.0, "MAC/s")},
    "J/h": {"kWh": (1 / 3600, "Wh per audio h"), "J": (1.0, "J per audio h")},
}
"""The choices of each unit; 1 MAC = 2 FLOPs."""
ALONE: dict[str, Units] = {
    **CHOICES,
    "W": {"": (1.0, "W")},
    "g": {"": (1.0, "g")},
    "s": {"": (1.0, "s")},
    "B": {"": (2.0**-20, "MiB")},
}
"""The units of single numbers; the page chooses the prefix of each."""


@dataclass
class Store:
    """The quantities, texts and conditions that the page's tables and plots refer to.

    Attributes:
        quantities: in SI units.
        words: every unit, method and note once.
        conditions: the conditions of rows, in words; each set once.
    """

    quantities: list[Packed] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    conditions: list[dict[str, str | None]] = field(default_factory=list)
    _places: dict[object, int] = field(default_factory=dict, repr=False)

    def quantity(self, quantity: Quantity) -> int:
        """The index of the quantity, which is added if it is new."""
        if quantity not in self._places:
            low, high = quantity.ci95 or (None, None)
            said = (quantity.unit, quantity.method, quantity.note, quantity.flaw and meaning([quantity.flaw]))
            unit, method, note, flaw = map(self._word, said)
            self._places[quantity] = len(self.quantities)
            numbers = (_short(quantity.value), _short(low), _short(high))
            self.quantities.append((*numbers, unit, method, note, quantity.n, flaw))
        return self._places[quantity]

    def condition(self, row: Measurement) -> int:
        """The index of the conditions that matter when the row is compared; None for one not recorded."""
        key = ("conditions", row.conditions, METRICS[row.metric].agrees_on)
        if key not in self._places:
            self._places[key] = len(self.conditions)
            words = ((name, value) for name, value in told(row).items() if name != "method")
            recorded = ((name, None if getattr(row.conditions, name) is None else value) for name, value in words)
            self.conditions.append(dict(recorded))
        return self._places[key]

    def unit(self, place: int) -> str:
        """The unit of the quantity at an index."""
        return self.words[self.quantities[place][3]]

    def columns(self) -> list[tuple[float | None, ...]]:
        """All quantities, one list for each of their parts, which compresses better."""
        return list(zip(*self.quantities, strict=True))

    def known(self, places: Sequence[int]) -> list[float]:
        """The values at these indices, without unavailable ones."""
        return [value for place in places if (value := self.quantities[place][0]) is not None]

    def _word(self, text: str) -> int:
        key = ("word", text)
        if key not in self._places:
            self._places[key] = len(self.words)
            self.words.append(text)
        return self._places[key]


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")


def unit_choices(values: Sequence[float], unit: str, *, percent: bool = False) -> Units:
    """The units for numbers shown together, in a column or on an axis: one prefix for all of them."""
    if unit not in CHOICES:
        return {"": axis_unit(values, unit, percent=percent)}
    return {choice: _prefixed(values, *each) for choice, each in CHOICES[unit].items()}


def _prefixed(values: Sequence[float], factor: float, unit: str) -> tuple[float, str]:
    size, prefix = middle_prefix([value * factor for value in values])
    return factor / size, prefix + unit
