"""The units among which a reader chooses (kWh or J, FLOP or MAC), and numbers as texts in each of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.reading.axes import axis_unit, middle_prefix
from ssl_reports.tables.numbers import plain_number, with_commas
from ssl_reports.tables.readable import LEAST, MOST
from ssl_reports.tables.table import Column
from ssl_reports.units import prefix_of

Units = dict[str, tuple[float, str]]
"""By the name of the choice ("" if there is none): the factor from the record's SI unit, and the unit shown."""
CHOICES: dict[str, Units] = {
    "J": {"kWh": (1 / 3600, "Wh"), "J": (1.0, "J")},
    "FLOP": {"FLOP": (1.0, "FLOP"), "MAC": (0.5, "MAC")},
    "MAC": {"FLOP": (2.0, "FLOP"), "MAC": (1.0, "MAC")},
    "FLOP/s": {"FLOP": (1.0, "FLOP per audio s"), "MAC": (0.5, "MAC per audio s")},
    "MAC/s": {"FLOP": (2.0, "FLOP per audio s"), "MAC": (1.0, "MAC per audio s")},
    "J/h": {"kWh": (1 / 3600, "Wh per audio h"), "J": (1.0, "J per audio h")},
}
"""The choices of each unit; 1 MAC = 2 FLOPs."""
PREFIXED = {unit for units in CHOICES.values() for _, unit in units.values()} | {"W", "g", "s"}
"""The units in which a single number has a prefix of its own."""
MEBIBYTE = (2.0**-20, "MiB")
MILLION = 1e6


def unit_choices(values: Sequence[float], unit: str, *, percent: bool = False) -> Units:
    """The units for numbers shown together, in a column or on an axis: one prefix for all of them."""
    if unit == "1" and not percent and _middle(values) >= MILLION:
        return {"": (1 / MILLION, "M")}
    if unit not in CHOICES:
        return {"": axis_unit(values, unit, percent=percent)}
    return {choice: _prefixed(values, *each) for choice, each in CHOICES[unit].items()}


def _prefixed(values: Sequence[float], factor: float, unit: str) -> tuple[float, str]:
    size, prefix = middle_prefix([value * factor for value in values], unit)
    return factor / size, prefix + unit


def column_choices(column: Column, unit: str, values: Sequence[float]) -> Units:
    """The units of a column of a paper's table: its own where the numbers read well in it, otherwise one that they do.

    Args:
        column: with the unit that it has in the paper.
        unit: of the records' numbers.
        values: these numbers.
    """
    own = (column.factor, column.shown_unit)
    if unit not in {*CHOICES, "g", "B"}:
        return {"": own}
    found = unit_choices(values, unit)
    if not LEAST <= _middle(values) * column.factor < MOST:
        return found
    if "FLOP" in column.unit:
        return {"FLOP": own, "MAC": (column.factor / 2, column.unit.replace("FLOP", "MAC"))}
    return {**found, ("kWh" if "Wh" in column.unit else "J") if unit in CHOICES else "": own}


def _middle(values: Sequence[float]) -> float:
    """The geometric middle of the positive values, or 1."""
    positive = [value for value in values if value > 0] or [1.0]
    return float((min(positive) * max(positive)) ** 0.5)


def renamed(name: str, choice: str) -> str:
    """The name of a column or an axis in one choice of units."""
    return name.replace("FLOPs", "MACs") if choice == "MAC" else name


def alone(quantity: Quantity) -> Iterator[tuple[str, str]]:
    """Each choice, and the number with the unit whose prefix suits it: "12.3 Wh"."""
    if quantity.value is None:
        yield "", plain_number(quantity)
        return
    for choice, (factor, unit) in CHOICES.get(quantity.unit, {"": (1.0, quantity.unit)}).items():
        by, name = _own_prefix(quantity.value, factor, unit)
        short = name.replace(" per audio ", "/audio ")  # the column is as narrow as a phone
        yield choice, f"{with_commas(plain_number(quantity, by))} {short}".rstrip()


def _own_prefix(value: float, factor: float, unit: str) -> tuple[float, str]:
    """Factor and unit of a single number; of bytes and of whole seconds always the same."""
    size = abs(value) * factor
    if unit == "B":
        return MEBIBYTE
    if unit == "1" and size >= MILLION:
        return 1 / MILLION, "M"
    if size == 0 or unit not in PREFIXED or (unit == "s" and size >= 1):
        return factor, "" if unit == "1" else unit
    by, prefix = prefix_of(size, unit)
    return factor / by, prefix + unit
