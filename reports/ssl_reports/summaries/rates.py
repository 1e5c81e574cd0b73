"""The quality of systems and the cost of rating it, one row per system."""

from __future__ import annotations

from collections.abc import Sequence

from ssl_benchmarks.comparing.projection import pretraining_flops
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement, Record, headline_scope
from ssl_reports.flaw_marks import foot, signed
from ssl_reports.tables.grid import Grid, grouped, legend, marks
from ssl_reports.units import duration, method_word, percent, phase_word, shown


def quality_grid(record: Record) -> Grid:
    """Error rates with their intervals, one row per system and one column per task; empty if nothing was rated."""
    rated = [row for row in record.measurements if METRICS[row.metric].rate and row.conditions.task is not None]
    columns = list(dict.fromkeys(_column(row) for row in rated))
    cells: dict[str, dict[str, str]] = {}
    used: dict[str, str] = {}
    for row in rated:
        cells.setdefault(row.model, {})[_column(row)] = percent(row.quantity) + marks(row.quantity, used)
    rows = [(model, *(found.get(column, "") for column in columns)) for model, found in cells.items()]
    return Grid(("model", *columns), rows, [*legend(used), *foot(row.quantity for row in rated)])


def _column(row: Measurement) -> str:
    c = row.conditions
    head = f", {c.head}" if c.head else ""
    return f"{METRICS[row.metric].label} ({c.task}{head})"


def bill_grid(record: Record) -> Grid:
    """Time, energy, carbon and FLOPs of pretraining (for runs) and evaluation, one row per system and phase."""
    scope = headline_scope(record.settings.device)
    keys = list(dict.fromkeys((m.model, m.phase) for m in record.measurements if m.metric == "duration"))
    rows, shown_here, seeds = [], list[Quantity | None](), record.settings.seeds or 1
    for model, phase in keys:
        found = {
            metric: record.find(metric, phase, part, model)
            for metric, part in (("duration", None), ("energy", scope), ("co2e", scope), ("flops", None))
        }
        if phase == "training":
            found["flops"] = flops_of_pretraining(record, model)
        seconds = found["duration"]
        took = "" if seconds is None or seconds.value is None else signed(duration(seconds.value), seconds)
        shown_here += [seconds, *(found[m] for m in ("energy", "co2e", "flops"))]
        rows.append(
            (
                model,
                _of_seeds(phase or "", found["duration"], seeds),
                took,
                *(_shown(found[m]) for m in ("energy", "co2e", "flops")),
            )
        )
    return Grid(("model", "phase", "time", f"energy, {scope}", "CO2e", "FLOPs"), rows, foot(shown_here))


def _of_seeds(phase: str, seconds: Quantity | None, seeds: int) -> str:
    """A phase, and whether its figures are means over seeds or totals of all seeds."""
    if seconds is not None and seconds.note.startswith("mean of "):
        return f"{phase_word(phase)}, mean over seeds"
    return phase_word(phase) + (f", all {seeds} seeds" if seeds > 1 and phase in {"evaluation", "finetuning"} else "")


def flops_of_pretraining(record: Record, model: str) -> Quantity | None:
    """The FLOPs of a pretraining in the record; None for a model that was not trained there."""
    rate, hours = (record.find(m, "training", None, model) for m in ("flops_per_audio_second", "audio_hours_seen"))
    return pretraining_flops(rate, hours)


def _shown(quantity: Quantity | None) -> str:
    if quantity is None:
        return ""
    value, unit = shown(quantity)
    method = "" if quantity.value is None else f" ({method_word(quantity.method)})"
    return signed(f"{value} {unit}{method}".strip(), quantity)


def noted(rows: Sequence[Measurement]) -> dict[str, list[str]]:
    """Each note of the error rates, with the columns that it concerns."""
    rated = (row for row in rows if METRICS[row.metric].rate and row.conditions.task is not None and row.quantity.note)
    return grouped((row.quantity.note, f"{row.model}, {_column(row)}") for row in rated)
