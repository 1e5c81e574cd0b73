"""The data of a page's plots: Pareto axes with each model's values, model cards, and power thinned for a screen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.record.metrics import METRICS, RATES
from ssl_models.recipes import RECIPES
from ssl_reports.page.store import Store, unit_choices
from ssl_reports.pictures.scales import SPAN
from ssl_reports.pictures.trace import binned_trace
from ssl_reports.reading.axes import (
    Axis,
    energy_axes,
    error_axes,
    flops_axes,
    memory_axes,
    metric_axis,
    rate_axes,
)
from ssl_reports.reading.evidence import Evidence
from ssl_reports.reading.frontier import best_plot
from ssl_reports.reading.systems import System, systems_of

if TYPE_CHECKING:
    import pandas as pd


CARD = (
    ("parameters", "inference"), ("flops_per_audio_second", "training"), ("flops_per_audio_second", "inference"),
    ("audio_seconds_per_second", "training"), ("audio_seconds_per_second", "inference"), ("energy_per_audio_hour", "training"),
    ("energy_per_audio_hour", "inference"), ("peak_memory", "training"), ("peak_memory", "inference"), ("co2e", "training"),
)  # fmt: skip
"""What a model's card shows besides the two axes, if known."""
BINS, SHOWN = 600, 24
"""Points per line, and the most runs whose power the page contains."""
COLUMNS = ("minutes", "power_w", "lowest_w", "highest_w")
DIGITS = 6
"""Significant digits; the samples themselves are in the run's power.csv.gz."""


def page_plots(evidence: Evidence, store: Store) -> dict[str, Any]:
    """Systems, axes, and the two axes shown first."""
    systems = systems_of(evidence.records, evidence.labels)
    known = [(group, axis, found) for group, axis in _grouped(systems) if (found := _found(axis, systems, store))]
    names = [axis.name for _, axis, _ in known]
    return {
        "systems": [{"model": s.model, "run": s.run, "recipe": _recipe(s.model)} for s in systems],
        "axes": [_document(*each, store) for each in known],
        "first": [names.index(name) for name in _first(systems, names)],
        "span": SPAN,
    }


Found = list[tuple[int, int, int]]
"""Indices of the system, of the quantity and of its conditions."""


def _grouped(systems: Sequence[System]) -> Iterator[tuple[str, Axis]]:
    """Each axis with its heading in the menu."""
    for axis in (*energy_axes()[:2], flops_axes()[0]):
        yield "full pretraining", axis
    for metric in RATES:
        for axis in rate_axes(systems, metric):
            yield "quality", axis
    for metric, phase, scope in dict.fromkeys(key for system in systems for key in system.rows):
        if not METRICS[metric].rate:
            yield phase or "model", metric_axis(metric, phase, scope)


def _found(axis: Axis, systems: Sequence[System], store: Store) -> Found:
    """The quantity of each system on the axis; empty if none has a value."""
    rows = [(number, row) for number, system in enumerate(systems) if (row := axis.find(system)) is not None]
    if all(row.quantity.value is None for _, row in rows):
        return []
    return [(number, store.quantity(row.quantity), store.condition(row)) for number, row in rows]


def _document(group: str, axis: Axis, found: Found, store: Store) -> dict[str, Any]:
    values = store.known([place for _, place, _ in found])
    return {
        "name": axis.name, "label": axis.label, "group": group, "high": axis.high, "card": group == "quality" or axis.name in _CARD, "at": found,
        "units": unit_choices(values, store.unit(found[0][1]), percent=axis.percent),
    }  # fmt: skip


_CARD = {metric_axis(metric, phase, scope).name for metric, phase in CARD for scope in (None, "gpu", "machine")}


def _first(systems: Sequence[System], names: Sequence[str]) -> list[str]:
    """Energy against error, as in the paper; otherwise the costs that most models have."""
    costs = (energy_axes(), flops_axes(), memory_axes())
    pairs = [(xs, error_axes(systems)) for xs in costs] + [(costs[0], costs[2]), (costs[1], costs[2])]
    plots = (best_plot(systems, xs, ys) for xs, ys in pairs)
    first = next((plot for plot in plots if plot is not None and plot.placed), None)
    return list(names[:2]) if first is None else [first.x.name, first.y.name]


def _recipe(model: str) -> str:
    """What the model's authors report about its pretraining."""
    recipe = RECIPES.get(model)
    if recipe is None or not recipe.published:
        return ""
    hours = f", {recipe.device_hours:,.0f} GPU-h" if recipe.device_hours else ""
    seen = f", {recipe.audio_hours:,.0f} h of audio seen" if recipe.audio_hours else ""
    return f"{recipe.hardware}{hours}{seen} ({recipe.source})"


def page_traces(evidence: Evidence, traces: Mapping[int, pd.DataFrame]) -> dict[str, Any]:
    """Mean, lowest and highest power in bins, for each device of the first runs with a trace."""
    shown = [(evidence.labels[number], binned_trace(trace, BINS)) for number, trace in islice(traces.items(), SHOWN)]
    return {"of": len(traces), "runs": [_run(label, binned) for label, binned in shown if not binned.empty]}


def _run(label: str, binned: pd.DataFrame) -> dict[str, Any]:
    lines = [
        {"device": str(device), "method": str(method), "samples": int(bins["samples"].sum())}
        | {name: [float(f"{value:.{DIGITS}g}") for value in bins[name]] for name in COLUMNS}
        for (device, method), bins in binned.groupby(["device", "method"], sort=True)
    ]
    return {
        "run": label, "seconds": float(binned.attrs["bin_s"]), "starts": binned.attrs["starts"], "lines": lines,
        "thinned": bool(binned["samples"].max() > 1),
    }  # fmt: skip
