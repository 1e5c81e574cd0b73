"""Energy and memory by part: stacked bars for print, and the numbers behind them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.flaw_marks import SIGN
from ssl_reports.pictures.drawing import Drawing, Row, columns, enumerated, left_out, no_figure, sentences
from ssl_reports.pictures.style import COLUMN_INCHES, METERED, MUTED, ORANGE, SMALL_POINTS, VERMILION
from ssl_reports.reading.axes import axis_unit
from ssl_reports.reading.systems import System
from ssl_reports.tables.grid import grouped
from ssl_reports.units import phase_word, plain
from ssl_reports.words import SCOPES, capital

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

MOST, LONGEST = 36, 26
"""The most bars, which fill a page from head to foot, and the most characters of a name."""
REST = "unattributed"
DARK, LIGHT = "#004B75", "#CDE8F7"
COLOURS = {
    "gpu": DARK, "cpu": ORANGE, "dram": LIGHT,
    "weights": DARK, "gradients": VERMILION, "optimiser": ORANGE, "activations": LIGHT, REST: "white",
}  # fmt: skip
"""From dark to light in stacking order, so that adjacent parts differ in grey print too."""
PHASES = ("training", "inference", "targets", "finetuning", "evaluation")
"""In the order of the groups."""
SUMMED = frozenset({"finetuning", "evaluation"})
"""Phases whose rows in a study are sums over its seeds; those of other phases are means."""
NO_GPU = "the machine has no GPU"
GAP = 1.1
"""Room above a group, in bars."""
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
        total: the figure of all parts together, whose interval the bar has; None if there is none.
        missing: the reason for each unavailable part.
        seeds: of which it is the mean.
        has_gpu: whether the machine has a GPU.
    """

    run: str
    model: str
    phase: str
    parts: dict[str, Quantity]
    total: Quantity | None = None
    missing: dict[str, str] = field(default_factory=dict)
    seeds: int = 1
    has_gpu: bool = True

    @property
    def length(self) -> float:
        """The sum of the parts."""
        return sum(q.value or 0.0 for q in self.parts.values())

    @property
    def figure(self) -> float:
        """The total, or the sum of the parts where no total is known."""
        return self.length if self.total is None or self.total.value is None else self.total.value

    @property
    def flawed(self) -> bool:
        """Whether a part of it is."""
        return any(q.flaw for q in (*self.parts.values(), *filter(None, [self.total])))


def energy_picture(systems: Sequence[System], *, ordered: bool = False) -> Drawing:
    """Energy of full phases by scope, without the windows of measurements."""
    about = "energy by phase and part of the machine"
    return _picture("energy-by-part", about, "energy", systems, _spent, ordered=ordered)


def energy_rate_picture(systems: Sequence[System], *, ordered: bool = False) -> Drawing:
    """Energy per audio hour by scope, of training and of inference."""
    about = "energy per hour of audio by part of the machine"
    return _picture("energy-per-hour-by-part", about, "energy per audio hour", systems, _per_hour, ordered=ordered)


def memory_picture(systems: Sequence[System], *, ordered: bool = False) -> Drawing:
    """Peak memory by part."""
    return _picture("memory-by-part", "peak memory by part", "memory", systems, _memory, ordered=ordered)


def _spent(system: System, phase: str) -> Bar | None:
    if phase == "inference" or (phase in {"training", "targets"} and not system.trained):
        return None
    return _by_scope("energy", system, phase)


def _per_hour(system: System, phase: str) -> Bar | None:
    return _by_scope("energy_per_audio_hour", system, phase)


def _by_scope(metric: str, system: System, phase: str) -> Bar | None:
    found = {scope: system.one(metric, phase, scope) for scope in ("gpu", "cpu", "dram", "machine")}
    parts = {scope: row.quantity for scope, row in found.items() if row is not None and scope != "machine"}
    machine = found["machine"]
    return _bar(system, phase, parts, None if machine is None else machine.quantity)


