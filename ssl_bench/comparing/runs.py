"""`sslbench compare RUN RUN ...`: finished runs and their pretraining costs, refused where conditions differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

from ssl_bench.comparing.outcome import outcome
from ssl_bench.sessions.run_folder import RunFolder, new_run
from ssl_bench.settings.comparing import PHASES, CompareConfig
from ssl_benchmarks.comparing.comparability import refusal
from ssl_benchmarks.comparing.projection import pretraining_flops
from ssl_benchmarks.comparing.side_by_side import FLOPS, Prices, SideBySide, Trained, differing
from ssl_benchmarks.energy.carbon import GridIntensity, chosen_intensity
from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity, added, unavailable
from ssl_benchmarks.record.record import Measurement, Record, headline_scope, read_record
from ssl_benchmarks.record.run_names import told_apart
from ssl_models.catalog import is_run
from ssl_models.errors import BadInputError, choose
from ssl_models.recipes import Recipe
from ssl_reports.reading.evidence import with_status
from ssl_reports.reading.published import published_rows
from ssl_reports.summaries.comparing import write_compare_report

UNITS = ("J", "FLOP")


@dataclass(frozen=True)
class Source:
    """A run to compare: `run` is its name, `rows` are its rows under the comparison's names of the models."""

    folder: Path
    run: str
    record: Record
    rows: tuple[Measurement, ...]


def compare_runs(
    folders: Sequence[str], config: CompareConfig, *, mark_differences: bool, command: str
) -> tuple[RunFolder, Record]:
    """Put the records of runs side by side; nothing is measured.

    Raises:
        BadInputError: for a folder without a record or, unless `mark_differences`, for runs measured under different conditions.
    """
    sources = read_sources(folders)
    config = _with_shared_pue(config, sources)
    grid = _grid(config, sources)
    sides = _sides(sources, config)
    found = differing(sides)
    if found and not mark_differences:
        raise BadInputError(refusal(found))
    trained = {m: t for s in sources for m, t in trained_models(s.record, s.rows, sides.scope).items()}
    projected, details = outcome(sides, Prices(grid, config.pue, config.price_per_gpu_hour), config.life, trained)
    rows = [*sides.rows, *projected, *(published_rows() if config.published else [])]
    run = new_run(config.out, "compare")
    with run.locked():
        details |= {"grid": None if grid is None else asdict(grid), "disturbances": _disturbances(sources)}
        record = _record(command, config, sources, details)
        record = replace(record, id=run.path.name, measurements=tuple(rows))
        run.write(record)
        write_compare_report(record, run.path)
        run.write(record)
    return run, record


def _disturbances(sources: Sequence[Source]) -> dict[str, list[str]]:
    """What disturbed the runs, according to their records."""
    return {
        f"{source.run}, {part}": list(lines)
        for source in sources
        for part, lines in source.record.details.get("disturbances", {}).items()
    }


def read_sources(folders: Sequence[str]) -> list[Source]:
    """Read the records; a model that occurs in several runs is named with its run in brackets.

    Raises:
        BadInputError: for a folder without a record, a record with nothing to compare, or a run given twice.
    """
    paths = [Path(folder) for folder in folders]
    if len({path.resolve() for path in paths}) < len(paths):
        raise BadInputError("a run is given twice")
    records = [RunFolder(path).read() for path in paths]
    for (first, one), (second, other) in combinations(zip(paths, records, strict=True), 2):
        if one == other:
            raise BadInputError(f"{first} and {second} hold the same record")
    names = Counter(model for record in records for model in {row.model for row in record.measurements})
    runs = told_apart([record.id for record in records], paths)
    sources = []
    for path, record, run in zip(paths, records, runs, strict=True):
        rows = [with_status(row, record) for row in record.measurements if _taken(row, record)]
        if not rows:
            raise BadInputError(f"{path}: its record holds no value to compare")
        renamed = [replace(row, model=f"{row.model} ({run})") if names[row.model] > 1 else row for row in rows]
        sources.append(Source(path, run, record, tuple(renamed)))
    return sources


def _taken(row: Measurement, record: Record) -> bool:
    """Whether a row is compared: no idle power, values from elsewhere or projected, or sums over windows without training.

    Hours of audio that a metered command was stated to process are kept, since its rates follow from them.
    """
    if row.phase == "idle" or row.quantity.method in {"published", "projected"}:
        return False
    trained = record.kind in {"meter", "import"} or any(
        (m.model, m.metric) == (row.model, "audio_hours_seen") for m in record.measurements
    )
    return trained or not (METRICS[row.metric].over_rounds == "sum" and row.phase in PHASES)


