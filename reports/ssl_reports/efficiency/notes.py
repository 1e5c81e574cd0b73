"""What stands below an efficiency table: the conditions that its figures share, and what its columns mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_benchmarks.record.stated import recipe_of
from ssl_models.recipes import Recipe
from ssl_reports.efficiency.columns import COLUMNS, EfficiencyColumn
from ssl_reports.efficiency.layout import Layout
from ssl_reports.efficiency.pretraining import Account
from ssl_reports.paper.protocol import TASKS
from ssl_reports.tables.grid import grouped

Filled = Mapping[str, Mapping[str, Measurement]]
"""By column, the row that fills each model's cell."""
PRETRAINING = {"gpu-hours", "energy", "co2e", "price"}
"""Columns that account for a whole pretraining."""
Test = tuple[str | None, str | None, str | None, str | None]


def test_of(c: Conditions) -> Test:
    """Task, head, labels and speech of an error rate."""
    return c.task, c.head, c.labels, c.tested_on


def counted(found: Mapping[str, Measurement]) -> bool:
    """Whether every figure of a column was counted."""
    return {quantity.method for quantity in _known(found)} == {"analytic"}


def notes(
    filled: Filled,
    columns: Mapping[str, EfficiencyColumn],
    account: Account,
    layout: Layout,
    recipes: Mapping[str, Recipe],
) -> list[str]:
    """The lines, without those that explain signs."""
    return [
        *_counts(filled, columns),
        *_pretraining(filled, account, layout),
        *_recipes(filled, account, layout, recipes),
        *_measured(filled),
        *_rated(filled, layout),
        *_ratios(layout),
    ]


def _known(found: Mapping[str, Measurement]) -> list[Quantity]:
    return [row.quantity for row in found.values() if row.quantity.value is not None]


def _counts(filled: Filled, columns: Mapping[str, EfficiencyColumn]) -> Iterator[str]:
    heads = [
        columns[key].head.removeprefix("{phase} ") for key, rows in filled.items() if counted(rows) and key != "disk"
    ]
    if heads:
        yield f"{' and '.join(heads)}: counted, not measured; 1 MAC = 2 FLOPs."
    if "disk" in filled:
        yield "Weights: parameters in float32, counted."


def _pretraining(filled: Filled, account: Account, layout: Layout) -> Iterator[str]:
    if PRETRAINING & set(filled):
        hours = "each model's own recipe" if layout.hours is None else f"{layout.hours:,.0f} h of audio"
        yield (
            "Pretraining: what these runs spent, target fitting included." if account == "spent"
            else f"Pretraining: the measured rate, projected to {hours}."
        )  # fmt: skip
    if "price" in filled and layout.price_per_hour is not None:
        yield f"Price: device-hours at {layout.price_per_hour:g} per hour."


def _recipes(filled: Filled, account: Account, layout: Layout, recipes: Mapping[str, Recipe]) -> Iterator[str]:
    """The stated recipes to which figures were projected, each with its source."""
    projected = {
        model: recipe_of(model, recipes)
        for key in PRETRAINING & set(filled)
        for model, row in filled[key].items()
        if row.quantity.method == "projected" and account == "projected" and layout.hours is None
    }
    for model, recipe in projected.items():
        if recipe is not None and recipe.origin == "stated":
            name = layout.names.get(model, model)
            yield f"Recipe of {name}, stated by you: {recipe.audio_hours:,.0f} h of audio seen ({recipe.source})."


def _measured(filled: Filled) -> Iterator[str]:
    for key, name in (("rtf", "Speed"), ("memory", "Peak memory"), ("latency", "Latency")):
        if key in filled and (said := _shared(filled[key].values())):
            yield f"{name}: {said}."
            break
    grids = {row.conditions.grid for row in filled.get("co2e", {}).values() if _of_a_run(row)}
    if grids and None not in grids:
        pues = {row.conditions.pue for row in filled["co2e"].values() if _of_a_run(row)}
        pue = f", PUE {pues.pop():g}" if len(pues) == 1 and None not in pues else ""
        yield f"CO2e: {'; '.join(sorted(filter(None, grids)))}{pue}."


def _of_a_run(row: Measurement) -> bool:
    return row.quantity.value is not None and not row.quantity.elsewhere


def _rated(filled: Filled, layout: Layout) -> Iterator[str]:
    """What each error rate was evaluated on, and over how many seeds."""
    rated = [
        (_tested(filled[key], layout), key.upper())
        for key in filled
        if key in COLUMNS and COLUMNS[key].phase == "rated"
    ]
    yield from (f"{', '.join(keys)}: {said}." for said, keys in grouped(rated).items() if said)


def _tested(rows: Mapping[str, Measurement], layout: Layout) -> str:
    """What was learned, with which head, from how much labelled speech, and what it was rated on."""
    known = [row for row in rows.values() if row.quantity.value is not None]
    tests = {test_of(row.conditions) for row in known}
    if len(tests) != 1:
        return ""
    task, head, labels, tested_on = tests.pop()
    said = [
        TASKS.get(task or "", task),
        head and f"{head} head",
        labels and f"{_spaced(labels)} of labels",
        tested_on and f"evaluated on {tested_on}",
    ]
    return ", ".join(part for part in [*said, _seeds(known, layout)] if part)


def _seeds(rows: Sequence[Measurement], layout: Layout) -> str:
    """Over how many seeds error rates are means, as their notes say; which ones, where not all are."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for part in row.quantity.note.split("; "):
            if part.startswith("mean of "):
                found.setdefault(part.split(":")[0], []).append(layout.names.get(row.model, row.model))
    if len(found) == 1 and len(next(iter(found.values()))) == len(rows):
        return next(iter(found))
    return ", ".join(f"{said} for {' and '.join(models)}" for said, models in found.items())


def _spaced(labels: str) -> str:
    """An amount of labels with its unit apart: "1 h"."""
    return re.sub(r"(?<=\d)(?=h$|min$)", " ", labels)


def _device(name: str | None) -> str | None:
    """A processor with its cores in words: records name it "PROCESSOR x CORES"."""
    return None if name is None else re.sub(r" x (\d+)$", r", \1 cores", name)


def _ratios(layout: Layout) -> Iterator[str]:
    if layout.baseline is not None:
        yield f"In brackets: ratios to {layout.names.get(layout.baseline, layout.baseline)}."


def _shared(rows: Iterable[Measurement]) -> str:
    """Device, precision and batch of the rows, as far as all of them share these."""
    held = [row.conditions for row in rows if _of_a_run(row)]
    parts = []
    for said in (
        lambda c: _device(c.device),
        lambda c: c.dtype,
        lambda c: (
            f"batches of {c.batch_seconds / c.clip_seconds:.3g} x {c.clip_seconds:g} s"
            if c.clip_seconds and c.batch_seconds
            else None
        ),
    ):
        values = {said(c) for c in held}
        parts += [value for value in values if value] if len(values) == 1 else []
    return ", ".join(parts)
