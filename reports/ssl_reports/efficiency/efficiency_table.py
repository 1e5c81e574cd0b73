"""One table for a paper: a row for each model, a column for each cost and error rate that the runs know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ssl_benchmarks.comparing.comparability import differences
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, headline_scope
from ssl_models.errors import BadInputError, choose
from ssl_reports.efficiency.candidates import chosen, marked
from ssl_reports.efficiency.columns import COLUMNS, DEFAULT, EfficiencyColumn, Phase
from ssl_reports.efficiency.named import named
from ssl_reports.efficiency.pretraining import Account, Prices, pretraining_rows, was_spent
from ssl_reports.reading.evidence import Evidence, Found, settings, with_flaws
from ssl_reports.reading.published import published_rows
from ssl_reports.tables.grid import grouped
from ssl_reports.tables.table import Cell, Column, PaperTable, plain_number

EFFICIENCY = "efficiency"
"""Name of the table."""
Rows = dict[str, list[Measurement]]


class NothingToShowError(BadInputError):
    """Runs without a cost and an error rate of a model."""


@dataclass(frozen=True)
class Layout:
    """What a table shows, and how.

    Attributes:
        columns: keys of `COLUMNS`; none for `DEFAULT`, as far as the runs fill them.
        phase: of FLOPs, speed, memory and energy; None for training where any of it was measured, else inference.
        account: of the pretraining; None for what was spent where each model was trained in these runs, else projected.
        prices: of the pretraining, its `account` apart.
        names: what a model is called in the table, by its name in the runs.
        order: models that come first, in this order; the others follow in the order of the runs.
        bold: whether the best figure of each column is emphasised.
        published: whether published figures fill cells that the runs leave open.
        mark_differences: whether models measured under different conditions are marked; otherwise they are refused.
    """

    columns: tuple[str, ...] = ()
    phase: Phase | None = None
    account: Account | None = None
    prices: Prices = field(default_factory=Prices)
    names: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    bold: bool = False
    published: bool = False
    mark_differences: bool = False


def efficiency_table(evidence: Evidence, layout: Layout) -> PaperTable:
    """The table.

    Raises:
        NothingToShowError: where the runs fill no column.
        BadInputError: for a model or column that is unknown, or for models that were measured under different conditions.
    """
    evidence = named(evidence)
    models = _models(evidence, layout)
    phase = layout.phase or _phase(evidence)
    account = layout.account or _account(evidence, models)
    rows = _rows(evidence, models, layout)
    prices = replace(layout.prices, account=account)
    whole = _by_model(pretraining_rows(evidence, prices), models)
    filled = {
        key: chosen(_candidates(COLUMNS[choose(key, COLUMNS, "column")], rows, whole, phase))
        for key in layout.columns or DEFAULT
    }
    if not layout.columns:
        filled = {
            key: found for key, found in filled.items() if any(m.quantity.value is not None for m in found.values())
        }
    if not filled:
        raise NothingToShowError("the runs hold no cost and no error rate of a model: nothing to put into a table")
    if not layout.mark_differences:
        _refuse_differences(filled)
    filled = {key: marked(found) for key, found in filled.items()}
    columns = (Column("Model"), *(_column(COLUMNS[key], found, phase) for key, found in filled.items()))
    body = tuple(
        (layout.names.get(model, model), *(_cell(found.get(model)) for found in filled.values())) for model in models
    )
    best = _best(filled, models) if layout.bold else frozenset()
    caption = f"Efficiency of {len(models)} model{'s' if len(models) > 1 else ''}"
    return PaperTable(EFFICIENCY, caption, columns, body, tuple(_notes(filled, account, layout)), best)


def _column(column: EfficiencyColumn, found: Mapping[str, Measurement], phase: Phase) -> Column:
    """With a unit that reads well, and the method that all its figures share where that is counting."""
    shown = column.column(phase, [row.quantity.value for row in found.values() if row.quantity.value])
    return replace(shown, method="analytic") if _counted(found) else shown


def _counted(found: Mapping[str, Measurement]) -> bool:
    """Whether every figure of a column was counted."""
    methods = {row.quantity.method for row in found.values() if row.quantity.value is not None}
    return methods == {"analytic"}


def _models(evidence: Evidence, layout: Layout) -> list[str]:
    """Those with a cost; controls such as untrained twins and log-mel features have none."""
    costs = {m.model for r in evidence.records for m in r.measurements if m.phase in {"training", "inference"}}
    known = [model for model in evidence.models if model in costs and model != "idle"]
    for model in (*layout.order, *layout.names):
        choose(model, known, "model")
    return [*layout.order, *(model for model in known if model not in layout.order)]


def _phase(evidence: Evidence) -> Phase:
    """Training where its speed was measured, or, without any speed, where it has another cost."""
    costs = {column.metric for column in COLUMNS.values() if column.phase == "asked"}
    timed = {found.row.phase for found in evidence.rows if found.row.metric == "audio_seconds_per_second"}
    known = {found.row.phase for found in evidence.rows if found.row.metric in costs}
    return "training" if "training" in (timed or known) else "inference"


def _account(evidence: Evidence, models: Sequence[str]) -> Account:
    trained = {setting.model for setting in settings(evidence, "training") if was_spent(setting)}
    return "spent" if trained >= set(models) else "projected"


def _rows(evidence: Evidence, models: Sequence[str], layout: Layout) -> Rows:
    """By model, what the runs hold, with what speaks against each figure, energy of the headline's scope; published figures last."""
    found = [with_flaws(each.row, each.record) for each in evidence.rows if each.row.scope in {None, _scope(each)}]
    kept = [row for row in found if layout.published or row.quantity.method != "published"]
    return _by_model([*kept, *(published_rows() if layout.published else [])], models)


