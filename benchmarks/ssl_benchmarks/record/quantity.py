"""One number of a record: its value, its unit, and how it was obtained."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

Method = Literal["measured", "sampled", "modelled", "analytic", "projected", "published", "stated", "unavailable"]
"""From the strongest to the weakest; `weakest` uses this order."""

FROM_OTHERS = "imported from"
"""How the note of a figure begins that another tool recorded; tables mark it."""

DERIVED = "derived: "
"""How the part of a note begins that says how a number from elsewhere follows from those printed there."""

METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value in SI units (J, W, s, B, FLOP, MAC, g, 1/s, 1) with the method by which it was obtained.

    Attributes:
        value: the number; None only when `method` is "unavailable".
        unit: the unit of `value` and `ci95`.
        method: see `Method`.
        ci95: the 95 % interval (low, high), or None if unknown.
        n: the number of independent observations behind the value, or None.
        note: a qualification of the number, or the reason why it is missing.
        flaw: why the number may be wrong (a neighbour, a throttled clock, a warm-up that was not steady, uncounted
            work); empty if there is no reason. A flawed number is marked wherever it is shown, and decides no
            comparison.

    Raises:
        ValueError: if a value is missing without a reason or not finite, or an interval is not finite or reversed.
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
            raise ValueError(f"a value must be None exactly when it is unavailable, got {self.value!r} {self.method}")
        if self.value is None and not self.note:
            raise ValueError("an unavailable value needs its reason in `note`")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"a value must be finite, got {self.value!r}")
        if self.ci95 is not None and not -math.inf < self.ci95[0] <= self.ci95[1] < math.inf:
            raise ValueError(f"an interval must be (low, high), both finite, got {self.ci95!r}")

    @property
    def elsewhere(self) -> bool:
        """Whether the number comes from a publication or a statement, not from a run: it has no conditions to compare."""
        return self.method in {"published", "stated"}

    @property
    def imported(self) -> str:
        """The part of the note that says which tool recorded the number; empty for our own."""
        return next((part for part in self.note.split("; ") if part.startswith(FROM_OTHERS)), "")

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
    """The non-empty parts of a note in one line."""
    return "; ".join(note for note in notes if note)


def flaws(parts: Iterable[Quantity | None]) -> str:
    """The flaws of all parts, each once: those of a figure derived from them."""
    return joined(*dict.fromkeys(flaw for part in parts if part is not None for flaw in part.flaw.split("; ") if flaw))


def unavailable(unit: str, reason: str) -> Quantity:
    """A quantity without a value, with the reason."""
    return Quantity(None, unit, "unavailable", note=reason)


def weakest(*methods: Method) -> Method:
    """The method of a sum of parts with these methods."""
    return max(methods, key=METHODS.index)


def added(parts: Mapping[str, Quantity], unit: str) -> Quantity:
    """The sum of named parts; unavailable if any part is, with that part named in the note.

    Its method is the weakest of theirs; its note holds each of theirs once. The ends of intervals are added, which is
    right for errors that may be correlated; without an interval for every part there is none. The sum of one part is
    that part.

    Raises:
        ValueError: for a part in another unit.
    """
    if other := next((name for name, part in parts.items() if part.unit != unit), None):
        raise ValueError(f"{other} is in {parts[other].unit}, not in {unit}")
    if len(parts) == 1:
        return next(iter(parts.values()))
    missing = {name: part.note for name, part in parts.items() if part.value is None}
    if missing or not parts:
        one_reason = len(missing) == len(parts) and len(set(missing.values())) == 1
        why = set(missing.values()) if one_reason else (f"{name}: {reason}" for name, reason in missing.items())
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
    """The interval of a sum from the ends of its parts' intervals; None if any part has none."""
    intervals = [part.ci95 for part in parts if part.ci95 is not None]
    if len(intervals) != len(parts):
        return None
    return sum(low for low, _ in intervals), sum(high for _, high in intervals)


def total(parts: Mapping[str, Quantity], unit: str) -> Quantity:
    """The sum of the parts that have a value (see `added`); `note` names them and the missing ones.

    Such a figure needs a name of its own, such as energy of scope "machine", since the available parts differ by
    machine.

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
