"""What stands below an efficiency table: the conditions that its numbers share, and what its columns mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement
from ssl_benchmarks.record.stated import recipe_of
from ssl_reports.efficiency.columns import EfficiencyColumn
from ssl_reports.efficiency.layout import Layout
from ssl_reports.efficiency.pretraining import Account
from ssl_reports.paper.display import display
from ssl_reports.paper.prose import enumeration
from ssl_reports.paper.protocol import TASKS
from ssl_reports.reading.conditions import batch_words, device_words, evaluated_on, learned_from
from ssl_reports.reading.evidence import Evidence
from ssl_reports.reading.repricing import grid_of, grid_words
from ssl_reports.tables.grid import grouped
from ssl_reports.words import RATES

Filled = Mapping[str, Mapping[str, Measurement]]
"""By column, the row that fills each model's cell."""
PRETRAINING = ("gpu-hours", "energy", "co2e", "price")
"""Columns that account for a whole pretraining."""

HELD = {
    "torch's CUDA allocator": "the most that torch's allocator held on the GPU",
    "peak resident set": "the growth of the process's resident memory from before the model was built",
}
"""What a peak is of, by a part of its note."""


def counted(found: Mapping[str, Measurement]) -> bool:
    """Whether every number of a column was counted."""
    return {quantity.method for quantity in _known(found)} == {"analytic"}


def notes(
    filled: Filled, columns: Mapping[str, EfficiencyColumn], account: Account, layout: Layout, evidence: Evidence
) -> list[str]:
    """The lines, without those that explain signs."""
    return [
        *_counts(filled, columns),
        *_pretraining(filled, account, layout),
        *_stated_recipes(filled, account, layout, evidence),
        *_price(filled, layout),
        *_measured(filled),
        *_carbon(filled, evidence),
        *_rated(filled, columns, layout),
        *_emphasis(layout),
    ]


def _known(found: Mapping[str, Measurement]) -> list[Quantity]:
    return [row.quantity for row in found.values() if row.quantity.value is not None]


def _counts(filled: Filled, columns: Mapping[str, EfficiencyColumn]) -> Iterator[str]:
    heads = [
        columns[key].name.removeprefix("{phase} ") for key, rows in filled.items() if counted(rows) and key != "disk"
    ]
    if heads:
        yield f"{enumeration(heads)}: counted, not measured; 1 MAC = 2 FLOPs."
    if "disk" in filled:
        yield "Weights: parameters in float32, counted."


def _pretraining(filled: Filled, account: Account, layout: Layout) -> Iterator[str]:
    keys = [key for key in PRETRAINING if key in filled]
    if keys and account == "spent":
        yield f"Pretraining: what these runs spent, target fitting included{_cost_seeds(filled)}."
    elif keys and layout.hours is not None:
        yield f"Pretraining: the measured rate, projected to {layout.hours:,.0f} h of audio."
    elif keys:
        yield f"Pretraining: the measured rate, projected to each model's own recipe{_recipes(filled, keys, layout)}."


def _cost_seeds(filled: Filled) -> str:
    """Over how many seeds the costs are means, as their notes name them."""
    rows = [row for key in PRETRAINING for row in filled.get(key, {}).values() if _of_a_run(row)]
    counts = {len(set(re.findall(r"\(seed (\d+)\)", row.quantity.note))) for row in rows} - {0}
    return f", mean of {counts.pop()} seeds" if len(counts) == 1 else ", means over seeds" if counts else ""


def _recipes(filled: Filled, keys: Sequence[str], layout: Layout) -> str:
    """The hours of audio of each recipe, as the notes of projections have them."""
    rows = (pair for key in keys for pair in filled[key].items())
    known = (
        (found[1], display(model, layout.names).shown)
        for model, row in rows
        if (found := re.match(r"([\d,]+ h) of audio ", row.quantity.note))
    )
    said = [f"{hours} for {enumeration(dict.fromkeys(models))}" for hours, models in grouped(known).items()]
    return f" ({'; '.join(said)})" if said else ""


def _price(filled: Filled, layout: Layout) -> Iterator[str]:
    if "price" in filled and layout.price_per_hour is not None:
        yield f"Price: {layout.price_per_hour:g} per device-hour, in the currency of --price-per-gpu-hour."


