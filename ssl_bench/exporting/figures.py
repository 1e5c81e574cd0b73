"""The rows of a record and the lines of a training curve as named figures, as trackers take them."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from ssl_bench.sessions.curve import CurvePoint
from ssl_benchmarks.energy.carbon import GridIntensity, co2e
from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.details.training import TrainingDetails
from ssl_benchmarks.record.quantity import Method, Quantity, weakest
from ssl_benchmarks.record.record import Measurement, Record
from ssl_models.documents import typed

LONGEST_NAME, LONGEST_TEXT = 200, 5000
"""Characters; what trackers take is a little more."""
MOST_STEPS, LONGEST_S = 2**53, 1e9
UNITS = {"loss": "nat", "target_entropy": "nat", "audio_hours": "h", "seconds": "s"}
LEFT_OUT = frozenset({"attempt", "first_step", "step", "attempt_steps", "attempt_audio_seconds"})
SETTINGS = frozenset({"learning_rate"})
"""Values in the curve that are set and not measured."""


@dataclass(frozen=True)
class Figure:
    """A number with a name that trackers accept.

    Attributes:
        name: parts with "/" between them.
        about: what else is known of it: model, phase, scope and conditions.
    """

    name: str
    quantity: Quantity
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> dict[str, Any]:
        """All of it but value and interval, without what does not apply."""
        q = self.quantity
        found = {
            "unit": q.unit,
            "method": q.method,
            "n": q.n,
            "note": q.note[:LONGEST_TEXT],
            "flaw": q.flaw,
            **self.about,
        }
        return {name: value for name, value in found.items() if value not in (None, "")}

    @property
    def numbers(self) -> dict[str, float]:
        """The value and the ends of its interval by name; none if it is unavailable."""
        q = self.quantity
        if q.value is None:
            return {}
        ends = {} if q.ci95 is None else {f"{self.name}/ci95_low": q.ci95[0], f"{self.name}/ci95_high": q.ci95[1]}
        return {self.name: q.value, **ends}


@dataclass(frozen=True)
class Moment:
    """Figures of one step, at `time_s` in s since 1970."""

    step: int
    time_s: float
    figures: tuple[Figure, ...]


def part(text: str) -> str:
    """A part of a name, in the letters that MLflow accepts, which is the strictest."""
    kept = re.sub(r"[^\w. -]+", "_", text, flags=re.ASCII).strip(" .")
    if len(kept) > LONGEST_NAME // 2:
        kept = f"{kept[: LONGEST_NAME // 2 - 9]}-{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:8]}"
    return kept or "_"


def figures_of(rows: Sequence[Measurement]) -> tuple[Figure, ...]:
    """A figure for each row: model/phase/metric/scope, with the conditions that distinguish it from others of that name."""
    held = [{key: value for key, value in asdict(row.conditions).items() if value is not None} for row in rows]
    by_name: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        words = (row.model, row.phase, row.metric, row.scope)
        by_name["/".join(part(word) for word in words if word)].append(number)
    names = [""] * len(rows)
    for name, numbers in by_name.items():
        for number, own in zip(numbers, _told_apart(name, [held[number] for number in numbers]), strict=True):
            names[number] = own
    return tuple(
        Figure(
            name,
            row.quantity,
            {"model": row.model, "phase": row.phase, "metric": row.metric, "scope": row.scope, **conditions},
        )
        for name, row, conditions in zip(names, rows, held, strict=True)
    )


def _told_apart(name: str, held: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The names of rows that share one: with the conditions in which they differ, else numbered."""
    keys = [
        key for key in dict.fromkeys(key for each in held for key in each) if len({each.get(key) for each in held}) > 1
    ]
    seen: Counter[str] = Counter()
    for each in held:
        apart = part(" ".join(f"{key} {each[key]}" for key in keys if key in each)) if keys else ""
        full = "/".join(filter(None, (name, apart)))
        seen[full] += 1
        yield full if seen[full] == 1 else f"{full} {seen[full]}"


