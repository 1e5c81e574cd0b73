"""One table for a paper: a row for each model, a column for each cost and error rate that the runs know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from ssl_benchmarks.comparing.comparability import differences
from ssl_benchmarks.record.metrics import RATES
from ssl_benchmarks.record.quantity import unavailable
from ssl_benchmarks.record.record import Measurement, headline_scope
from ssl_models.errors import BadInputError, choose
from ssl_reports.efficiency.best import best
from ssl_reports.efficiency.candidates import chosen, marked
from ssl_reports.efficiency.caption import caption
from ssl_reports.efficiency.columns import COLUMNS, DEFAULT, EfficiencyColumn, Phase
from ssl_reports.efficiency.layout import Layout
from ssl_reports.efficiency.named import named
from ssl_reports.efficiency.notes import counted, notes
from ssl_reports.efficiency.pretraining import Account, Prices, pretraining_rows, was_spent
from ssl_reports.efficiency.rated import rated_columns
from ssl_reports.efficiency.ratios import ratios
from ssl_reports.efficiency.stated import recipe_rows, stated_columns, stated_rows
from ssl_reports.efficiency.texts import TEXTS, Subject
from ssl_reports.paper.display import display
from ssl_reports.reading.evidence import Evidence, Found, settings, with_flaws
from ssl_reports.reading.published import published_rows, reference_of
from ssl_reports.tables.citations import cite
from ssl_reports.tables.table import ABSENT, Cell, Column, PaperTable

EFFICIENCY = "efficiency"
"""Name of the table."""
Rows = dict[str, list[Measurement]]
Columns = Mapping[str, EfficiencyColumn]
Filled = dict[str, dict[str, Measurement]]


class NothingToShowError(BadInputError):
    """Runs without a cost and an error rate of a model."""


@dataclass(frozen=True)
class Known:
    """What fills a table.

    Attributes:
        evidence: the runs, each model with one name.
        models: of the rows, in their order.
        columns: all that there are, by key.
        phase: of FLOPs, speed, memory and energy.
        account: of the pretraining.
    """

    evidence: Evidence
    models: list[str]
    columns: Columns
    phase: Phase
    account: Account


def efficiency_table(evidence: Evidence, layout: Layout) -> PaperTable:
    """The table.

    Raises:
        NothingToShowError: where the runs fill no column.
        BadInputError: for a model, column or unit that is unknown, or for models measured under different conditions.
    """
    evidence = named(evidence)
    layout = _by_models(evidence, layout)
    models, columns = _models(evidence, layout), {**COLUMNS, **stated_columns(layout.stated)}
    account = layout.account or _account(evidence, models)
    known = Known(evidence, models, columns, layout.phase or _phase(evidence), account)
    rows = _rows(known.evidence, known.models, layout)
    known = replace(known, columns=_by_test(known, rows, layout))
    keys = _keys(known, layout)
    filled = _filled(known, rows, keys, layout)
    if not layout.mark_differences:
        _refuse_differences(filled)
    filled = marked(filled)
    keys = tuple(key for key in keys if key in filled or key in TEXTS)
    models, ruled = _grouped(known, filled, layout)
    subjects = [Subject(model, _row(filled, model), layout.stated) for model in models]
    body = tuple(
        (display(subject.model, layout.names), *(_cell(key, subject, filled) for key in keys)) for subject in subjects
    )
    figures = {key: filled.get(key, {}) for key in keys}
    return PaperTable(
        EFFICIENCY,
        caption(filled, known.columns, known.phase, models),
        (Column("Model"), *(_column(key, known, figures[key], layout) for key in keys)),
        body,
        tuple(notes(filled, known.columns, account, layout, evidence)),
        best(evidence, figures, known.columns, models, account) if layout.bold else frozenset(),
        {} if layout.baseline is None else ratios(evidence, figures, models, layout.baseline),
        ruled,
        layout.turned,
        _sources(filled, layout),
    )


def _by_test(known: Known, rows: Rows, layout: Layout) -> Columns:
    """The columns, those of error rates once for each test set."""
    found: dict[str, EfficiencyColumn] = {}
    for column in known.columns.values():
        each = [own for own, _ in rated_columns(column, rows)] if column.phase == "rated" else [column]
        found |= {own.key: own for own in each}
    for key in layout.columns:
        choose(key, [*known.columns, *TEXTS], "column")
    return found


def _keys(known: Known, layout: Layout) -> tuple[str, ...]:
    """The columns asked for, else the default ones, those of stated costs after all other costs."""
    own = [key for key in known.columns if key not in COLUMNS and known.columns[key].phase == "stated"]
    rated = [key for key in DEFAULT if COLUMNS[key].phase == "rated"]
    costs = [key for key in DEFAULT if key not in rated and (layout.published or key != "published-gpu-hours")]
    asked = layout.columns or (*costs, *own, *rated)
    sets = {key: [other for other in known.columns if other == key or other.startswith(f"{key} ")] for key in rated}
    return tuple(other for key in asked for other in sets.get(key, [key]))


def _filled(known: Known, rows: Rows, keys: Sequence[str], layout: Layout) -> Filled:
    """By column, the number of each model."""
    prices = Prices(known.account, layout.hours, layout.price_per_hour)
    whole = _by_model(pretraining_rows(known.evidence, prices), known.models)
    filled = {
        key: chosen(_candidates(known, known.columns[key], rows, whole, layout)) for key in keys if key not in TEXTS
    }
    if not layout.columns:
        filled = {
            key: found for key, found in filled.items() if any(m.quantity.value is not None for m in found.values())
        }
    if not filled:
        raise NothingToShowError("the runs hold no cost and no error rate of a model: nothing to put into a table")
    _require_units(filled, known.columns, layout.units)
    return filled


def _sources(filled: Filled, layout: Layout) -> dict[str, str]:
    """How the notes name a published number: the model with its reference, and how the number was reached."""
    found = {}
    for row in (row for rows in filled.values() for row in rows.values()):
        key = reference_of(row)
        if key is not None:
            cited, *how = row.quantity.note.split("; ")
            name = display(row.model, layout.names).shown
            found[row.quantity.note] = f"{name} ({', '.join([cited + cite(key), *how])})"
    return found


def _require_units(filled: Filled, columns: Columns, units: Iterable[str]) -> None:
    """Refuse a unit that no column of the table has."""
    known = [unit for key in filled for unit, _ in (*columns[key].units, *columns[key].others)]
    for unit in units:
        choose(unit, list(dict.fromkeys(known)), "unit")


def _column(key: str, known: Known, found: Mapping[str, Measurement], layout: Layout) -> Column:
    """With the unit asked for, or one that reads well, and the method that all its figures share where that is counting."""
    if key in TEXTS:
        return Column(TEXTS[key][0])
    values = [row.quantity.value for row in found.values() if row.quantity.value]
    shown = known.columns[key].column(known.phase, values, layout.units, layout.digits)
    return replace(shown, method="analytic") if counted(found) else shown


def _row(filled: Filled, model: str) -> list[Measurement]:
    return [found[model] for found in filled.values() if model in found]


def _cell(key: str, subject: Subject, filled: Filled) -> Cell:
    if key in TEXTS:
        return TEXTS[key][1](subject)
    row = filled[key].get(subject.model)
    return unavailable("1", ABSENT) if row is None else row.quantity


def _grouped(known: Known, filled: Filled, layout: Layout) -> tuple[list[str], frozenset[int]]:
    """The models, those of one group beside each other, and the rows before which a new group begins."""
    if layout.group is None:
        controls = [known.models.index(model) for model in _controls(known.evidence) if model in known.models]
        return known.models, frozenset(controls[:1]) - {0}
    text = TEXTS[choose(layout.group, TEXTS, "group")][1]
    groups: dict[str, list[str]] = {}
    for model in known.models:
        groups.setdefault(text(Subject(model, _row(filled, model), layout.stated)), []).append(model)
    models = [model for members in groups.values() for model in members]
    return models, frozenset(models.index(members[0]) for members in list(groups.values())[1:])


def _by_models(evidence: Evidence, layout: Layout) -> Layout:
    """The layout with models in place of runs: a run of one model may be named by its folder."""
    known = set(evidence.models) | set(layout.stated.models)
    runs: dict[str, str] = {}
    for record, label, folder in zip_longest(evidence.records, evidence.labels, evidence.folders):
        held = {m.model for m in record.measurements if m.model != "idle"}
        if len(held) == 1:
            runs |= dict.fromkeys(filter(None, (label, folder and str(folder))), next(iter(held)))

    def model(name: str) -> str:
        return name if name in known else runs.get(name.rstrip("/"), name)

    return replace(
        layout,
        names={model(name): text for name, text in layout.names.items()},
        order=tuple(map(model, layout.order)),
        baseline=None if layout.baseline is None else model(layout.baseline),
    )


def _models(evidence: Evidence, layout: Layout) -> list[str]:
    """Those with a cost; controls, untrained twins and log-mel features, have none, and stand last where they are asked for."""
    controls = _controls(evidence)
    costs = {m.model for r in evidence.records for m in r.measurements if m.phase in {"training", "inference"}}
    held = [model for model in evidence.models if model in costs and model != "idle"]
    known = list(dict.fromkeys([*held, *layout.stated.models, *(controls if layout.controls else ())]))
    for model in (*layout.order, *layout.names, *filter(None, [layout.baseline])):
        choose(model, known, "model")
    return [*layout.order, *(model for model in known if model not in layout.order)]


def _controls(evidence: Evidence) -> list[str]:
    """Models that were evaluated, but have no cost."""
    rows = [m for record in evidence.records for m in record.measurements]
    costs = {m.model for m in rows if m.phase in {"training", "inference"}}
    return list(dict.fromkeys(m.model for m in rows if m.metric in RATES and m.model not in costs))


def _phase(evidence: Evidence) -> Phase:
    """Training where its speed was measured, or, without any speed, where it has another cost."""
    costs = {column.metric for column in COLUMNS.values() if column.phase == "asked"}
    timed = {found.row.phase for found in evidence.rows if found.row.metric == "audio_seconds_per_second"}
    known = {found.row.phase for found in evidence.rows if found.row.metric in costs}
    return "training" if "training" in (timed or known) else "inference"


def _account(evidence: Evidence, models: Sequence[str]) -> Account:
    trained = {setting.model for setting in settings(evidence, "training") if was_spent(setting)}
    return "spent" if trained >= set(models) & set(evidence.models) - set(_controls(evidence)) else "projected"


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


def _candidates(known: Known, column: EfficiencyColumn, rows: Rows, whole: Rows, layout: Layout) -> Rows:
    """By model, the rows that could fill the column; stated ones last."""
    found = _of_test(column, rows) if column.phase == "rated" else _costs(column, rows, whole, known.phase)
    for stated in (*stated_rows(layout.stated, column), *recipe_rows(known.evidence.recipes, found, column)):
        found[stated.model].append(stated)
    return found


def _of_test(column: EfficiencyColumn, rows: Rows) -> Rows:
    """The rows of the test set of a column."""
    own = COLUMNS[column.key.partition(" ")[0]]
    held = next(held for each, held in rated_columns(own, rows) if each.key == column.key)
    return {model: list(found) for model, found in held.items()}


def _costs(column: EfficiencyColumn, rows: Rows, whole: Rows, phase: Phase) -> Rows:
    phases = {"asked": (phase,), "pretraining": ("training",), "published": ("training",)}
    wanted = phases.get(column.phase, (column.phase,))
    held = whole if column.phase == "pretraining" else rows
    published = column.phase == "published"
    return {
        model: [
            m
            for m in found
            if m.metric == column.metric
            and m.phase in wanted
            and (m.scope is not None) is column.scoped
            and (m.quantity.method == "published" or not published)
        ]
        for model, found in held.items()
    }


def _scope(found: Found) -> str:
    """Whose joules count in headlines of a row's device: the GPU's, or the machine's."""
    return "gpu" if found.on_gpu else headline_scope(found.record.settings.device)


def _refuse_differences(filled: Filled) -> None:
    for key, found in filled.items():
        if lines := [each.line for each in differences(found.values())]:
            raise BadInputError(
                f"not comparable, column {key}: {'; and '.join(lines)}; add --mark-differences to mark the cells, or choose --columns"
            )