def _stated_recipes(filled: Filled, account: Account, layout: Layout, evidence: Evidence) -> Iterator[str]:
    """The stated recipes to which numbers were projected, each with its source."""
    projected = {
        model: recipe_of(model, evidence.recipes)
        for key in PRETRAINING
        for model, row in filled.get(key, {}).items()
        if row.quantity.method == "projected" and account == "projected" and layout.hours is None
    }
    for model, recipe in projected.items():
        if recipe is not None and recipe.origin == "stated":
            name = display(model, layout.names).shown
            yield f"Recipe of {name}, stated by you: {recipe.audio_hours:,.0f} h of audio seen ({recipe.source})."


def _measured(filled: Filled) -> Iterator[str]:
    for key, name in (("rtf", "Speed"), ("memory", "Peak memory"), ("latency", "Latency")):
        if key in filled and (said := _shared(filled[key].values())):
            yield f"{name}: {said}."
            break
    held = [said for sign, said in HELD.items() if any(sign in each.note for each in _known(filled.get("memory", {})))]
    if held:
        yield f"Peak memory is {', or '.join(held)}."
    if "latency" in filled:
        yield "Latency: the median for a whole batch."


def _carbon(filled: Filled, evidence: Evidence) -> Iterator[str]:
    """The grids behind CO2e, by their countries."""
    grids = {grid.label: grid_words(grid) for grid in map(grid_of, evidence.records) if grid is not None}
    rows = [row for row in filled.get("co2e", {}).values() if _of_a_run(row)]
    labels = {row.conditions.grid for row in rows}
    if labels and None not in labels:
        pues = {row.conditions.pue for row in rows}
        pue = f", power usage effectiveness (PUE) {pues.pop():g}" if len(pues) == 1 and None not in pues else ""
        yield f"CO2e: grid intensity of {enumeration(sorted(grids.get(label or '', label or '') for label in labels))}{pue}."


def _of_a_run(row: Measurement) -> bool:
    return row.quantity.value is not None and not row.quantity.elsewhere


def _rated(filled: Filled, columns: Mapping[str, EfficiencyColumn], layout: Layout) -> Iterator[str]:
    """What each error rate was learned from and evaluated on, and over how many seeds."""
    rated = [
        (_tested(filled[key], columns[key].name, layout), _spelled_out(columns[key]))
        for key in filled
        if columns[key].phase == "rated" and _known(filled[key])
    ]
    yield from (f"{'; '.join(names)}: {said}." for said, names in grouped(rated).items() if said)


def _spelled_out(column: EfficiencyColumn) -> str:
    """The name of an error rate, with the words for its abbreviation: "PER (phone error rate), test-clean"."""
    rate, comma, test = column.name.partition(",")
    return f"{rate} ({RATES[column.metric]}){comma}{test}" if rate.isupper() and column.metric in RATES else column.name


def _tested(rows: Mapping[str, Measurement], head: str, layout: Layout) -> str:
    """What was learned, with which head, from how much labelled speech, and what it was evaluated on, as far as the head does not say."""
    known = [row for row in rows.values() if row.quantity.value is not None]
    c = known[0].conditions
    said = [TASKS.get(c.task or "", c.task or ""), f"{c.head} head" if c.head else ""]
    said += [_common(f"trained on {learned}" if (learned := learned_from(row)) else "" for row in known)]
    tests = [test for row in known if (test := evaluated_on(row)) and not head.endswith(f", {test}")]
    said += [_common(f"evaluated on {test}" for test in tests)]
    return ", ".join(filter(None, [*said, _seeds(known, layout)]))


def _common(words: Iterable[str]) -> str:
    """What rows share; for rows that differ, such as some from publications, each once."""
    return " or ".join(dict.fromkeys(filter(None, words)))


def _seeds(rows: Sequence[Measurement], layout: Layout) -> str:
    """Over how many seeds error rates are means, as their notes say; which ones, where not all are."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for part in row.quantity.note.split("; "):
            if part.startswith("mean of "):
                found.setdefault(part.split(":")[0], []).append(display(row.model, layout.names).shown)
    if len(found) == 1 and len(next(iter(found.values()))) == len(rows):
        return next(iter(found))
    return ", ".join(f"{said} for {enumeration(models)}" for said, models in found.items())


def _emphasis(layout: Layout) -> Iterator[str]:
    if layout.baseline is not None:
        yield f"In brackets: ratios to {display(layout.baseline, layout.names).shown}."


def _shared(rows: Iterable[Measurement]) -> str:
    """Device, precision and batch of the rows, as far as all of them share these."""
    held = [row.conditions for row in rows if _of_a_run(row)]
    parts: list[str] = []
    for said in (device_words, lambda c: c.dtype or "", batch_words):
        values = {said(c) for c in held}
        parts += filter(None, values) if len(values) == 1 else []
    return ", ".join(parts)