def _by_model(rows: Iterable[Measurement], models: Sequence[str]) -> Rows:
    held: Rows = {model: [] for model in models}
    for row in rows:
        if row.model in held:
            held[row.model].append(row)
    return held


def _candidates(column: EfficiencyColumn, rows: Rows, whole: Rows, phase: Phase) -> Rows:
    """By model, the rows that could fill the column."""
    if column.phase == "rated":
        return _rated(column.metric, rows)
    phases = {"asked": (phase,), "pretraining": ("training",)}
    wanted = phases.get(column.phase, (column.phase,))
    held = whole if column.phase == "pretraining" else rows
    return {
        model: [
            m
            for m in found
            if m.metric == column.metric and m.phase in wanted and (m.scope is not None) is column.scoped
        ]
        for model, found in held.items()
    }


def _scope(found: Found) -> str:
    """Whose joules count in headlines of a row's device: the GPU's, or the machine's."""
    return "gpu" if found.on_gpu else headline_scope(found.record.settings.device)


Test = tuple[str | None, str | None, str | None, str | None]


def _test(c: Conditions) -> Test:
    return c.task, c.head, c.labels, c.tested_on


def _rated(metric: str, rows: Rows) -> Rows:
    """The rows of the one test that most models took: task, head, labels and speech."""
    taken = {model: [m for m in found if m.metric == metric] for model, found in rows.items()}
    tests = Counter(test for found in taken.values() for test in {_test(m.conditions) for m in found})
    if not tests:
        return taken
    most = tests.most_common(1)[0][0]
    return {model: [m for m in found if _test(m.conditions) == most] for model, found in taken.items()}


def _refuse_differences(filled: Mapping[str, Mapping[str, Measurement]]) -> None:
    for key, found in filled.items():
        if lines := [each.line for each in differences(found.values())]:
            raise BadInputError(
                f"not comparable, column {key}: {'; and '.join(lines)}; add --mark-differences to mark the cells, or choose --columns"
            )


def _cell(row: Measurement | None) -> Cell:
    return unavailable("1", "not measured in these runs") if row is None else row.quantity


