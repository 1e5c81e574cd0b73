"""`sslbench export`: a finished or unfinished run, to a tracker or as a file of another tool."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ssl_bench.exporting.codecarbon import write_emissions
from ssl_bench.exporting.follower import Follower
from ssl_bench.exporting.tables import write_csv, write_parquet
from ssl_bench.settings.exporting import ExportConfig
from ssl_benchmarks.record.record import Record, read_run
from ssl_models.errors import BadInputError

FILES: dict[str, tuple[str, Callable[[Record, Path], object]]] = {
    "csv": ("measurements.csv", write_csv),
    "parquet": ("measurements.parquet", write_parquet),
    "codecarbon": ("emissions.csv", write_emissions),
}
"""The name of each form's file in a run folder, and what writes it."""


def export(config: ExportConfig) -> tuple[Record, str]:
    """Export the run; returns its record, and where the export is found.

    Raises:
        BadInputError: for a run that cannot be read, or a place that cannot be written.
        TrackerError: if a tracker did not take it.
    """
    config.check()
    record, folder = read_run(config.run), _folder(config.run)
    if config.to in FILES:
        name, write = FILES[config.to]
        path = folder / name if config.out is None else Path(config.out)
        try:
            write(record, path)
        except OSError as error:
            raise BadInputError(f"{path}: cannot be written ({error.strerror}); choose another --out") from error
        return record, str(path)
    follower = Follower(config.destination, folder)
    follower.close()
    return record, follower.place


def _folder(run: str) -> Path:
    path = Path(run)
    return path if path.is_dir() else path.parent
