"""A comparison's tables: models side by side, whole pretrainings, the cost of a life, and when a model has paid back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ssl_benchmarks.comparing.comparability import Marks
from ssl_benchmarks.comparing.rounds import relative_half_width
from ssl_benchmarks.comparing.side_by_side import COMPARED, ENERGY, FLOPS, MEMORY, SPEED
from ssl_benchmarks.record.flaws import flawed
from ssl_benchmarks.record.quantity import Quantity, quantity_of
from ssl_benchmarks.record.record import Measurement, Record
from ssl_reports.flaw_marks import foot, signed
from ssl_reports.tables.grid import Grid
from ssl_reports.units import duration, plain, shown, with_prefix

NAMES = {FLOPS: "FLOP per audio s", SPEED: "x real time", ENERGY: "J per audio hour", MEMORY: "peak memory"}
LIFE_UNITS = {"J": "kWh", "FLOP": "FLOP"}


def phase_grid(record: Record, phase: str) -> Grid:
    """One row for each model: the figure with its half-width, below it the ratio to the baseline; letters mark what differs."""
    details, marks = record.details, Marks()
    ratios = {(r["model"], r["metric"]): quantity_of(r["ratio"]) for r in details["ratios"] if r["phase"] == phase}
    rows = []
    for model in details["models"]:
        size = record.find("parameters", "inference", None, model)
        cells = [
            _cell(
                _row(record, model, phase, metric),
                _row(record, details["baseline"], phase, metric),
                ratios.get((model, metric)),
                marks,
            )
            for metric in COMPARED
        ]
        rows.append((model, "" if size is None or size.value is None else with_prefix(size.value, ""), *cells))
    names = [f"{NAMES[metric]}{_method(record, phase, metric)}" for metric in COMPARED]
    reasons = [f"{cell}: {reason}" for cell, reason in details.get("failed", {}).items() if cell.endswith(f" {phase}")]
    alone = ["one round: how rounds scatter is in no interval"] if len(details["rounds"]) == 1 else []
    numbers = [m.quantity for m in record.measurements if m.phase == phase and m.metric in COMPARED]
    said = [*marks.legend, *foot([*numbers, *ratios.values()]), *reasons, *alone]
    return Grid(("model", "parameters", *names), rows, said)


def _row(record: Record, model: str, phase: str, metric: str) -> Measurement | None:
    wanted = (model, phase, metric, record.details["scope"] if metric == ENERGY else None)
    return next((m for m in record.measurements if (m.model, m.phase, m.metric, m.scope) == wanted), None)


def _cell(row: Measurement | None, baseline: Measurement | None, ratio: Quantity | None, marks: Marks) -> str:
    if row is None:
        return ""
    letters = marks.of(row, baseline)
    text = figure(row.quantity) + (f" ({letters})" if letters else "")
    if ratio is None or ratio.value is None:
        return text
    sides = (row.quantity.flaw, baseline.quantity.flaw if baseline is not None else "")
    return f"{text}\n{times(flawed(ratio, *sides))}"


def figure(quantity: Quantity) -> str:
    """Such as 6,316 ± 0.4 %."""
    if quantity.value is None:
        return "not available"
    text = plain(quantity.value) if quantity.unit in {"s/s", "J/h"} else " ".join(shown(quantity)).removesuffix("/s")
    half = relative_half_width(quantity)
    return signed(text if half is None else f"{text} ± {plain(100 * half, 2)} %", quantity)


def times(ratio: Quantity) -> str:
    """Such as 1.24x [1.22, 1.26]."""
    value = f"{plain(ratio.value or 0.0)}x"
    ends = "" if ratio.ci95 is None else f" [{plain(ratio.ci95[0])}, {plain(ratio.ci95[1])}]"
    return signed(f"{value}{ends}", ratio)


def _method(record: Record, phase: str, metric: str) -> str:
    """Whose joules, and come by how, for a header."""
    if metric != ENERGY:
        return ""
    rows = (_row(record, model, phase, metric) for model in record.details["models"])
    methods = sorted({row.quantity.method for row in rows if row is not None and row.quantity.value is not None})
    return f" ({', '.join([record.details['scope'], *methods])})"


def projection_grid(record: Record) -> Grid:
    """Each recipe and the paper's hours at the measured rate, beside what others publish of their own GPUs; empty without training."""
    priced = record.details["price_per_gpu_hour"] is not None
    header = ("model", "audio hours seen", "device-hours", "kWh", "CO2e", *(("price units",) if priced else ()))
    published = {m.model: m.quantity for m in record.measurements if _is_published_time(m)}
    rows, legend = [], []
    for found in record.details["projections"]:
        work, model = found["work"], found["model"]
        quantities = [quantity_of(found[name]) for name in ("device_hours", "energy", "co2e")]
        quantities += [quantity_of(found["price"])] if priced else []
        hours = "" if work["hours"] is None else f"{work['hours']:,.0f} ({work['name']})"
        others = (
            (_value(published[model]) if model in published and work["name"] == "recipe" else "",) if published else ()
        )
        rows.append((model, hours, *map(with_interval, quantities), *others))
        if quantities[0].value is None:
            legend.append(f"{model}: {quantities[0].note}")
    names = ("device_hours", "energy", "co2e")
    legend += foot(quantity_of(found[name]) for found in record.details["projections"] for name in names)
    legend += [f"published, {model}: {quantity.note}" for model, quantity in published.items()]
    return Grid(
        (*header, *(("published GPU-hours, other chips",) if published else ())), rows, list(dict.fromkeys(legend))
    )


