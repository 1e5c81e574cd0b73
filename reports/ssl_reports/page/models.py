"""The data of a page's Pareto plot: its axes with each model's values, and what a model's card shows."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape

from ssl_benchmarks.comparing.comparability import differences
from ssl_benchmarks.record.metrics import METRICS, RATES
from ssl_benchmarks.record.quantity import METHODS, joined
from ssl_benchmarks.record.record import Measurement
from ssl_benchmarks.record.stated import recipe_of
from ssl_models.recipes import Recipe
from ssl_reports.page.choices import renamed, unit_choices
from ssl_reports.page.measurements import conditions_said
from ssl_reports.page.store import Store
from ssl_reports.page.tables import Document, head
from ssl_reports.pictures.scales import SPAN
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
from ssl_reports.tables.notes import Notes
from ssl_reports.tables.numbers import plain_number, with_commas
from ssl_reports.tables.table import Column, Shown
from ssl_reports.units import phase_word, plain

CARD = (
    ("parameters", "inference"), ("flops_per_audio_second", "training"), ("flops_per_audio_second", "inference"),
    ("audio_seconds_per_second", "training"), ("audio_seconds_per_second", "inference"), ("energy_per_audio_hour", "training"),
    ("energy_per_audio_hour", "inference"), ("peak_memory", "training"), ("peak_memory", "inference"), ("co2e", "training"),
)  # fmt: skip
"""What a model's card shows besides the two axes, if known."""
LINE = 44
"""Characters of a line of an axis's title, few enough for a phone."""


def page_models(evidence: Evidence, store: Store) -> Document:
    """The models of each run: their names, and a column for each axis that one of them has a value on.

    `first` are the two columns shown first, `groups` the columns of each heading in the menus of axes, `verdict` is the head
    of the column that says whether a model is on the frontier.
    """
    systems = systems_of(evidence.records, evidence.labels)
    words: dict[str, list[str]] = {
        "model": [system.model for system in systems],
        "run": [system.run for system in systems],
        "published recipe": [_recipe(system.model, evidence.recipes) for system in systems],
    }
    columns: list[Document] = [
        {"heads": {"": head(name)}, "cells": cells, "card": True} for name, cells in words.items()
    ]
    groups: dict[str, dict[int, str]] = {}
    for group, axis in _grouped(systems):
        if found := _found(axis, systems):
            groups.setdefault(group, {})[len(columns)] = axis.name
            columns.append(_column(group, axis, found, systems, store))
    places = {name: place for members in groups.values() for place, name in members.items()}
    return {
        "columns": columns, "groups": groups, "first": [places[name] for name in _first(systems, list(places))],
        "verdict": {"heads": {"": head("on the frontier")}},
    }  # fmt: skip


Found = dict[int, Measurement]
"""Rows, by the number of their systems."""


def _grouped(systems: Sequence[System]) -> Iterator[tuple[str, Axis]]:
    """Each axis with its heading in the menu."""
    for axis in (*energy_axes()[:2], flops_axes()[0]):
        yield "full pretraining", axis
    for metric in RATES:
        for axis in rate_axes(systems, metric):
            yield "quality", axis
    known = dict.fromkeys(key for system in systems for key in system.rows)
    for metric, phase, scope in known:
        if metric == "parameters":  # those of the encoder, which quality and cost of use belong to
            if phase == "inference" or (metric, "inference", scope) not in known:
                yield "model", metric_axis(metric, phase, scope)
        elif not METRICS[metric].rate:
            yield phase_word(phase) or "model", metric_axis(metric, phase, scope)


def _found(axis: Axis, systems: Sequence[System]) -> Found:
    """The row of each system on the axis; empty if none has a value."""
    rows = {number: row for number, system in enumerate(systems) if (row := axis.find(system)) is not None}
    return rows if any(row.quantity.value is not None for row in rows.values()) else {}


