"""Numbers in readable units; records stay in SI."""

from __future__ import annotations

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.units import PREFIXES
from ssl_reports.flaw_marks import signed

UNPREFIXED, LEAST = frozenset({"Wh", "g"}), 1e-3
"""Units that are shown with decimals below 1, down to this value."""


METHODS = {"analytic": "counted", "unavailable": "not available"}
"""The methods of records that texts call by another word."""


PHASES = {"finetuning": "fine-tuning", "targets": "fitting targets"}
"""The phases of records that texts call by another word."""


def phase_word(phase: str | None) -> str:
    """A record's phase as texts call it; empty for none."""
    return PHASES.get(phase or "", phase or "")


def method_word(method: str) -> str:
    """A record's method as texts call it."""
    return METHODS.get(method, method)


def with_prefix(value: float, unit: str, digits: int = 3) -> str:
    """`value` with the SI prefix that leaves one to three digits before the point: 3217 J is 3.22 kJ.

    Thousandths of a Wh and of a g have no prefix of their own: 0.422 Wh.
    """
    if value == 0:
        return f"0 {unit}"
    factor, prefix = prefix_of(abs(value), unit)
    return f"{plain(value / factor, digits)} {prefix}{unit}".rstrip()


def prefix_of(value: float, unit: str) -> tuple[float, str]:
    """Size and name of the prefix for a positive value in a unit, such as "Wh" or "Wh per audio h"."""
    if unit.partition(" ")[0] in UNPREFIXED and LEAST <= value < 1:
        return 1.0, ""
    return next((each for each in PREFIXES if value >= each[0] * 0.9995), PREFIXES[-1])


def plain(value: float, digits: int = 3) -> str:
    """`value` with `digits` significant digits and no exponent, thousands grouped."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits - 1}e}")
    exponent = int(f"{rounded:e}".partition("e")[2])
    return f"{rounded:,.{max(0, digits - 1 - exponent)}f}"


def duration(seconds: float) -> str:
    """Seconds as 42 s, 3 min 05 s or 2 h 10 min."""
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} min"


def shown(quantity: Quantity) -> tuple[str, str]:
    """The quantity for a table: its value and its unit, such as ("12.3", "Wh")."""
    if quantity.value is None:
        return "not available", ""
    value, unit = quantity.value, quantity.unit
    match unit:
        case "J":
            text = with_prefix(value / 3600, "Wh")
        case "B":
            text = _bytes(value)
        case "s":
            text = with_prefix(value, "s") if 0 < abs(value) < 1 else f"{plain(value)} s"
        case "1":
            text = plain(value)
        case "J/h":
            text = f"{plain(value)} J per audio hour"
        case "%":
            text = f"{plain(value)} %"
        case "MAC" | "FLOP" | "W" | "g" | "FLOP/s" | "MAC/s":
            text = with_prefix(value, unit)
        case _:
            text = f"{plain(value)} {unit}"
    number, _, shown_unit = text.partition(" ")
    return number, shown_unit


def worded(quantity: Quantity) -> str:
    """Value, unit and the sign of a flaw, such as "12.3 Wh"."""
    return signed(" ".join(shown(quantity)).strip(), quantity)


def _bytes(value: float) -> str:
    for factor, name in ((2.0**40, "TiB"), (2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB")):
        if value >= factor:
            return f"{plain(value / factor)} {name}"
    return f"{value:.0f} B"


def percent(quantity: Quantity) -> str:
    """A fraction in per cent with its interval: "63.9 % [63.1, 64.6]"."""
    if quantity.value is None:
        return f"not available: {quantity.note}"
    interval = "" if quantity.ci95 is None else f" [{100 * quantity.ci95[0]:.1f}, {100 * quantity.ci95[1]:.1f}]"
    return signed(f"{100 * quantity.value:.1f} %{interval}", quantity)