def curve_moments(record: Record, lines: Sequence[Mapping[str, Any]], before: Mapping[str, Any]) -> Iterator[Moment]:
    """Lines of `metrics.jsonl` that follow the line `before`; one that no tracker can hold is skipped."""
    grid = record.told(Details).grid
    known = None if grid is None else GridIntensity(grid.g_per_kwh, grid.country, grid.year, grid.source)
    attempts = record.told(TrainingDetails).attempts if record.kind == "training" else ()
    starts = dict(enumerate((start_of(each.get("started")) for each in attempts), start=1))
    for earlier, line in pairwise((before, *lines)):
        began = starts.get(line.get("attempt", 1)) or start_of(record.created) or 0.0
        seconds, step = line.get("seconds", 0.0), line["step"]
        figures = (*_values(line), *_costs(line, known, record.settings.pue), *_rate(earlier, line))
        if 0 <= step < MOST_STEPS and 0 <= seconds < LONGEST_S:
            yield Moment(step, began + seconds, figures)


def _rate(before: Mapping[str, Any], line: Mapping[str, Any]) -> Iterator[Figure]:
    """Seconds of audio per second between two lines of one attempt."""
    needed = {"attempt", "seconds", "attempt_audio_seconds"}
    if not (before.keys() >= needed and line.keys() >= needed and before["attempt"] == line["attempt"]):
        return
    seconds = line["seconds"] - before["seconds"]
    audio = line["attempt_audio_seconds"] - before["attempt_audio_seconds"]
    if seconds > 0 and audio >= 0:
        yield Figure("training/audio_seconds_per_second", Quantity(audio / seconds, "s/s", "measured"))


def start_of(text: object) -> float | None:
    """Seconds since 1970 of a time in ISO 8601; None if it is none."""
    try:
        moment = datetime.fromisoformat(str(text)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return moment if 0 <= moment < 1e11 else None


def _values(line: Mapping[str, Any]) -> Iterator[Figure]:
    """The means over the steps, and where training stands."""
    for name, value in line.items():
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if number and name not in LEFT_OUT and re.fullmatch(r"[a-z_]{1,40}", name):
            method: Method = "stated" if name in SETTINGS else "measured"
            yield Figure(f"training/{name}", Quantity(float(value), UNITS.get(name, "1"), method))


def _costs(line: Mapping[str, Any], grid: GridIntensity | None, pue: float) -> Iterator[Figure]:
    """Energy and CO2e of this attempt's training so far, and the last sample of power."""
    energy = typed(CurvePoint, line).training_energy
    power = line.get("power_w")
    for scope, joules in energy.items():
        yield Figure(f"training/energy/{part(scope)}", joules, {"scope": scope})
        if joules.unit == "J":
            yield Figure(f"training/co2e/{part(scope)}", co2e(joules, grid, pue), {"scope": scope})
        watts = power.get(scope) if isinstance(power, Mapping) else None
        if isinstance(watts, int | float) and joules.value is not None:
            sampled = Quantity(float(watts), "W", weakest("sampled", joules.method), note="the last sample")
            yield Figure(f"training/power/{part(scope)}", sampled, {"scope": scope})


def settings_of(record: Record) -> dict[str, str]:
    """The settings as texts by dotted name, those that were given or chosen."""
    return dict(_flat("", record.config))


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{name}.{part(str(key))}" if name else part(str(key)), inner)
    elif value is not None and name:
        yield name[:LONGEST_NAME], str(value)[:LONGEST_TEXT]


def facts_of(record: Record) -> dict[str, str]:
    """What a tracker shows of a run besides settings and figures."""
    machine = record.machine
    found = {
        "sslbench.run": record.id,
        "sslbench.kind": record.kind,
        "sslbench.status": record.status,
        "sslbench.command": record.command,
        "sslbench.created": record.created,
        "sslbench.device": machine.named,
        "sslbench.version": machine.packages.get("sslbench") or "",
        "sslbench.torch": machine.packages.get("torch") or "",
        "sslbench.stopped": record.told(Details).stopped,
    }
    return {name: text[:LONGEST_TEXT] for name, text in found.items() if text}