def _bar(system: System, phase: str, parts: Mapping[str, Quantity], total: Quantity | None) -> Bar | None:
    """A bar whose numbers are means over the seeds of a study; what its evaluation spent on all of them is a sum in the record."""
    share = 1 / system.seeds if phase in SUMMED else 1.0
    known = {name: q.scaled(share, q.unit) for name, q in parts.items() if q.value is not None}
    missing = {name: q.note for name, q in parts.items() if q.value is None}
    total = None if total is None else total.scaled(share, total.unit)
    if len(known) == 1:
        total = next(iter(known.values()))
    return Bar(system.run, system.model, phase, known, total, missing, system.seeds, system.has_gpu) if parts else None


def _memory(system: System, phase: str) -> Bar | None:
    """The known parts, and the rest of the peak."""
    peak = system.one("peak_memory", phase)
    found = {name: system.one(metric, phase) for name, metric in MEMORY.items()}
    parts = {name: row.quantity for name, row in found.items() if row is not None}
    if peak is None:
        return _bar(system, phase, parts, None)
    if peak.quantity.value is not None:
        rest = peak.quantity.value - sum(q.value or 0.0 for q in parts.values())
        if rest > 0.005 * peak.quantity.value:
            parts[REST] = Quantity(rest, "B", peak.quantity.method, note="the peak minus its known parts")
    else:
        parts[REST] = peak.quantity
    return _bar(system, phase, parts, peak.quantity)


def _picture(
    name: str,
    about: str,
    axis: str,
    systems: Sequence[System],
    find: Callable[[System, str], Bar | None],
    *,
    ordered: bool,
) -> Drawing:
    """The bars of each phase by length, or in the order of the systems if that was asked for."""
    bars = [bar for phase in PHASES for system in systems if (bar := find(system, phase)) is not None]
    full = [bar for bar in bars if bar.parts]
    rows = tuple(row for bar in bars for row in _rows(bar))
    omitted = left_out(_missing(bars))
    if not full:
        return no_figure(name, about, "no record has a value.", omitted, rows)
    shown = _shown(full if ordered else sorted(full, key=lambda bar: bar.length))
    absent = [_name(bar, several=False) for bar in full if bar not in shown]
    caption = sentences(
        f"{capital(about)}.",
        _seeds(shown),
        _modelled(shown),
        "Lines are 95 % intervals." if any(bar.total and bar.total.ci95 for bar in shown) else "",
        f"Not shown: {enumerated(absent)}." if absent else "",
    )
    return Drawing(name, caption, rows, omitted, _draw(axis, shown))


def _shown(bars: Sequence[Bar]) -> list[Bar]:
    """Bars by phase; of many, the first of each phase, as many as there is room for."""
    groups = [[bar for bar in bars if bar.phase == phase] for phase in PHASES]
    held = [group for group in groups if group]
    least = MOST // len(held)
    room = MOST - sum(min(least, len(group)) for group in held)
    shown: list[Bar] = []
    for group in held:
        more = min(room, max(0, len(group) - least))
        room -= more
        shown += group[: min(least, len(group)) + more]
    return shown


def _seeds(bars: Sequence[Bar]) -> str:
    """A sentence on the bars that are means over seeds."""
    counts = {bar.seeds for bar in bars}
    if counts == {1}:
        return ""
    return (
        f"Means over {counts.pop()} seeds."
        if len(counts) == 1
        else "Bars of models with several seeds are means over them."
    )


