"""`sslbench compare RUN RUN ...`: finished runs side by side, refused where they were not measured alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ssl_bench.comparing.outcome import outcome
from ssl_bench.comparing.trained_cost import trained_models
from ssl_bench.sessions.run_folder import RunFolder, new_run
from ssl_bench.settings.comparing import PHASES, CompareConfig
from ssl_benchmarks.comparing.comparability import refusal
from ssl_benchmarks.comparing.side_by_side import Prices, SideBySide, differing
from ssl_benchmarks.energy.carbon import GridIntensity, chosen_intensity
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.record import Measurement, Record, headline_scope
from ssl_benchmarks.record.run_names import told_apart
from ssl_models.errors import BadInputError
from ssl_models.names import choose
from ssl_reports.reading.evidence import with_status
from ssl_reports.reading.published import published_rows
from ssl_reports.summaries.comparing import write_compare_report


@dataclass(frozen=True)
class Source:
    """A run that is compared, its rows under the names that the comparison knows the models by; `run` is what it is called."""

    folder: Path
    run: str
    record: Record
    rows: tuple[Measurement, ...]


def compare_runs(
    folders: Sequence[str], config: CompareConfig, *, allow_mixed: bool, command: str
) -> tuple[RunFolder, Record]:
    """Put the records of runs side by side; nothing is measured.

    Raises:
        BadInputError: for a folder without a record, or runs that were not measured alike, unless `allow_mixed`.
    """
    sources = read_sources(folders)
    config = _priced_alike(config, sources)
    grid = _grid(config, sources)
    sides = _sides(sources, config)
    found = differing(sides)
    if found and not allow_mixed:
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
    """What disturbed the runs, as their records tell it."""
    return {
        f"{source.run}, {part}": list(lines)
        for source in sources
        for part, lines in source.record.details.get("disturbances", {}).items()
    }


def read_sources(folders: Sequence[str]) -> list[Source]:
    """The records; a model that several runs have is named with its run in brackets.

    Raises:
        BadInputError: for a folder without a record, or one named twice.
    """
    paths = [Path(folder) for folder in folders]
    if len({path.resolve() for path in paths}) < len(paths):
        raise BadInputError("a run is named twice")
    records = [RunFolder(path).read() for path in paths]
    names = Counter(model for record in records for model in {row.model for row in record.measurements})
    runs = told_apart([record.id for record in records], paths)
    sources = []
    for path, record, run in zip(paths, records, runs, strict=True):
        rows = [with_status(row, record) for row in record.measurements if _taken(row, record)]
        told = [replace(row, model=f"{row.model} ({run})") if names[row.model] > 1 else row for row in rows]
        sources.append(Source(path, run, record, tuple(told)))
    return sources


def _taken(row: Measurement, record: Record) -> bool:
    """Not idle power, nor what others say, nor what is projected anew, nor the joules of a window that no training fills."""
    if row.phase == "idle" or row.quantity.method in {"published", "projected"}:
        return False
    trained = any((m.model, m.metric) == (row.model, "audio_hours_seen") for m in record.measurements)
    return trained or not (METRICS[row.metric].over_rounds == "sum" and row.phase in PHASES)


def _grid(config: CompareConfig, sources: Sequence[Source]) -> GridIntensity | None:
    """The grid that is asked for, else the one that all runs share."""
    asked = chosen_intensity(config.country, config.grid_intensity)
    told = [source.record.details.get("grid") for source in sources]
    return GridIntensity(**told[0]) if asked is None and told[0] and all(each == told[0] for each in told) else asked


def _priced_alike(config: CompareConfig, sources: Sequence[Source]) -> CompareConfig:
    """With the PUE that all runs share, where none is asked for."""
    told = {source.record.config.get("pue", 1.0) for source in sources}
    return replace(config, pue=told.pop()) if config.pue == 1 and len(told) == 1 else config


def _sides(sources: Sequence[Source], config: CompareConfig) -> SideBySide:
    rows = [row for source in sources for row in source.rows]
    models = tuple(dict.fromkeys(row.model for row in rows if row.phase in config.phases))
    if not models:
        raise BadInputError(f"no run holds a figure of {' or '.join(config.phases)}")
    phases = tuple(phase for phase in PHASES if phase in config.phases and any(row.phase == phase for row in rows))
    baseline = models[0] if config.baseline is None else choose(config.baseline, models, "--baseline")
    return SideBySide(models, phases, baseline, headline_scope(sources[0].record.config.get("device")), rows)


def _record(command: str, config: CompareConfig, sources: Sequence[Source], details: dict[str, Any]) -> Record:
    """Without its rows; hardware and device are those of the first run, every run's own stand beside it."""
    told = [
        {"run": s.run, "folder": str(s.folder), "command": s.record.command, "environment": s.record.environment}
        for s in sources
    ]
    first = sources[0].record
    config = replace(config, device=first.config.get("device", "cpu"))
    created = datetime.now(UTC).isoformat(timespec="seconds")
    found = {"rounds": [], "sources": told, **details}
    of_run = "", created, "finished", command, asdict(config), first.environment
    return Record(*of_run, details=found, kind="comparison")
