"""Numbers as tables show them: rounded to their uncertainty."""

from __future__ import annotations

import math
import re

from ssl_benchmarks.record.quantity import DERIVED, Quantity

PERCENT = 100.0
"""The factor to per cent, in which publications give error rates with one decimal at least."""
DIGITS = 3
"""Significant digits of a number without an interval; one with an interval has at most one more."""
ONE_LESS = 35
"""The largest first two digits of a half-width that is shown with one digit less than `DIGITS`; larger ones have two less."""


def plain_number(quantity: Quantity, factor: float = 1.0, digits: int = DIGITS, between: str = " ± ") -> str:
    """Value with its uncertainty in plain text: "12.34 ± 0.21", "12.3 [9.10, 20.0]", or "n/a"."""
    if quantity.value is None:
        return "n/a"
    value, ends = scaled(quantity, factor)
    if ends is None:
        return _single(quantity, value, factor, digits)
    half = half_width(value, ends)
    if half is not None:
        places = places_of(half, value, digits)
        return f"{fixed(value, places)}{between}{fixed(max(half, 10.0**-places), places)}"
    return f"{decimal(value, digits)} [{decimal(ends[0], digits)}, {decimal(ends[1], digits)}]"


def scaled(quantity: Quantity, factor: float) -> tuple[float, tuple[float, float] | None]:
    """Value and interval of a quantity, each times `factor`, without the noise of binary fractions.

    Raises:
        ValueError: if the quantity has no value.
    """
    if quantity.value is None:
        raise ValueError("no value")
    low, high = quantity.ci95 or (0.0, 0.0)
    value, *ends = (float(f"{number * factor:.12g}") for number in (quantity.value, low, high))
    return value, None if quantity.ci95 is None else (ends[0], ends[1])


def half_width(value: float, ends: tuple[float, float]) -> float | None:
    """The larger side of an interval that is narrower than its value and balanced to within a fifth, else None."""
    below, above = value - ends[0], ends[1] - value
    wide = max(below, above)
    return wide if 0 < wide < abs(value) and min(below, above) >= 0.8 * wide else None


def places_of(half: float, value: float, digits: int = DIGITS) -> int:
    """Decimal places of a value with its half-width; below 0 for tens, hundreds and so on.

    As the Particle Data Group rounds: of three digits, a half-width keeps two up to `ONE_LESS`, and one beyond.
    """
    exponent = math.floor(math.log10(half))
    kept = digits - (1 if half / 10.0 ** (exponent - 1) < ONE_LESS + 0.5 else 2)
    return min(max(1, kept) - 1 - exponent, digits - math.floor(math.log10(abs(value))))


def fixed(value: float, places: int) -> str:
    """With so many decimals; rounded to tens, hundreds and so on where these are fewer than none."""
    return f"{round(value, places):.{max(0, places)}f}"


def decimal(value: float, digits: int = DIGITS) -> str:
    """The value with `digits` significant digits, with an exponent if it would be long otherwise."""
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if -4 <= exponent < 6:
        return f"{float(f'{value:.{digits - 1}e}'):.{max(0, digits - 1 - exponent)}f}"
    mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(power)}"


def _single(quantity: Quantity, value: float, factor: float, digits: int) -> str:
    """A value without interval, with so many significant digits; one from elsewhere as it is printed there, if it is."""
    rounded = decimal(value, digits)
    text = f"{float(rounded) if DERIVED in quantity.note else value:.7g}"
    if not quantity.elsewhere or "e" in text:
        return rounded
    return f"{value:.1f}" if factor == PERCENT and "." not in text else text


def with_commas(text: str) -> str:
    """A number's text with its thousands apart: "183,000 ± 39,000"; powers of ten stay as they are."""
    return re.sub(r"(?<![\d.])\d{4,}(?![\d]*e)", lambda match: f"{int(match[0]):,}", text)