def _column(group: str, axis: Axis, found: Found, systems: Sequence[System], store: Store) -> Document:
    """The values on an axis, with those that a model's other record lends it as in `ssl_reports.reading.frontier.plot`.

    `why` says for each system why it has no value of its own, `several` which models have several values, `mixed` how conditions differ.
    """
    filled = {**found, **_lent(found, systems)}
    shown = [filled.get(number) for number in range(len(systems))]
    values = [row.quantity.value for row in found.values() if row.quantity.value is not None]
    units, positive = unit_choices(values, _unit(found), percent=axis.percent), min(values) > 0
    mixed = [each.condition.replace("_", " ") for each in differences(found.values()) if each.condition != "method"]
    return {
        "high": axis.high, "better": "higher" if axis.high else "lower", "card": group == "quality" or axis.name in _CARD,
        "scale": {"checked": positive and max(values) > SPAN * min(values), "disabled": not positive},
        "heads": {choice: (renamed(axis.name, choice), unit, factor, _title(axis, choice, unit)) for choice, (factor, unit) in units.items()},
        "cells": [None if row is None else store.quantity(row.quantity) for row in shown],
        "signs": [_signs(row) for row in shown],
        "texts": {choice: [_text(row, factor) for row in shown] for choice, (factor, _) in units.items()},
        "above": [_reach(row, 1) for row in shown], "below": [_reach(row, 0) for row in shown],
        "bars": "Bars are 95 % intervals. " if any(row and row.quantity.ci95 for row in shown) else "",
        "methods": [0 if row is None else METHODS.index(row.quantity.method) for row in shown],
        "elsewhere": [number for number, row in found.items() if row.quantity.elsewhere],
        "why": {number: _reason(found.get(number), axis) for number in range(len(systems)) if not _valued(found.get(number))},
        "several": _several(found, systems), "conditions": [None if row is None else conditions_said(row.conditions) for row in shown],
        "mixed": f"Numbers on the x axis were measured under different conditions ({', '.join(mixed)})." if mixed else "",
    }  # fmt: skip


def _unit(found: Found) -> str:
    return next(iter(found.values())).quantity.unit


def _text(row: Measurement | None, factor: float) -> str | None:
    return None if row is None else with_commas(plain_number(row.quantity, factor))


def _signs(row: Measurement | None) -> str:
    """The signs of its method and its flaws, as in the paper's tables."""
    return Notes().marks(Shown(row.quantity, Column(""))) if row is not None and _valued(row) else ""


def _reach(row: Measurement | None, end: int) -> float:
    """The length of an interval below (0) or above (1) its value, as a plot shows it; 0 without an interval."""
    if row is None or row.quantity.value is None or row.quantity.ci95 is None:
        return 0.0
    return float(f"{abs(row.quantity.ci95[end] - row.quantity.value):.3g}")


def _valued(row: Measurement | None) -> bool:
    return row is not None and row.quantity.value is not None


def _reason(row: Measurement | None, axis: Axis) -> str:
    return f"no {axis.name}" if row is None else row.quantity.note


def _lent(found: Found, systems: Sequence[System]) -> Found:
    """For each system without a value the row of its model's other system, if only one other has a value."""
    known: dict[str, list[int]] = {}
    for number, row in found.items():
        if _valued(row):
            known.setdefault(systems[number].model, []).append(number)
    lent = {
        number: known[system.model][0]
        for number, system in enumerate(systems)
        if not _valued(found.get(number)) and len(known.get(system.model, [])) == 1
    }
    return {number: _borrowed(found[other], systems[other].run) for number, other in lent.items()}


def _borrowed(row: Measurement, run: str) -> Measurement:
    note = joined(row.quantity.note, f"from run {run}")
    return replace(row, quantity=replace(row.quantity, note=note))


def _several(found: Found, systems: Sequence[System]) -> list[str]:
    """The models with several values, whose points are called by their runs too."""
    count = Counter(systems[number].model for number, row in found.items() if _valued(row))
    return [model for model, values in count.items() if values > 1]


def _title(axis: Axis, choice: str, unit: str) -> str:
    """The title of the axis for plotly, which takes markup and wraps no lines."""
    shown = unit.removesuffix(" per audio h") if "per audio hour" in axis.label else unit
    text = renamed(axis.label, choice) + (f" ({shown})" if shown else "")
    return "<br>".join(escape(line, quote=False) for line in textwrap.wrap(text, LINE))


_CARD = {metric_axis(metric, phase, scope).name for metric, phase in CARD for scope in (None, "gpu", "machine")}


def _first(systems: Sequence[System], names: Sequence[str]) -> list[str]:
    """Energy against error, as in the paper; otherwise the costs that most models have."""
    costs = (energy_axes(), flops_axes(), memory_axes())
    pairs = [(xs, error_axes(systems)) for xs in costs] + [(costs[0], costs[2]), (costs[1], costs[2])]
    plots = (best_plot(systems, xs, ys) for xs, ys in pairs)
    first = next((plot for plot in plots if plot is not None and plot.placed), None)
    return list(names[:2]) if first is None else [first.x.name, first.y.name]


def _recipe(model: str, stated: Mapping[str, Recipe]) -> str:
    """What the model's authors, or the user, report about its pretraining."""
    recipe = recipe_of(model, stated)
    if recipe is None or recipe.origin == "ours":
        return ""
    hours = f", {plain(recipe.device_hours)} GPU-h" if recipe.device_hours else ""
    seen = f", {plain(recipe.audio_hours)} h of audio seen" if recipe.audio_hours else ""
    return f"{recipe.hardware}{hours}{seen} ({recipe.cited})"
