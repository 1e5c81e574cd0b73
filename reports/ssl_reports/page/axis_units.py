"""The units that a page can show a set of numbers in: joules or watt-hours, FLOPs or MACs; all else has one."""

from __future__ import annotations

from collections.abc import Sequence

from ssl_reports.reading.axes import axis_unit, middle_prefix

Units = dict[str, tuple[float, str]]
"""By the name of the choice ("" where there is none): the factor from the record's SI unit, and the unit shown."""

CHOICES: dict[str, dict[str, tuple[float, str]]] = {
    "J": {"kWh": (1 / 3600, "Wh"), "J": (1.0, "J")},
    "FLOP": {"FLOP": (1.0, "FLOP"), "MAC": (0.5, "MAC")},
    "MAC": {"FLOP": (2.0, "FLOP"), "MAC": (1.0, "MAC")},
    "FLOP/s": {"FLOP": (1.0, "FLOP/s"), "MAC": (0.5, "MAC/s")},
    "MAC/s": {"FLOP": (2.0, "FLOP/s"), "MAC": (1.0, "MAC/s")},
    "J/h": {"kWh": (1 / 3600, "Wh per audio h"), "J": (1.0, "J per audio h")},
}
"""1 MAC = 2 FLOPs."""
ALONE: dict[str, Units] = {
    **CHOICES,
    "W": {"": (1.0, "W")},
    "g": {"": (1.0, "g")},
    "s": {"": (1.0, "s")},
    "B": {"": (2.0**-20, "MiB")},
}
"""Of numbers that stand alone; the page gives each its prefix."""


def unit_choices(values: Sequence[float], unit: str, *, percent: bool = False) -> Units:
    """For numbers that stand together, in a column or on an axis: one prefix for all of them."""
    if unit not in CHOICES:
        return {"": axis_unit(values, unit, percent=percent)}
    return {choice: _prefixed(values, *each) for choice, each in CHOICES[unit].items()}


def _prefixed(values: Sequence[float], factor: float, unit: str) -> tuple[float, str]:
    size, prefix = middle_prefix([value * factor for value in values])
    return factor / size, prefix + unit
