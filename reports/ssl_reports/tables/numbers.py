"""Numbers as tables show them: rounded to their uncertainty."""

from __future__ import annotations

import math
import re

from ssl_benchmarks.record.quantity import Quantity

DIGITS = 3
"""Significant digits of a figure without an interval; an interval's half-width has one less."""


def plain_number(quantity: Quantity, factor: float = 1.0, digits: int = DIGITS, between: str = " ± ") -> str:
    """Value with its uncertainty in plain text: "12.34 ± 0.21", "12.3 [9.10, 20.0]", or "n/a"."""
    if quantity.value is None:
        return "n/a"
    value, ends = scaled(quantity, factor)
    if ends is None:
        return single(quantity, value, digits)
    half = half_width(value, ends)
    if half is not None:
        places = places_of(half, digits)
        return f"{fixed(value, places)}{between}{fixed(half, places)}"
    return f"{decimal(value, digits)} [{decimal(ends[0], digits)}, {decimal(ends[1], digits)}]"


def scaled(quantity: Quantity, factor: float) -> tuple[float, tuple[float, float] | None]:
    """Value and interval of a quantity, each times `factor`.

    Raises:
        ValueError: if the quantity has no value.
    """
    if quantity.value is None:
        raise ValueError("no value")
    ends = None if quantity.ci95 is None else (quantity.ci95[0] * factor, quantity.ci95[1] * factor)
    return quantity.value * factor, ends


def half_width(value: float, ends: tuple[float, float]) -> float | None:
    """The larger side of an interval that is narrower than its value and balanced to within a fifth, else None."""
    below, above = value - ends[0], ends[1] - value
    wide = max(below, above)
    return wide if 0 < wide < abs(value) and min(below, above) >= 0.8 * wide else None


def places_of(uncertainty: float, digits: int = DIGITS) -> int:
    """Decimal places that show one digit less than `digits` of an uncertainty, but at least one; below 0 for tens, hundreds and so on."""
    return max(0, digits - 2) - math.floor(math.log10(uncertainty))


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


def single(quantity: Quantity, value: float, digits: int = DIGITS) -> str:
    """A value without interval: figures from elsewhere in full, all others with so many significant digits."""
    text = f"{value:.7g}"
    return text if quantity.elsewhere and "e" not in text else decimal(value, digits)


def with_commas(text: str) -> str:
    """A number's text with its thousands apart: "183,000 ± 39,000"; powers of ten stay as they are."""
    return re.sub(r"(?<![\d.])\d{4,}(?![\d]*e)", lambda match: f"{int(match[0]):,}", text)
