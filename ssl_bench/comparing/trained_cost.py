"""What a run's pretraining took, its teacher's share beside it: joules as they were metered, FLOPs as they were counted."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ssl_benchmarks.comparing.side_by_side import FLOPS, Trained
from ssl_benchmarks.energy.phase_cost import added
from ssl_benchmarks.record.quantity import Quantity, total, unavailable
from ssl_benchmarks.record.record import Measurement, Record, read_record
from ssl_models.catalog import is_run
from ssl_models.errors import BadInputError

UNITS = ("J", "FLOP")


def trained_models(record: Record, rows: Iterable[Measurement], scope: str) -> dict[str, Trained]:
    """The models that were trained in a run, by their names in `rows`, which are the record's or its own under other names."""
    known = list(rows)
    heard = {row.model for row in known if (row.metric, row.phase) == ("audio_hours_seen", "training") and row.quantity.method == "measured"}  # fmt: skip
    teacher = record.config.get("teacher")
    shares = None if teacher is None else _of_teacher(str(teacher), scope)
    return {model: Trained(_spent([r for r in known if r.model == model], scope), shares) for model in sorted(heard)}


def _spent(rows: list[Measurement], scope: str) -> dict[str, Quantity]:
    """Joules of targets and training, and FLOPs of the training's steps."""
    parts = {
        row.phase or "": row.quantity
        for row in rows
        if (row.metric, row.scope) == ("energy", scope) and row.phase in {"targets", "training"}
    }
    missing = next((part for part in parts.values() if part.value is None), None)
    energy = unavailable("J", f"no energy of scope {scope} was recorded" if missing is None else missing.note)
    if parts and missing is None:
        energy = total(parts, "J")
    found = {row.metric: row.quantity for row in rows if row.phase == "training"}
    rate, hours = found.get(FLOPS), found["audio_hours_seen"].value
    if rate is None or rate.value is None or not hours:
        return {"J": energy, "FLOP": unavailable("FLOP", "the FLOPs of a training step were not counted")}
    return {"J": energy, "FLOP": rate.scaled(3600 * hours, "FLOP")}


def _of_teacher(teacher: str, scope: str) -> dict[str, Quantity]:
    """All that the model took whose layers the targets are, its own teacher included."""
    if not is_run(teacher):
        return {unit: Quantity(0.0, unit, "analytic", note=f"{teacher} taught with random weights") for unit in UNITS}
    name = Path(teacher).name
    try:
        record = read_record(Path(teacher) / "run.json")
    except BadInputError:
        return {unit: unavailable(unit, f"its teacher {name} has no record any more") for unit in UNITS}
    found = next(iter(trained_models(record, record.measurements, scope).values()), None)
    if found is None:
        return {unit: unavailable(unit, f"its teacher {name} was not trained in its run") for unit in UNITS}
    parts = [found.pretraining, *([found.teacher] if found.teacher else [])]
    return {unit: added([part[unit] for part in parts], unit) for unit in UNITS}
