"""Whether rows of several models may be compared, and the conditions in which they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.record import Measurement

READ = {"measured": "measured", "sampled": "measured", "analytic": "counted"}
"""Methods with the same word here are comparable; any other method is comparable only with itself."""


NOT_RECORDED = "not recorded"
"""A condition that a record does not state, in words."""


@dataclass(frozen=True)
class Difference:
    """A condition in which rows differ: `models` by its value."""

    condition: str
    models: dict[str, tuple[str, ...]]

    @property
    def line(self) -> str:
        """The difference in words."""
        sides = "; ".join(f"{value} ({', '.join(models)})" for value, models in self.models.items())
        return f"{self.condition.replace('_', ' ')}: {sides}"


def told(row: Measurement) -> dict[str, str]:
    """The relevant conditions of a row, and "method", each in words."""
    held = row.conditions
    found = {name: _worded(getattr(held, name)) for name in METRICS[row.metric].agrees_on}
    return {**found, "method": READ.get(row.quantity.method, row.quantity.method)}


def differences(rows: Iterable[Measurement]) -> list[Difference]:
    """The conditions in which rows of one metric, phase and scope differ; rows without a value or from elsewhere are ignored."""
    known = [row for row in rows if row.quantity.value is not None and not row.quantity.elsewhere]
    by_condition: dict[str, dict[str, list[str]]] = {}
    for row in known:
        for condition, value in told(row).items():
            by_condition.setdefault(condition, {}).setdefault(value, []).append(row.model)
    return [
        Difference(condition, {value: tuple(models) for value, models in sides.items()})
        for condition, sides in by_condition.items()
        if len(sides) > 1
    ]


def refusal(found: Sequence[Difference]) -> str:
    """The one-line message for a refused comparison."""
    return f"not comparable: {'; and '.join(d.line for d in found)}; add --mark-differences to compare anyway and mark the affected cells"


@dataclass
class Marks:
    """Letters for cells measured under other conditions than the baseline's; equal differences share a letter."""

    letters: dict[str, str] = field(default_factory=dict)

    def of(self, row: Measurement, baseline: Measurement | None) -> str:
        """The letters of a cell, such as "a,c"; empty if the baseline has no value."""
        if baseline is None or row.quantity.value is None or row.quantity.method == "published":
            return self._letter(f"published: {row.quantity.note}") if row.quantity.method == "published" else ""
        if baseline.quantity.value is None:
            return ""
        ours, theirs = told(row), told(baseline)
        changed = [name for name in ours if ours[name] != theirs.get(name)]
        return ",".join(self._letter(f"{name.replace('_', ' ')} {ours[name]}, not {theirs[name]}") for name in changed)

    @property
    def legend(self) -> list[str]:
        """A line for each letter in use."""
        return [f"{letter}: {meaning}" for meaning, letter in self.letters.items()]

    def _letter(self, meaning: str) -> str:
        return self.letters.setdefault(meaning, _letters(len(self.letters)))


def _letters(number: int) -> str:
    """Letters a to z, then aa, ab, ..."""
    return ("" if number < 26 else _letters(number // 26 - 1)) + chr(ord("a") + number % 26)


def _worded(value: object) -> str:
    if value is None:
        return NOT_RECORDED
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
