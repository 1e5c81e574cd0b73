"""`sslbench report`: the records that were named, and the folder made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_benchmarks.record.record import read_record
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from ssl_reports.reading.evidence import Evidence


def read_evidence(runs: Sequence[str]) -> Evidence:
    """The records of run folders, or of `run.json` files, in the order named.

    Raises:
        BadInputError: naming the first that cannot be read.
    """
    from ssl_reports.reading.evidence import distinct

    paths = [_record_path(Path(run)) for run in runs]
    return distinct([read_record(path) for path in paths], [path.parent for path in paths])


def _record_path(path: Path) -> Path:
    if path.is_dir():
        if not (path / "run.json").is_file():
            raise BadInputError(f"{path}: no run.json in it; name the folder of a run")
        return path / "run.json"
    if not path.exists():
        raise BadInputError(f"{path}: no such run; name the folder of a run")
    return path
