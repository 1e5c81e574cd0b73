"""Energy and memory by part: stacked bars for print, and the numbers behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.pictures.drawing import Drawing, Row, columns, enumerated, left_out, sentences
from ssl_reports.pictures.style import COLUMN_INCHES, HATCHED, METERED, MUTED, ORANGE, SMALL_POINTS, VERMILION
from ssl_reports.reading.axes import axis_unit
from ssl_reports.reading.systems import System
from ssl_reports.units import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

MOST, LONGEST = 16, 26
"""The most bars in one column, and the most characters of a name."""
REST = "unattributed"
DARK, LIGHT = "#004B75", "#CDE8F7"
COLOURS = {
    "gpu": DARK, "cpu": ORANGE, "dram": LIGHT,
    "weights": DARK, "gradients": VERMILION, "optimiser": ORANGE, "activations": LIGHT, REST: "white",
}  # fmt: skip
"""From dark to light in stacking order, so that adjacent parts differ in grey print too."""
PHASES = ("targets", "training", "finetuning", "evaluation", "inference")
MEMORY = {
    "weights": "memory_weights",
    "gradients": "memory_gradients",
    "optimiser": "memory_optimizer",
    "activations": "memory_activations",
}


@dataclass(frozen=True)
class Bar:
    """One bar.

    Attributes:
        run, model, phase: what it is about.
        parts: stacked in this order.
        missing: the reason for each unavailable part.
    """

    run: str
    model: str
    phase: str
    parts: dict[str, Quantity]
    missing: dict[str, str] = field(default_factory=dict)


def energy_picture(systems: Sequence[System]) -> Drawing:
    """Energy of full phases by scope, without the windows of measurements."""
    return _picture("energy-by-part", "Energy by phase and part of the machine.", "energy", systems, _spent)


def energy_rate_picture(systems: Sequence[System]) -> Drawing:
    """Energy per audio hour by scope, of training and of inference."""
    about = "Energy per hour of audio by part of the machine."
    return _picture("energy-per-hour-by-part", about, "energy per audio hour", systems, _per_hour)


def memory_picture(systems: Sequence[System]) -> Drawing:
    """Peak memory by part."""
    return _picture("memory-by-part", "Peak memory by part.", "memory", systems, _memory)


def _spent(system: System, phase: str) -> Bar | None:
    if phase == "inference" or (phase in {"training", "targets"} and not system.trained):
        return None
    return _by_scope("energy", system, phase)


def _per_hour(system: System, phase: str) -> Bar | None:
    return _by_scope("energy_per_audio_hour", system, phase)


def _by_scope(metric: str, system: System, phase: str) -> Bar | None:
    found = {scope: system.one(metric, phase, scope) for scope in ("gpu", "cpu", "dram")}
    return _bar(system, phase, {scope: row.quantity for scope, row in found.items() if row is not None})


def _bar(system: System, phase: str, parts: Mapping[str, Quantity]) -> Bar | None:
    known = {name: q for name, q in parts.items() if q.value is not None}
    missing = {name: q.note for name, q in parts.items() if q.value is None}
    return Bar(system.run, system.model, phase, known, missing) if parts else None


def _memory(system: System, phase: str) -> Bar | None:
    """The known parts, and the rest of the peak."""
    peak = system.one("peak_memory", phase)
    found = {name: system.one(metric, phase) for name, metric in MEMORY.items()}
    parts = {name: row.quantity for name, row in found.items() if row is not None}
    if peak is None:
        return _bar(system, phase, parts)
    if peak.quantity.value is not None:
        rest = peak.quantity.value - sum(q.value or 0.0 for q in parts.values())
        if rest > 0.005 * peak.quantity.value:
            parts[REST] = Quantity(rest, "B", peak.quantity.method, note="the peak minus its known parts")
    else:
        parts[REST] = peak.quantity
    return _bar(system, phase, parts)


def _picture(
    name: str, about: str, axis: str, systems: Sequence[System], find: Callable[[System, str], Bar | None]
) -> Drawing:
    bars = [bar for system in systems for phase in PHASES if (bar := find(system, phase)) is not None]
    full = [bar for bar in bars if bar.parts]
    rows = tuple(row for bar in bars for row in _rows(bar))
    missing = _missing(bars)
    if not full:
        return Drawing(name, sentences("No figure:", about, "No record has a value.", left_out(missing)), rows)
    hatched = any(not _metered(q) for bar in full for q in bar.parts.values())
    caption = sentences(
        about,
        "Hatched parts are modelled, not measured." if hatched else "",
        f"The first {MOST} of {len(full)} bars." if len(full) > MOST else "",
        left_out(missing),
    )
    return Drawing(name, caption, rows, _draw(axis, full[:MOST]))


def _missing(bars: Sequence[Bar]) -> dict[str, str]:
    """The reason for each missing part, with the models that lack it if others have it."""
    lacking: dict[tuple[str, str], list[str]] = {}
    for bar in bars:
        for part, reason in bar.missing.items():
            lacking.setdefault((part, reason), []).append(bar.model)
    return {
        (part if len(models) == len(bars) else f"{part} of {enumerated(list(dict.fromkeys(models)))}"): reason
        for (part, reason), models in lacking.items()
    }


def _rows(bar: Bar) -> list[Row]:
    about: Row = {"model": bar.model, "run": bar.run, "phase": bar.phase}
    known: list[Row] = [{**about, "part": part, **columns(q)} for part, q in bar.parts.items()]
    return known + [{**about, "part": part, "note": reason} for part, reason in bar.missing.items()]


def _metered(quantity: Quantity) -> bool:
    return quantity.method in METERED or quantity.method == "analytic"


def _draw(axis: str, bars: Sequence[Bar]) -> Canvas:
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(COLUMN_INCHES, 0.75 + 0.21 * len(bars)))
    axes = canvas.subplots()
    sums = [sum(q.value or 0.0 for q in bar.parts.values()) for bar in bars]
    some = next(iter(bars[0].parts.values()))
    factor, unit = axis_unit([max(sums)], some.unit)
    _draw_parts(axes, bars, factor)
    for place, value in enumerate(sums):
        axes.annotate(
            plain(value * factor), (value * factor, place), (2, 0), textcoords="offset points", va="center",
            fontsize=SMALL_POINTS, color=MUTED,
        )  # fmt: skip
    seen = Counter((bar.model, bar.phase) for bar in bars)
    axes.set_yticks(range(len(bars)), [_name(bar, several=seen[bar.model, bar.phase] > 1) for bar in bars])
    axes.set_ylim(len(bars) - 0.4, -0.6)
    axes.set_xlim(0, (1.22 * max(sums) * factor) or 1.0)
    axes.set_xlabel(f"{axis} ({unit})")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    canvas.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=4)
    return canvas


def _name(bar: Bar, *, several: bool) -> str:
    name = f"{bar.model} ({bar.run})" if several else bar.model
    return f"{name if len(name) <= LONGEST else f'{name[: LONGEST - 1]}…'}, {bar.phase}"


def _draw_parts(axes: Any, bars: Sequence[Bar], factor: float) -> None:  # noqa: ANN401 - matplotlib's axes
    """Draw one part of all bars after another, so that each has one entry in the legend."""
    ends = [0.0] * len(bars)
    for part, colour in COLOURS.items():
        label = part
        for place, bar in enumerate(bars):
            quantity = bar.parts.get(part)
            if quantity is None or quantity.value is None:
                continue
            axes.barh(
                place, quantity.value * factor, 0.62, ends[place], color=colour, edgecolor="black", linewidth=0.4,
                hatch=None if _metered(quantity) else HATCHED, label=label,
            )  # fmt: skip
            ends[place] += quantity.value * factor
            label = "_"
