"""The run that holds what another tool recorded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from ssl_bench.importing.carbontracker import read_logs
from ssl_bench.importing.codecarbon import read_emissions
from ssl_bench.importing.recorded import Recorded
from ssl_bench.sessions.run_folder import RunFolder, new_run
from ssl_bench.sessions.session import now
from ssl_bench.settings.importing import ImportConfig
from ssl_bench.settings.metering import AS_RECORDED
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_models.errors import BadInputError

READERS: dict[str, Callable[[Path], list[Recorded]]] = {"codecarbon": read_emissions, "carbontracker": read_logs}


def import_runs(config: ImportConfig, command: str) -> tuple[RunFolder, Record]:
    """Read the file and write its runs as one run of kind `import`.

    Raises:
        BadInputError: for a file that cannot be read, or one name for several runs.
    """
    path = Path(config.source)
    found = READERS[config.tool](path)
    if config.name is not None and len(found) > 1:
        raise BadInputError(f"--name {config.name}: {path} holds {len(found)} runs; leave it out, or split the file")
    rows = [row for each in found for row in _rows(config, each)]
    details = {
        "tool": config.tool, "version": ", ".join(dict.fromkeys(each.version for each in found)), "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
    }  # fmt: skip
    first = found[0]
    environment = {
        "system": first.system or None, "python": first.python or None, "gpus": [{"name": name} for name in first.gpus],
        "cpu": None if first.gpus else first.device, "packages": {config.tool: first.version},
    }  # fmt: skip
    run = new_run(config.out, f"{config.tool}-import")
    settings = {**asdict(config), "device": "cuda" if first.gpus else "cpu"}
    record = Record(
        run.path.name, now(), "finished", command, settings, environment, tuple(rows), details=details, kind="import"
    )
    with run.locked():
        run.write(record)
    return run, record


def _rows(config: ImportConfig, each: Recorded) -> Iterator[Measurement]:
    name, phase = config.name or each.name, AS_RECORDED.get(config.phase, config.phase)
    held = Conditions(device=each.device, pue=each.pue, grid=each.grid)
    devices = max(1, len(each.gpus))
    figures: list[tuple[str, str | None, Quantity]] = [
        ("duration", None, each.seconds),
        ("device_hours", None, each.seconds.scaled(devices / 3600, "h")),
        *(("energy", scope, quantity) for scope, quantity in each.energy.items()),
        ("co2e", "machine", each.carbon),
        *_per_hour(config.audio_hours, each),
    ]
    for metric, scope, quantity in figures:
        yield Measurement(name, metric, quantity, phase, scope, held)


def _per_hour(hours: float | None, each: Recorded) -> Sequence[tuple[str, str | None, Quantity]]:
    """Hours of audio as stated, and what follows from them."""
    if hours is None:
        return ()
    seconds = each.seconds.value or 0.0
    rate = each.seconds.scaled(1.0, "s/s")
    speed = Quantity(3600 * hours / seconds, "s/s", rate.method, note=rate.note) if seconds else None
    return [
        ("audio_hours_seen", None, Quantity(hours, "h", "stated", note="stated by the user")),
        *([("audio_seconds_per_second", None, speed)] if speed else []),
        *(("energy_per_audio_hour", scope, q.scaled(1 / hours, "J/h")) for scope, q in each.energy.items()),
    ]
