"""The run that holds what another tool recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from ssl_bench.importing.carbontracker import read_logs
from ssl_bench.importing.codecarbon import read_emissions
from ssl_bench.importing.mlflow import read_mlflow
from ssl_bench.importing.recorded import Recorded
from ssl_bench.importing.sacct import read_job
from ssl_bench.importing.table import read_table
from ssl_bench.importing.tensorboard import read_events
from ssl_bench.importing.wandb import read_folder
from ssl_bench.importing.zeus import read_windows
from ssl_bench.sessions.run_folder import RunFolder, new_run
from ssl_bench.sessions.session import now
from ssl_bench.settings.importing import ImportConfig, Tool
from ssl_bench.settings.metering import AS_RECORDED
from ssl_benchmarks.energy.cost_rows import per_audio_hour
from ssl_benchmarks.record.flaws import flawed
from ssl_benchmarks.record.metrics import RATES
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_benchmarks.record.run_names import told_apart
from ssl_models.errors import BadInputError, choose

READERS: dict[Tool, Callable[[ImportConfig], list[Recorded]]] = {
    "codecarbon": lambda c: read_emissions(Path(c.source)),
    "carbontracker": lambda c: read_logs(Path(c.source)),
    "zeus": lambda c: read_windows(Path(c.source)),
    "mlflow": lambda c: read_mlflow(c.source, c.run, c.naming),
    "tensorboard": lambda c: read_events(Path(c.source), c.naming),
    "wandb": lambda c: read_folder(Path(c.source), c.naming),
    "sacct": lambda c: read_job(c.source, None if c.saved is None else Path(c.saved)),
    "csv": lambda c: read_table(Path(c.source), c.naming),
}
NAMES: dict[Tool, str] = {"csv": "a CSV table"}
"""In prose, where they differ from those on the command line."""


def import_runs(config: ImportConfig, command: str) -> tuple[RunFolder, Record]:
    """Read what the tool recorded and write it as one run of kind `import`.

    Raises:
        BadInputError: for a source that cannot be read, a run that it does not hold, or one name for several runs.
    """
    found, path = _named(config, READERS[config.tool](config)), Path(config.saved or config.source)
    try:
        rows = [row for each in found for row in _rows(config, each, path.name)]
    except ValueError as error:  # a figure too large to convert
        raise BadInputError(f"{config.source}: {error}") from error
    first, grids = found[0], {each.grid for each in found}
    details: dict[str, Any] = {
        "tool": NAMES.get(config.tool, config.tool), "version": ", ".join(dict.fromkeys(each.version for each in found if each.version)),
        "file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        "remarks": list(dict.fromkeys(remark for each in found for remark in each.remarks)),
        "grid": asdict(first.grid) if len(grids) == 1 and first.grid is not None else None,
    }  # fmt: skip
    environment = {
        "system": first.system or None, "python": first.python or None, "gpus": [{"name": name} for name in first.hardware],
        "cpu": None if first.hardware else first.device or None, "packages": {config.tool: first.version} if first.version else {},
    }  # fmt: skip
    run = new_run(config.out, f"{config.tool}-import")
    settings = {**asdict(config), "mapping": list(config.mapping), "device": first.device_kind}
    record = Record(
        run.path.name, now(), "finished", command, settings, environment, tuple(rows), details=details, kind="import"
    )
    with run.locked():
        run.write(record)
    return run, record


def _named(config: ImportConfig, found: Sequence[Recorded]) -> list[Recorded]:
    """The runs by distinct names: the one that was asked for, or all.

    Raises:
        BadInputError: for one name for several runs, or a run that there is not.
    """
    names = told_apart([each.name for each in found])
    if config.run is not None and config.tool != "mlflow":
        found = [found[names.index(choose(config.run, names, f"run of {config.source}"))]]
        names = (config.run,)
    if config.name is not None and len(found) > 1:
        raise BadInputError(
            f"--name {config.name}: {config.source} holds {len(found)} runs; name one of them after it, or leave out --name"
        )
    return [replace(each, name=config.name or name) for each, name in zip(found, names, strict=True)]


def _rows(config: ImportConfig, each: Recorded, source: str) -> Iterator[Measurement]:
    phase = AS_RECORDED.get(config.phase, config.phase)
    held = Conditions(device=each.place(source), pue=each.pue, grid=None if each.grid is None else each.grid.label)
    figures = each.figures
    stated = (
        None if config.audio_hours is None else Quantity(config.audio_hours, "h", "stated", note="stated by the user")
    )
    hours = stated or figures.get(("audio_hours_seen", None))
    if hours is not None:
        energy = {scope: quantity for (metric, scope), quantity in figures.items() if metric == "energy" and scope}
        figures = {
            **per_audio_hour(hours, figures["duration", None], energy),
            **figures,
            ("audio_hours_seen", None): hours,
        }
    for (metric, scope), quantity in figures.items():
        own = "evaluation" if metric in RATES else phase
        yield Measurement(each.name, metric, flawed(quantity, each.flaw), own, scope, held)
