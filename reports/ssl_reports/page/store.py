"""The numbers of a page: each quantity is stored once and referred to by its index."""

from __future__ import annotations

from dataclasses import dataclass, field

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.flaw_marks import meaning

DIGITS = 7
"""Significant digits, more than the page ever shows; the paper's data/*.csv have all."""
TEXTS = ("unit", "method", "note", "flaw")
"""The parts of a quantity that are texts."""
Parts = dict[str, list[float | int | None]]


@dataclass
class Store:
    """The quantities and texts that the page's tables and plots refer to.

    Attributes:
        quantities: in SI units: a list for each of their parts, which compresses better; texts as indices of words.
        words: every unit, method, note and flaw once.
    """

    quantities: Parts = field(default_factory=lambda: {name: [] for name in ("value", "low", "high", "n", *TEXTS)})
    words: list[str] = field(default_factory=list)
    _places: dict[object, int] = field(default_factory=dict, repr=False)

    def quantity(self, quantity: Quantity) -> int:
        """The index of the quantity, which is added if it is new."""
        if quantity not in self._places:
            self._places[quantity] = len(self.quantities["value"])
            low, high = quantity.ci95 or (None, None)
            numbers = {"value": _short(quantity.value), "low": _short(low), "high": _short(high), "n": quantity.n}
            flaw = meaning([quantity.flaw]) if quantity.flaw else ""
            said = quantity.flaw.split("; ")  # a note repeats the flaws that follow from it
            note = "; ".join(part for part in quantity.note.split("; ") if part not in said or not part)
            texts = dict(zip(TEXTS, (quantity.unit, quantity.method, note, flaw), strict=True))
            for name, part in {**numbers, **{name: self._word(text) for name, text in texts.items()}}.items():
                self.quantities[name].append(part)
        return self._places[quantity]

    def _word(self, text: str) -> int:
        key = ("word", text)
        if key not in self._places:
            self._places[key] = len(self.words)
            self.words.append(text)
        return self._places[key]


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
