"""What can speak against a number, in the words that records and tables have for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ssl_benchmarks.record.quantity import Quantity, flaws, joined

DISTURBED = "disturbed"
NOT_STEADY = "not steady"
STOPPED = "stopped early"
MEANINGS = {
    DISTURBED: "other work on the machine, a throttled clock or a changed limit while it was measured",
    NOT_STEADY: "the warm-up before it did not come to rest",
    STOPPED: "the run it is of was stopped before its end",
}
"""Each flaw, and what a table's foot says of it."""
FEWEST_SOUND = 2
"""Rounds or repeats without a flaw from which the flawed ones are left out; fewer cannot tell how they scatter."""


def flawed(quantity: Quantity, *found: str) -> Quantity:
    """The quantity with more flaws; one that has no value has nothing to be marked."""
    if quantity.value is None or not any(found):
        return quantity
    return replace(
        quantity, flaw=joined(*dict.fromkeys((*filter(None, quantity.flaw.split("; ")), *filter(None, found))))
    )


def sound(found: Sequence[Quantity]) -> tuple[Sequence[Quantity], str, str]:
    """Those without a flaw where there are enough of them, else all; what to note of it, and the flaws that stay."""
    kept = [quantity for quantity in found if not quantity.flaw]
    if len(kept) == len(found):
        return found, "", ""
    if len(kept) < FEWEST_SOUND:
        return found, "", flaws(found)
    left = flaws(quantity for quantity in found if quantity.flaw)
    return kept, f"{len(found) - len(kept)} of {len(found)} left out ({left.replace('; ', ', ')})", ""