def _best(filled: Mapping[str, Mapping[str, Measurement]], models: Sequence[str]) -> frozenset[tuple[int, int]]:
    """Row and column of the best figure of each column, and of those that its interval does not distinguish from it.

    A figure with a flaw is never the best; a column in which fewer than two models have a sound figure has none.
    """
    found = set()
    for number, (key, rows) in enumerate(filled.items(), start=1):
        sound = {m: row.quantity for m, row in rows.items() if row.quantity.value is not None and not row.quantity.flaw}
        if COLUMNS[key].better is None or len(sound) < 2:
            continue
        best = (min if COLUMNS[key].better == "low" else max)(
            sound.values(), key=lambda quantity: quantity.value or 0.0
        )
        found |= {(models.index(model), number) for model, quantity in sound.items() if _as_good(quantity, best)}
    return frozenset(found)


def _as_good(quantity: Quantity, best: Quantity) -> bool:
    """Whether a figure is the best one, or does not differ from it by intervals, or by three digits where there are none."""
    if quantity.ci95 is None or best.ci95 is None:
        return plain_number(replace(quantity, ci95=None)) == plain_number(replace(best, ci95=None))
    return quantity.ci95[0] <= best.ci95[1] and best.ci95[0] <= quantity.ci95[1]


def _notes(filled: Mapping[str, Mapping[str, Measurement]], account: Account, layout: Layout) -> list[str]:
    """The conditions that the figures share, and what the columns mean."""
    counted = [COLUMNS[key].head.removeprefix("{phase} ") for key, rows in filled.items() if _counted(rows)]
    notes = [f"{' and '.join(counted)}: counted, not measured; 1 MAC = 2 FLOPs."] if counted else []
    if {"gpu-hours", "energy", "co2e"} & set(filled):
        hours = "each model's own recipe" if layout.prices.hours is None else f"{layout.prices.hours:,.0f} h of audio"
        notes.append(
            "Pretraining: what these runs spent, target fitting included." if account == "spent"
            else f"Pretraining: the measured rate, projected to {hours}."
        )  # fmt: skip
    for key, name in (("rtf", "Speed"), ("memory", "Peak memory"), ("latency", "Latency")):
        if key in filled and (said := _shared(filled[key].values())):
            notes.append(f"{name}: {said}.")
            break
    rated = [(_tested(filled[key]), key.upper()) for key in filled if COLUMNS[key].phase == "rated"]
    notes += [f"{', '.join(keys)}: {said}." for said, keys in grouped(rated).items() if said]
    grids = {row.conditions.grid for row in filled.get("co2e", {}).values() if row.quantity.value is not None}
    notes += [f"CO2e: {'; '.join(sorted(filter(None, grids)))}."] if grids and None not in grids else []
    return notes


def _shared(rows: Iterable[Measurement]) -> str:
    """Device, precision and batch of the rows, as far as all of them share these."""
    held = [row.conditions for row in rows if row.quantity.value is not None]
    parts = []
    for said in (
        lambda c: c.device,
        lambda c: c.dtype,
        lambda c: (
            f"{c.batch_seconds / c.clip_seconds:.3g} x {c.clip_seconds:g} s"
            if c.clip_seconds and c.batch_seconds
            else None
        ),
    ):
        values = {said(c) for c in held}
        parts += [value for value in values if value] if len(values) == 1 else []
    return ", ".join(parts)


def _tested(rows: Mapping[str, Measurement]) -> str:
    """What was learned, with which head, from how much labelled speech, and what it was rated on."""
    tests = {_test(row.conditions) for row in rows.values() if row.quantity.value is not None}
    if len(tests) != 1:
        return ""
    task, head, labels, tested_on = tests.pop()
    said = [task, head and f"{head} head", labels and f"{labels} of labels", tested_on and f"rated on {tested_on}"]
    return ", ".join(part for part in said if part)
