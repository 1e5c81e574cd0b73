"""The sign of a number with a flaw, and what a table's foot says of it."""

from __future__ import annotations

from collections.abc import Iterable

from ssl_benchmarks.record.flaws import MEANINGS
from ssl_benchmarks.record.quantity import Quantity, joined

SIGN = "†"


def sign(quantity: Quantity | None) -> str:
    """The sign where something speaks against the number, else nothing."""
    return SIGN if quantity is not None and quantity.value is not None and quantity.flaw else ""


def signed(text: str, quantity: Quantity | None) -> str:
    """A number's text with its sign."""
    return text + sign(quantity)


def meaning(found: Iterable[str]) -> str:
    """What the sign stands for, given the flaws of a table's numbers."""
    words = dict.fromkeys(word for flaw in found for word in flaw.split("; ") if word)
    return "; ".join(f"{word} ({MEANINGS[word]})" if word in MEANINGS else word for word in words)


def noted(quantity: Quantity) -> str:
    """A number's note, with what speaks against it."""
    return joined(quantity.note, *foot([quantity]))


def foot(quantities: Iterable[Quantity | None]) -> list[str]:
    """A line for a table's legend where one of its numbers has a flaw, else none."""
    found = [quantity.flaw for quantity in quantities if quantity is not None and sign(quantity)]
    return [f"{SIGN} {meaning(found)}"] if found else []