def _modelled(bars: Sequence[Bar]) -> str:
    """A sentence on the parts that were not measured, and on a GPU that is not there; those modelled in some bars only are named with their models."""
    pairs = [(part, bar) for bar in bars for part in bar.parts]
    found = grouped((part, bar.model) for part, bar in pairs if not _metered(bar.parts[part]))
    counts = Counter(part for part, _ in pairs)
    said = [
        SCOPES.get(part, part)
        + ("" if len(models) == counts[part] else f" of {enumerated(list(dict.fromkeys(models)))}")
        for part, models in found.items()
    ]
    no_gpu = any(part in SCOPES for part in counts) and not any(bar.has_gpu for bar in bars)
    modelled = f"{capital(' and '.join(said))} {'are' if len(said) > 1 else 'is'} modelled" if said else ""
    return f"{'; '.join(filter(None, (modelled, NO_GPU if no_gpu else '')))}." if modelled or no_gpu else ""


def _missing(bars: Sequence[Bar]) -> dict[str, str]:
    """The reason for each missing part, with the models that lack it if others have it."""
    lacking: dict[tuple[str, str], list[str]] = {}
    for bar in bars:
        for part, reason in bar.missing.items():
            lacking.setdefault((SCOPES.get(part, part), reason), []).append(bar.model)
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

    heads = list(dict.fromkeys(bar.phase for bar in bars))
    canvas = Figure(figsize=(COLUMN_INCHES, 0.75 + 0.19 * (len(bars) + GAP * len(heads))))
    axes = canvas.subplots()
    places = [number + GAP * (heads.index(bar.phase) + 1) for number, bar in enumerate(bars)]
    factor, unit = axis_unit([max(bar.length for bar in bars)], next(iter(bars[0].parts.values())).unit)
    _draw_parts(axes, bars, places, factor)
    ends = [_draw_end(axes, bar, place, factor) for bar, place in zip(bars, places, strict=True)]
    for phase in heads:
        first = next(place for bar, place in zip(bars, places, strict=True) if bar.phase == phase)
        axes.annotate(
            phase_word(phase), (0, first - (GAP + 1) / 2), (-4, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
            ha="right", va="center", fontsize=SMALL_POINTS, fontweight="bold",
        )  # fmt: skip
    seen = Counter((bar.model, bar.phase) for bar in bars)
    axes.set_yticks(places, [_name(bar, several=seen[bar.model, bar.phase] > 1) for bar in bars])
    axes.set_ylim(places[-1] + 0.6, -0.2)
    axes.set_xlim(0, (1.24 * max(ends)) or 1.0)
    axes.set_xlabel(f"{capital(axis)} ({unit})")
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    canvas.legend(*axes.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return canvas


def _name(bar: Bar, *, several: bool) -> str:
    name = f"{bar.model} ({bar.run})" if several else bar.model
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _draw_end(axes: Any, bar: Bar, place: float, factor: float) -> float:  # noqa: ANN401 - matplotlib's axes
    """The interval and the figure of a bar; return where the interval ends, at most at twice the bar."""
    end = bar.length * factor
    if bar.total is not None and bar.total.ci95 is not None:
        low, high = (min(max(limit * factor, 0.0), 2 * end) for limit in bar.total.ci95)
        axes.plot([low, high], [place, place], "|-", color="black", linewidth=0.7, markersize=3, zorder=3)
        end = max(end, high)
    text = plain(bar.figure * factor) + (SIGN if bar.flawed else "")
    axes.annotate(
        text, (end, place), (3, 0), textcoords="offset points", va="center", fontsize=SMALL_POINTS, color=MUTED
    )
    return end


def _draw_parts(axes: Any, bars: Sequence[Bar], places: Sequence[float], factor: float) -> None:  # noqa: ANN401
    """Draw one part of all bars after another, so that each has one entry in the legend."""
    ends = [0.0] * len(bars)
    for part, colour in COLOURS.items():
        label = SCOPES.get(part, part)
        for number, bar in enumerate(bars):
            value = (bar.parts[part].value or 0.0) * factor if part in bar.parts else None
            if value is None:
                continue
            axes.barh(
                places[number],
                value,
                0.62,
                left=ends[number],
                color=colour,
                edgecolor="black",
                linewidth=0.4,
                label=label,
            )
            ends[number] += value
            label = "_"