def _is_published_time(row: Measurement) -> bool:
    return row.metric == "device_hours" and row.quantity.method == "published"


def with_interval(quantity: Quantity) -> str:
    """A projected figure and its 95 % interval: joules as kWh, hours and prices plain."""
    if quantity.value is None:
        return "not available"
    ends = (
        "" if quantity.ci95 is None else f" [{_bare(quantity, quantity.ci95[0])}, {_bare(quantity, quantity.ci95[1])}]"
    )
    return signed(f"{_bare(quantity, quantity.value)}{ends}", quantity)


def _value(quantity: Quantity) -> str:
    return "not available" if quantity.value is None else signed(_bare(quantity, quantity.value), quantity)


def _bare(quantity: Quantity, value: float) -> str:
    match quantity.unit:
        case "J":
            return plain(value / 3.6e6)
        case "FLOP" | "g":
            return with_prefix(value, quantity.unit)
        case _:
            return plain(value)


def ledger_grid(record: Record, unit: str) -> Grid:
    """Parts of a life and their sum, one row for each model; empty where one of the phases was not measured."""
    ledger = record.details["ledger"]
    life, name = ledger["life"], LIFE_UNITS[unit]
    costs = [cost for cost in ledger["costs"] if cost["total"]["unit"] == unit]
    taught = ("teacher",) if any(cost["teacher"] is not None for cost in costs) else ()
    header = (
        "model", *(f"its teacher, {name}" for _ in taught), f"pretraining, {name}", f"{life['finetunings']} x {life['finetuning_hours']:,.0f} h of fine-tuning",
        f"{life['inference_hours']:,.0f} h of inference", f"in all, {name}",
    )  # fmt: skip
    parts = (*taught, "pretraining", "finetuning", "inference", "total")
    rows = [(cost["model"], *(_part(cost[part]) for part in parts)) for cost in costs]
    legend = [f"{cost['model']}: {cost['total']['note']}" for cost in costs if cost["total"]["value"] is None]
    legend += foot(quantity_of(cost[part]) for cost in costs for part in parts if cost[part] is not None)
    return Grid(header, rows, legend)


def _part(document: Mapping[str, Any] | None) -> str:
    """A part of a life; a model without a teacher has nothing there."""
    return "" if document is None else with_interval(quantity_of(document))


def break_even_lines(record: Record, unit: str) -> list[str]:
    """A line for the baseline with each other model."""
    lines = []
    for found in record.details["ledger"]["break_evens"]:
        if found["unit"] != unit:
            continue
        hours, pair = quantity_of(found["hours"]), " and ".join(found["models"])
        if hours.value is None:
            lines.append(f"{pair}: {hours.note}")
            continue
        note = f" ({hours.note})" if hours.note else ""
        lines.append(f"{pair}: {found['dearer']} has paid back after {with_interval(hours)} h of inference{note}")
    return lines


def reached_line(record: Record) -> str:
    """How far the rounds went, in one sentence; empty where finished runs were compared."""
    target, found = record.details.get("target"), record.details.get("reached", [])
    if target is None:
        return ""
    rounds = len(record.details["rounds"])
    widest = {
        kind: max((each for each in found if each[kind] is not None), key=lambda each: each[kind], default=None)
        for kind in ("time", "energy")
    }
    told = [
        f"{kind} to {plain(100 * each[kind], 2)} % ({each['model']}, {each['phase']})"
        for kind, each in widest.items()
        if each is not None
    ]
    known = f"; the least well known: {', '.join(told)}" if told else ""
    state = "was reached" if target["met"] else "was not reached"
    aim = f"target of {100 * target['precision']:g} % {state} in {rounds} round{'s' * (rounds != 1)}"
    return f"{aim}{f' ({ended})' if (ended := target['ended']) else ''}{known}"


def seconds_spent(record: Record) -> str:
    """Of all cells."""
    return duration(sum(cell["seconds"] for entry in record.details["rounds"] for cell in entry["cells"]))
