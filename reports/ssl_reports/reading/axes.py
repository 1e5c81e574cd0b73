"""The axes of a Pareto plot: what each may show of a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ssl_benchmarks.comparing.projection import pretraining_flops
from ssl_benchmarks.record.metrics import METRICS, label_of
from ssl_benchmarks.record.quantity import added
from ssl_benchmarks.record.record import Measurement
from ssl_reports.reading.systems import System
from ssl_reports.units import phase_word, prefix_of
from ssl_reports.words import RATES, SCOPES, capital, learned_by

ERROR_RATES = ("cer", "wer", "per")
"""Error rates of transcripts, in the order in which a plot looks for one."""


@dataclass(frozen=True)
class Axis:
    """One axis.

    Attributes:
        name: what it shows, without the unit.
        label: a short form for the axis itself, with a capital.
        find: returns a model's row, None if its record has none.
        high: whether higher is better.
        percent: whether a fraction is shown in per cent.
    """

    name: str
    label: str
    find: Callable[[System], Measurement | None]
    high: bool = False
    percent: bool = False


def metric_axis(metric: str, phase: str | None = None, scope: str | None = None) -> Axis:
    """The axis of any metric in a record's long table."""
    name = _of_phase(_named(metric), phase)
    factor = 3600.0 if metric == "flops_per_audio_second" else None

    def find(system: System) -> Measurement | None:
        if scope is not None and scope != system.scope and metric != "power_idle":
            return None
        row = system.one(metric, phase, scope)
        return row if row is None or factor is None else replace(row, quantity=row.quantity.scaled(factor, "FLOP"))

    return Axis(name + _of_part(scope), capital(name), find, _high(metric), metric in METRICS and METRICS[metric].share)


def energy_axes() -> list[Axis]:
    """Energy of the full pretraining or per audio hour of training, in the scope of the headlines."""
    return [_whole("energy", scope) for scope in HEADLINES] + _by_scope("energy_per_audio_hour", "training")


def flops_axes() -> list[Axis]:
    """FLOPs of the full pretraining, or per audio hour of training."""
    return [
        Axis("FLOPs of pretraining", "Pretraining FLOPs", _whole_flops),
        metric_axis("flops_per_audio_second", "training"),
    ]


def memory_axes() -> list[Axis]:
    """Peak memory of training, or of inference."""
    return [metric_axis("peak_memory", "training"), metric_axis("peak_memory", "inference")]


def cost_axes(cost: str) -> list[Axis]:
    """The axes that may show one of `COSTS`, the preferred one first."""
    return COSTS[cost]()


def _by_scope(metric: str, phase: str) -> list[Axis]:
    return [metric_axis(metric, phase, scope) for scope in HEADLINES]


HEADLINES = ("gpu", "machine")
"""The scopes of headlines."""
COSTS: dict[str, Callable[[], list[Axis]]] = {
    "energy": energy_axes,
    "flops": flops_axes,
    "memory": memory_axes,
    "device-hours": lambda: [_whole("device_hours", None)],
    "co2e": lambda: [_whole("co2e", scope) for scope in HEADLINES],
    "parameters": lambda: [metric_axis("parameters", "inference")],
    "speed": lambda: [metric_axis("audio_seconds_per_second", phase) for phase in ("training", "inference")],
    "latency": lambda: [metric_axis("latency_p50", "inference")],
    "inference-flops": lambda: [metric_axis("flops_per_audio_second", "inference")],
    "inference-energy": lambda: _by_scope("energy_per_audio_hour", "inference"),
    "inference-memory": lambda: [metric_axis("peak_memory", "inference")],
    "inference-speed": lambda: [metric_axis("audio_seconds_per_second", "inference")],
}
"""What a Pareto plot may have on its x axis."""


def error_axes(systems: Sequence[System]) -> list[Axis]:
    """CER, WER and PER in this order, with one axis for each combination of task, head, labels and test speech."""
    return [axis for metric in ERROR_RATES for axis in rate_axes(systems, metric)]


def rate_axes(systems: Sequence[System], metric: str) -> list[Axis]:
    """One quality metric, with one axis for each combination of task, head, labels and test speech."""
    rated = [row for s in systems for key, rows in s.rows.items() if key[0] == metric for row in rows]
    ways = list(dict.fromkeys(_way(row) for row in rated if row.quantity.value is not None))
    names = Counter(_error_name(metric, way) for way in ways)
    return [
        Axis(
            _error_name(metric, way, labels=names[_error_name(metric, way)] > 1), capital(RATES[metric]),
            _error(metric, way), _high(metric), percent=True,
        )
        for way in ways
    ]  # fmt: skip


