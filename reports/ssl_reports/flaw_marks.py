"""The sign of a flawed number, and its explanation below a table."""

from __future__ import annotations

from collections.abc import Iterable

from ssl_benchmarks.record.flaws import MEANINGS
from ssl_benchmarks.record.quantity import Quantity, joined

SIGN = "†"
SIGNS = (SIGN, "‡", "§", "¶")
"""The signs of a table's flaws, in order of appearance; further flaws have them twice, and so on."""


def nth_sign(number: int) -> str:
    """The sign of a table's flaw of this number, from 0: †, ‡, §, ¶, ††, ‡‡."""
    return SIGNS[number % len(SIGNS)] * (number // len(SIGNS) + 1)


def sign(quantity: Quantity | None) -> str:
    """The sign if the number is flawed, else an empty text."""
    return SIGN if quantity is not None and quantity.value is not None and quantity.flaw else ""


def signed(text: str, quantity: Quantity | None) -> str:
    """A number's text with its sign."""
    return text + sign(quantity)


def meaning(found: Iterable[str]) -> str:
    """The meaning of the sign, given the flaws of a table's numbers."""
    words = dict.fromkeys(word for flaw in found for word in flaw.split("; ") if word)
    return "; ".join(f"{word} ({MEANINGS[word]})" if word in MEANINGS else word for word in words)


def noted(quantity: Quantity) -> str:
    """A number's note, with its flaws."""
    return joined(quantity.note, *foot([quantity]))


def foot(quantities: Iterable[Quantity | None]) -> list[str]:
    """A line for a table's legend if one of its numbers is flawed, else none."""
    found = [quantity.flaw for quantity in quantities if quantity is not None and sign(quantity)]
    return [f"{SIGN} {meaning(found)}"] if found else []
