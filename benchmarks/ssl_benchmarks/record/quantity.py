"""One number of a record: its value, its unit, and how it was come by."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

Method = Literal["measured", "sampled", "modelled", "analytic", "projected", "published", "unavailable"]
"""From the strongest to the weakest; `weakest` goes by this order."""

METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class Quantity:
    """A value in SI units (J, W, s, B, FLOP, MAC, g, 1/s, 1) with the way it was obtained.

    Attributes:
        value: the number; None only when `method` is "unavailable".
        unit: of `value` and `ci95`.
        method: see `Method`.
        ci95: the 95 % interval (low, high), or None where none is known.
        n: how many independent observations stand behind the value, or None.
        note: what qualifies the number, or the reason why there is none.
        flaw: what speaks against the number (a neighbour, a throttled clock, a warm-up that was not steady, work that was not
            counted); empty where nothing does. A flawed number is marked wherever it shows, and decides nothing.

    Raises:
        ValueError: for a value that is missing without a reason or not finite, or an interval that is not finite or backwards.
    """

    value: float | None
    unit: str
    method: Method
    ci95: tuple[float, float] | None = None
    n: int | None = None
    note: str = ""
    flaw: str = ""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"unknown method {self.method!r}")
        if (self.value is None) != (self.method == "unavailable"):
            raise ValueError(f"a value is None exactly when it is unavailable, got {self.value!r} {self.method}")
        if self.value is None and not self.note:
            raise ValueError("an unavailable value needs its reason in `note`")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a value is finite, got {self.value!r}")
        if self.ci95 is not None and not -math.inf < self.ci95[0] <= self.ci95[1] < math.inf:
            raise ValueError(f"an interval is (low, high), both finite, got {self.ci95!r}")

    def scaled(self, factor: float, unit: str) -> Quantity:
        """The same number in another unit: value and interval times `factor`, which must be positive."""
        if self.value is None:
            return Quantity(None, unit, "unavailable", note=self.note)
        ci95 = None if self.ci95 is None else (self.ci95[0] * factor, self.ci95[1] * factor)
        return Quantity(self.value * factor, unit, self.method, ci95, self.n, self.note, self.flaw)


def quantity_of(document: Mapping[str, Any]) -> Quantity:
    """The inverse of `dataclasses.asdict` through JSON."""
    ci95 = document["ci95"]
    return Quantity(**{**document, "ci95": None if ci95 is None else (ci95[0], ci95[1])})


def joined(*notes: str) -> str:
    """Parts of a note in one line; empty ones leave no trace."""
    return "; ".join(note for note in notes if note)


def flaws(parts: Iterable[Quantity | None]) -> str:
    """The flaws of all parts, each once: those of what is made of them."""
    return joined(*dict.fromkeys(flaw for part in parts if part is not None for flaw in part.flaw.split("; ") if flaw))


def unavailable(unit: str, reason: str) -> Quantity:
    """A quantity that cannot be had here, and why."""
    return Quantity(None, unit, "unavailable", note=reason)


def weakest(*methods: Method) -> Method:
    """The method that a sum of such parts may claim."""
    return max(methods, key=METHODS.index)


def added(parts: Mapping[str, Quantity], unit: str) -> Quantity:
    """The sum of named parts; unavailable as soon as one of them is, and the note says which.

    Its method is the weakest of theirs, its note has each of theirs once. Intervals add up by their ends, which is right for
    errors that may move together; a sum has one only if all its parts do. The sum of one part is that part.

    Raises:
        ValueError: for a part in another unit.
    """
    if other := next((name for name, part in parts.items() if part.unit != unit), None):
        raise ValueError(f"{other} is in {parts[other].unit}, not in {unit}")
    if len(parts) == 1:
        return next(iter(parts.values()))
    missing = {name: part.note for name, part in parts.items() if part.value is None}
    if missing or not parts:
        all_alike = len(missing) == len(parts) and len(set(missing.values())) == 1
        why = set(missing.values()) if all_alike else (f"{name}: {reason}" for name, reason in missing.items())
        return unavailable(unit, "; ".join(why) or "no parts")
    return Quantity(
        sum(part.value for part in parts.values() if part.value is not None),
        unit,
        weakest(*(part.method for part in parts.values())),
        _summed_interval(parts.values()),
        note=joined(*dict.fromkeys(part.note for part in parts.values())),
        flaw=flaws(parts.values()),
    )


def _summed_interval(parts: Collection[Quantity]) -> tuple[float, float] | None:
    """By the parts' ends; None as soon as one part has none."""
    intervals = [part.ci95 for part in parts if part.ci95 is not None]
    if len(intervals) != len(parts):
        return None
    return sum(low for low, _ in intervals), sum(high for _, high in intervals)


def total(parts: Mapping[str, Quantity], unit: str) -> Quantity:
    """What the parts that exist add up to (see `added`), which are named in `note` with those that do not.

    A figure with a name of its own, such as the energy of the scope "machine", since its parts differ between machines.

    Raises:
        ValueError: for a part in another unit.
    """
    known = {name: part for name, part in parts.items() if part.value is not None}
    if not known:
        return added(parts, unit)
    missing = [f"without {name} ({part.note})" for name, part in parts.items() if part.value is None]
    note = "; ".join([" + ".join(f"{name} ({part.method})" for name, part in known.items()), *missing])
    return replace(added(known, unit), n=None, note=note)


JOULES_PER_KWH = 3.6e6