def _whole(metric: str, scope: str | None) -> Axis:
    """The sum of fitting targets, if there were any, and training; no value for the windows of a measurement."""

    def find(system: System) -> Measurement | None:
        training, targets = (system.one(metric, phase, scope) for phase in ("training", "targets"))
        if scope not in {None, system.scope} or not (system.trained or system.elsewhere) or training is None:
            return None
        parts = {row.phase or "": row.quantity for row in (training, targets) if row is not None}
        return replace(training, quantity=added(parts, training.quantity.unit))

    return Axis(f"{label_of(metric)} of pretraining{_of_part(scope)}", f"Pretraining {label_of(metric)}", find)


def _whole_flops(system: System) -> Measurement | None:
    """The FLOPs of all audio hours seen."""
    rate, hours = (system.one(metric, "training") for metric in ("flops_per_audio_second", "audio_hours_seen"))
    if rate is None or hours is None or not system.trained:
        return None
    whole = pretraining_flops(rate.quantity, hours.quantity)
    return None if whole is None else replace(rate, quantity=whole)


Way = tuple[str | None, str | None, str | None, str | None]


def _way(row: Measurement) -> Way:
    c = row.conditions
    return c.task, c.head, c.labels, c.tested_on


def _error(metric: str, way: Way) -> Callable[[System], Measurement | None]:
    def find(system: System) -> Measurement | None:
        rated = [row for key, rows in system.rows.items() if key[0] == metric for row in rows if _way(row) == way]
        return rated[0] if rated else None

    return find


def _high(metric: str) -> bool:
    return metric in METRICS and METRICS[metric].better == "high"


NAMES = {
    "flops_per_audio_second": "FLOPs per audio hour",
    "audio_seconds_per_second": "speed",
    "mfu": "model FLOPs utilisation (MFU)",
}
"""What axes call a metric, where not by its label."""


def _named(metric: str) -> str:
    return NAMES.get(metric, label_of(metric))


def _of_phase(name: str, phase: str | None) -> str:
    """A metric's name with its phase; whose parameters they are goes without saying."""
    if phase is None or name == "parameters":
        return name
    long = {"of", "and", "for", "seen"} & set(name.split())
    return f"{name}{', ' if long else ' of '}{phase_word(phase)}"


def _of_part(scope: str | None) -> str:
    return f" ({SCOPES.get(scope, scope)})" if scope else ""


def _error_name(metric: str, way: Way, *, labels: bool = False) -> str:
    """Such as "phone error rate on dev-clean (linear head on frozen features)"; the amount of labels where two differ in nothing else."""
    task, head, amount, tested_on = way
    how = [learned_by(task, head), f"{amount} of labels" if labels and amount else ""]
    known = ", ".join(filter(None, how))
    return RATES[metric] + (f" on {tested_on}" if tested_on else "") + (f" ({known})" if known else "")


PREFIXED = {"J": (1 / 3600, "Wh"), "J/h": (1.0, "J"), **{unit: (1.0, unit) for unit in ("FLOP", "MAC", "g", "W")}}
"""Factor and name of the units that are shown with a prefix."""
READABLE = (5e-4, 2e5)
"""An axis within this range is labelled with plain numbers, any other with powers of ten."""


def axis_unit(values: Sequence[float], unit: str, *, percent: bool = False) -> tuple[float, str]:
    """Factor and unit for an axis: one prefix, for the middle of its positive values; none for a wide range."""
    positive = [value for value in values if value > 0] or [1.0]
    if unit == "1":
        return (100.0, "%") if percent else (1e-6, "M") if _middle(positive) >= 1e5 else (1.0, "")
    if unit == "B":
        return (2.0**-30, "GiB") if _middle(positive) >= 2.0**29 else (2.0**-20, "MiB")
    if unit not in PREFIXED:
        return 1.0, {"s/s": "× real time"}.get(unit, unit)
    factor, name = PREFIXED[unit]
    size, prefix = middle_prefix([value * factor for value in positive], name)
    if READABLE[0] < min(positive) * factor / size and max(positive) * factor / size < READABLE[1]:
        return factor / size, prefix + name
    return factor, name


def middle_prefix(values: Sequence[float], unit: str) -> tuple[float, str]:
    """Size and name of the prefix for the middle of the positive values."""
    return prefix_of(_middle([value for value in values if value > 0] or [1.0]), unit)


def _middle(positive: Sequence[float]) -> float:
    """The geometric middle of the range."""
    return float((min(positive) * max(positive)) ** 0.5)
