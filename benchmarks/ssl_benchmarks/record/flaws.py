"""The flaws of a number, in the words that records and tables use for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ssl_benchmarks.record.quantity import Quantity, flaws, joined

DISTURBED = "disturbed"
NOT_STEADY = "not steady"
STOPPED = "stopped early"
WHOLE = "of whole processes"
PARTLY_SAMPLED = "partly sampled"
WHOLE_NODES = "whole nodes"
MEANINGS = {
    DISTURBED: "other work on the machine, a throttled clock or a changed limit while it was measured",
    NOT_STEADY: "the speed did not settle during its warm-up",
    STOPPED: "the run was stopped early",
    WHOLE: "with interpreter, libraries and what allocators keep, which other rows leave out",
    PARTLY_SAMPLED: "power was sampled for a part of the time, and the rest adds nothing",
    WHOLE_NODES: "the energy is that of whole nodes, with all that ran on them",
}
"""Each flaw and its explanation in a table's notes."""
FEWEST_SOUND = 2
"""From this many rounds or repeats without a flaw, flawed ones are left out; with fewer, the spread would be unknown."""


def flawed(quantity: Quantity, *found: str) -> Quantity:
    """The quantity with more flaws; a quantity without a value is returned unchanged."""
    if quantity.value is None or not any(found):
        return quantity
    return replace(
        quantity, flaw=joined(*dict.fromkeys((*filter(None, quantity.flaw.split("; ")), *filter(None, found))))
    )


def sound(found: Sequence[Quantity]) -> tuple[Sequence[Quantity], str, str]:
    """The quantities without a flaw if there are enough of them, else all; a note about it, and the flaws that remain."""
    kept = [quantity for quantity in found if not quantity.flaw]
    if len(kept) == len(found):
        return found, "", ""
    if len(kept) < FEWEST_SOUND:
        return found, "", flaws(found)
    left = flaws(quantity for quantity in found if quantity.flaw)
    return kept, f"{len(found) - len(kept)} of {len(found)} left out ({left.replace('; ', ', ')})", ""
