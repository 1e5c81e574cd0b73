"""A comparison's tables: models side by side, projected pretrainings, life-cycle cost and break-even."""

from __future__ import annotations

from operator import itemgetter

from ssl_benchmarks.comparing.comparability import Marks
from ssl_benchmarks.comparing.side_by_side import COMPARED, ENERGY, FLOPS, MEMORY, SPEED
from ssl_benchmarks.record.details.comparison import ComparisonDetails
from ssl_benchmarks.record.details.life import LifeCost
from ssl_benchmarks.record.flaws import flawed
from ssl_benchmarks.record.quantity import Quantity, flaws, unavailable
from ssl_benchmarks.record.record import Measurement, Record
from ssl_reports.flaw_marks import foot, signed
from ssl_reports.paper.protocol import why_ended
from ssl_reports.reading.cells import interval
from ssl_reports.tables.grid import Grid
from ssl_reports.tables.numbers import plain_number, with_commas
from ssl_reports.units import duration, plain, prefix_of, shown, with_prefix

NAMES = {FLOPS: "FLOP per audio s", SPEED: "× real time", ENERGY: "J per audio hour", MEMORY: "peak memory"}
LIFE_UNITS = {"J": "kWh", "FLOP": "FLOP"}


def phase_grid(record: Record, phase: str) -> Grid:
    """One row per model: figures with half-widths, below them ratios to the baseline; letters mark differences."""
    details, marks = record.told(ComparisonDetails), Marks()
    ratios = {(r.model, r.metric): r.ratio for r in details.ratios if r.phase == phase}
    rows = []
    for model in details.models:
        size = record.find("parameters", "inference", None, model)
        cells = [
            _cell(
                _row(record, model, phase, metric),
                _row(record, details.baseline, phase, metric),
                ratios.get((model, metric)),
                marks,
            )
            for metric in COMPARED
        ]
        rows.append((model, "" if size is None or size.value is None else with_prefix(size.value, ""), *cells))
    names = [f"{NAMES[metric]}{_method(record, phase, metric)}" for metric in COMPARED]
    reasons = [f"{cell}: {reason}" for cell, reason in details.failed.items() if cell.endswith(f" {phase}")]
    alone = ["one round only: intervals exclude between-round variance"] if len(details.rounds) == 1 else []
    numbers = [m.quantity for m in record.measurements if m.phase == phase and m.metric in COMPARED]
    said = [*marks.legend, *foot([*numbers, *ratios.values()]), *reasons, *alone]
    return Grid(("model", "parameters", *names), rows, said)


def _row(record: Record, model: str, phase: str, metric: str) -> Measurement | None:
    wanted = (model, phase, metric, record.told(ComparisonDetails).scope if metric == ENERGY else None)
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
    """A value with its interval, such as 6,316 ± 25 or 3.59 [1.65, 7.85]."""
    if quantity.value is None:
        return "not available"
    if quantity.unit in {"s/s", "J/h"}:
        return signed(with_commas(plain_number(quantity)), quantity)
    text = f"{' '.join(shown(quantity)).removesuffix('/s')} {interval(quantity)}".rstrip()
    return signed(text, quantity)


def times(ratio: Quantity) -> str:
    """A ratio with its interval, such as 1.24x [1.22, 1.26]."""
    value = f"{plain(ratio.value or 0.0)}×"
    ends = "" if ratio.ci95 is None else f" [{plain(ratio.ci95[0])}, {plain(ratio.ci95[1])}]"
    return signed(f"{value}{ends}", ratio)


def _method(record: Record, phase: str, metric: str) -> str:
    """Scope and method of the joules, for a header."""
    if metric != ENERGY:
        return ""
    details = record.told(ComparisonDetails)
    rows = (_row(record, model, phase, metric) for model in details.models)
    methods = sorted({row.quantity.method for row in rows if row is not None and row.quantity.value is not None})
    return f" ({', '.join([details.scope, *methods])})"


def projection_grid(record: Record) -> Grid:
    """Recipes and the paper's hours projected at the measured rate, and published GPU-hours; empty without training."""
    details = record.told(ComparisonDetails)
    priced = details.price_per_gpu_hour is not None
    header = ("model", "audio hours seen", "device-hours", "kWh", "CO2e", *(("price units",) if priced else ()))
    published = {m.model: m.quantity for m in record.measurements if _is_published_time(m)}
    rows, legend, shown_numbers = [], [], []
    for found in details.projections:
        work, model = found.work, found.model
        quantities = [found.device_hours, found.energy, found.co2e]
        quantities += [found.price or unavailable("1", "no price was given")] if priced else []
        quantities = [flawed(each, _flaw(record, model, "training")) for each in quantities]
        shown_numbers += quantities
        stated = work.name == "recipe" and model in details.recipes
        hours = "" if work.hours is None else f"{work.amount} ({'stated' if stated else work.name})"
        others = (
            (with_interval(published[model]) if model in published and work.name == "recipe" else "",)
            if published
            else ()
        )
        rows.append((model, hours, *map(with_interval, quantities), *others))
        if found.device_hours.value is None:
            legend.append(f"{model}: {found.device_hours.note}")
        elif stated:
            legend.append(f"{model}: its hours are {work.source}")
    legend += foot(shown_numbers)
    legend += [f"published, {model}: {quantity.note}" for model, quantity in published.items()]
    return Grid(
        (*header, *(("published GPU-hours, other chips",) if published else ())), rows, list(dict.fromkeys(legend))
    )