def _grid(config: CompareConfig, sources: Sequence[Source]) -> GridIntensity | None:
    """The grid given, else the one that all runs share."""
    asked = chosen_intensity(config.country, config.grid_intensity)
    grids = [source.record.details.get("grid") for source in sources]
    return GridIntensity(**grids[0]) if asked is None and grids[0] and all(g == grids[0] for g in grids) else asked


def _with_shared_pue(config: CompareConfig, sources: Sequence[Source]) -> CompareConfig:
    """The settings, with the PUE that all runs share where none is given."""
    shared = {source.record.config.get("pue", 1.0) for source in sources}
    return replace(config, pue=shared.pop()) if config.pue == 1 and len(shared) == 1 else config


def _sides(sources: Sequence[Source], config: CompareConfig) -> SideBySide:
    rows = [row for source in sources for row in source.rows]
    models = tuple(dict.fromkeys(row.model for row in rows if row.phase in config.phases))
    if not models:
        raise BadInputError(f"no run holds a value for {' or '.join(config.phases)}")
    phases = tuple(phase for phase in PHASES if phase in config.phases and any(row.phase == phase for row in rows))
    baseline = models[0] if config.baseline is None else choose(config.baseline, models, "--baseline")
    scope = headline_scope(sources[0].record.config.get("device"))
    return SideBySide(models, phases, baseline, scope, rows, recipes=_recipes(sources, config, models))


def _recipes(sources: Sequence[Source], config: CompareConfig, models: Collection[str]) -> dict[str, Recipe]:
    """The recipes that the runs state, and those stated now."""
    held = {model: r for source in sources for model, r in source.record.told(Details).recipes.items()}
    return held | config.recipes([name for model in models for name in (model, model.partition(" (")[0])])


def _record(command: str, config: CompareConfig, sources: Sequence[Source], details: dict[str, Any]) -> Record:
    """The record without rows; hardware and device are those of the first run, `sources` has those of each."""
    runs = [
        {"run": s.run, "folder": str(s.folder), "command": s.record.command, "environment": s.record.environment}
        for s in sources
    ]
    first = sources[0].record
    config = replace(config, device=first.config.get("device", "cpu"))
    created = datetime.now(UTC).isoformat(timespec="seconds")
    found = {"rounds": [], "sources": runs, **details}
    of_run = "", created, "finished", command, asdict(config), first.environment
    return Record(*of_run, details=found, kind="comparison")


def trained_models(record: Record, rows: Iterable[Measurement], scope: str) -> dict[str, Trained]:
    """The models trained in a run, by their names in `rows`, which are the record's rows, possibly renamed."""
    known = list(rows)
    heard = {row.model for row in known if (row.metric, row.phase) == ("audio_hours_seen", "training") and row.quantity.method in {"measured", "stated"}}  # fmt: skip
    teacher = record.config.get("teacher")
    shares = None if teacher is None else _of_teacher(str(teacher), scope)
    return {model: Trained(_spent([r for r in known if r.model == model], scope), shares) for model in sorted(heard)}


def _spent(rows: list[Measurement], scope: str) -> dict[str, Quantity]:
    """Energy of targets and training, and FLOPs of the training steps."""
    parts = {
        row.phase or "": row.quantity
        for row in rows
        if (row.metric, row.scope) == ("energy", scope) and row.phase in {"targets", "training"}
    }
    energy = added(parts, "J") if parts else unavailable("J", f"no energy with scope {scope} was recorded")
    found = {row.metric: row.quantity for row in rows if row.phase == "training"}
    uncounted = unavailable("FLOP", "the FLOPs of a training step were not counted")
    return {"J": energy, "FLOP": pretraining_flops(found.get(FLOPS), found["audio_hours_seen"]) or uncounted}


def _of_teacher(teacher: str, scope: str) -> dict[str, Quantity]:
    """Full cost of the model whose layers give the targets, its own teacher included."""
    if not is_run(teacher):
        return {
            unit: Quantity(0.0, unit, "analytic", note=f"the teacher {teacher} had random weights") for unit in UNITS
        }
    name = Path(teacher).name
    try:
        record = read_record(Path(teacher) / "run.json")
    except BadInputError:
        return {unit: unavailable(unit, f"its teacher {name} no longer has a record") for unit in UNITS}
    found = next(iter(trained_models(record, record.measurements, scope).values()), None)
    if found is None:
        return {unit: unavailable(unit, f"its teacher {name} was not trained in its run") for unit in UNITS}
    parts = {name: found.pretraining} | ({f"the teacher of {name}": found.teacher} if found.teacher else {})
    return {unit: added({who: part[unit] for who, part in parts.items()}, unit) for unit in UNITS}
