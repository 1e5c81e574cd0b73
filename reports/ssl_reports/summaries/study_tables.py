"""A study's models side by side: cost, quality, and the share of the budget that each run used."""

from __future__ import annotations

from ssl_benchmarks.record.details.study import StudyDetails, StudyRun
from ssl_benchmarks.record.quantity import Quantity, added
from ssl_benchmarks.record.record import Record, headline_scope
from ssl_reports.flaw_marks import signed
from ssl_reports.reading.evidence import shown_models
from ssl_reports.summaries.rates import flops_of_pretraining, quality_grid
from ssl_reports.tables.grid import Grid
from ssl_reports.units import duration, plain, with_prefix, worded
from ssl_reports.words import budget_of


def cost_grid(record: Record) -> Grid:
    """One row per model."""
    scope = headline_scope(record.settings.device)
    header = (
        "model", "parameters", "audio hours seen", "FLOPs", "time", f"energy, {scope}", "J per audio hour", "final loss"
    )  # fmt: skip
    return Grid(header, [(model, *_cost(record, model, scope)) for model in shown_models(record)], [])


def study_grid(record: Record) -> Grid:
    """One row per model with cost and error rates, then the controls, which have error rates only."""
    cost, quality = cost_grid(record), quality_grid(record)
    rates = {row[0]: row[1:] for row in quality.rows}
    none = ("",) * (len(quality.header) - 1)
    rows = [(*row, *rates.pop(row[0], none)) for row in cost.rows]
    rows += [(name, *[""] * (len(cost.header) - 1), *cells) for name, cells in rates.items()]
    return Grid((*cost.header, *quality.header[1:]), rows, quality.legend)


def _cost(record: Record, model: str, scope: str) -> tuple[str, ...]:
    hours = record.find("audio_hours_seen", "training", None, model)
    seconds = _both(record, "duration", None, model)
    size = record.find("parameters", "inference", None, model)
    energy, rate = _both(record, "energy", scope, model), record.find("energy_per_audio_hour", "training", scope, model)
    return (
        "" if size is None or size.value is None else f"{plain(size.value / 1e6)} M",
        _text(hours),
        _text(flops_of_pretraining(record, model)),
        _text(seconds) if seconds is None or seconds.value is None else duration(seconds.value),
        _text(energy) + ("" if energy is None or energy.value is None else f" ({energy.method})"),
        _text(rate),
        _text(record.find("loss", "training", None, model)),
    )


def _both(record: Record, metric: str, scope: str | None, model: str) -> Quantity | None:
    """The sum of fitting targets, if there were any, and training."""
    found = {phase: record.find(metric, phase, scope, model) for phase in ("targets", "training")}
    parts = {phase: quantity for phase, quantity in found.items() if quantity is not None}
    return added(parts, next(iter(parts.values())).unit) if parts else None


def _text(quantity: Quantity | None) -> str:
    if quantity is None:
        return "not available"
    if quantity.unit == "J/h" and quantity.value is not None:
        return signed(with_prefix(quantity.value, "J"), quantity)
    return worded(quantity)


RUNS = ("run", "status", "audio hours seen", "FLOPs", "minutes", "joules", "share of budget")


def run_rows(record: Record) -> list[tuple[str, ...]]:
    """One row per run, with the columns of `RUNS`."""
    return [_run_row(run) for run in record.told(StudyDetails).study.runs]


def _run_row(run: StudyRun) -> tuple[str, ...]:
    spent = run.spent
    if spent is None:
        reason = "" if run.reason is None else f": {run.reason}"
        return (run.folder, f"{run.status}{reason}", *[""] * (len(RUNS) - 2))

    def amount(value: float | None, unit: str = "") -> str:
        return "not available" if value is None else with_prefix(value, unit) if unit else plain(value)

    share = "" if spent.of_budget is None else f"{100 * spent.of_budget:.1f} %"
    joules = amount(spent.joules, "J") + ("" if spent.joules is None else f" ({spent.joules_method})")
    used = amount(spent.audio_hours), amount(spent.flops, "FLOP"), amount(spent.minutes)
    return (run.folder, run.status, *used, joules, share)


def budget_line(record: Record) -> str:
    """The budget of each run."""
    study = record.told(StudyDetails).study
    if study.equal is None:
        return "budget of each run: as given"
    joules = f"; {study.joules}" if study.joules else ""
    return f"budget of each run: {budget_of(study.equal, study.budget or 0.0)}{joules}"