def _flaw(record: Record, model: str, phase: str) -> str:
    """The flaws of a model's step, which older records do not repeat in what follows from it."""
    return flaws(row.quantity for row in record.measurements if (row.model, row.phase) == (model, phase))


def _is_published_time(row: Measurement) -> bool:
    return row.metric == "device_hours" and row.quantity.method == "published"


def with_interval(quantity: Quantity) -> str:
    """A projected number and its 95 % interval: joules as kWh, hours and prices plain."""
    if quantity.value is None:
        return "not available"
    factor, unit = (1 / 3.6e6, "") if quantity.unit == "J" else (1.0, "")
    if quantity.unit in {"FLOP", "g"}:
        size, prefix = prefix_of(abs(quantity.value), quantity.unit)
        factor, unit = 1 / size, f" {prefix}{quantity.unit}"
    return signed(with_commas(plain_number(quantity, factor)) + unit, quantity)


def ledger_grid(record: Record, unit: str) -> Grid:
    """The parts of the life-cycle cost and their total, one row per model; empty if a phase was not measured."""
    ledger, name = record.told(ComparisonDetails).ledger, LIFE_UNITS[unit]
    if ledger is None:
        return Grid((), [], [])
    life, costs = ledger.life, [cost for cost in ledger.costs if cost.total.unit == unit]
    taught = any(cost.teacher is not None for cost in costs)
    header = (
        "model", *([f"teacher, {name}"] * taught), f"pretraining, {name}", f"{life.finetunings} × {life.finetuning_hours:,.0f} h of fine-tuning",
        f"{life.inference_hours:,.0f} h of inference", f"total, {name}",
    )  # fmt: skip
    parts = [[*([cost.teacher] * taught), *_parts(record, cost)] for cost in costs]
    # The cell of a model without a teacher is empty.
    shown_parts = [["" if part is None else with_interval(part) for part in each] for each in parts]
    rows = [(cost.model, *each) for cost, each in zip(costs, shown_parts, strict=True)]
    legend = [f"{cost.model}: {cost.total.note}" for cost in costs if cost.total.value is None]
    return Grid(header, rows, legend + foot(part for each in parts for part in each if part is not None))


def _parts(record: Record, cost: LifeCost) -> list[Quantity]:
    """Pretraining, fine-tuning, inference and their sum; energy has the flaws of the steps it was measured on."""
    known = [cost.pretraining, cost.finetuning, cost.inference, cost.total]
    if cost.total.unit != "J":
        return known
    step, use = (_flaw(record, cost.model, phase) for phase in ("training", "inference"))
    projected = cost.pretraining.method == "projected"
    found = (step if projected else "", step, use, "; ".join(filter(None, (step, use))))
    return [flawed(part, *said.split("; ")) for part, said in zip(known, found, strict=True)]


def break_even_lines(record: Record, unit: str) -> list[str]:
    """A line for each other model and the baseline."""
    lines = []
    ledger = record.told(ComparisonDetails).ledger
    for found in ledger.break_evens if ledger is not None else ():
        if found.unit != unit:
            continue
        hours, pair = found.hours, " and ".join(found.models)
        if hours.value is None:
            lines.append(f"{pair}: {hours.note}")
            continue
        note = f" ({hours.note})" if hours.note else ""
        steps = (_flaw(record, model, phase) for model in found.models for phase in ("training", "inference"))
        hours = flawed(hours, *steps) if unit == "J" else hours
        lines.append(f"{pair}: {found.dearer} breaks even after {with_interval(hours)} h of inference{note}")
    return lines


def reached_line(record: Record) -> str:
    """How precise the rounds became, in one sentence; empty if finished runs were compared."""
    details = record.told(ComparisonDetails)
    target, rounds = details.target, len(details.rounds)
    if target is None:
        return ""
    widths = {
        "time": [(each.time, each) for each in details.reached if each.time is not None],
        "energy": [(each.energy, each) for each in details.reached if each.energy is not None],
    }
    widest = [(kind, *max(found, key=itemgetter(0))) for kind, found in widths.items() if found]
    words = [f"{kind} ± {plain(100 * width, 2)} % ({each.model}, {each.phase})" for kind, width, each in widest]
    known = f"; widest intervals: {', '.join(words)}" if words else ""
    state = "was reached" if target.met else "was not reached"
    aim = f"target of {100 * target.precision:g} % {state} in {rounds} round{'s' * (rounds != 1)}"
    return f"{aim}{f' ({why_ended(target)})' if target.ended and not target.met else ''}{known}"


def seconds_spent(record: Record) -> str:
    """The time that all cells took."""
    return duration(sum(cell.seconds for each in record.told(ComparisonDetails).rounds for cell in each.cells))
