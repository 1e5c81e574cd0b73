"""Power samples of the records that are on disk and have some."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_models.errors import BadInputError
from ssl_reports.reading.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd

NUMBERS, WORDS = ("time_s", "power_w"), ("device", "method")
"""Columns of a trace."""


def power_traces(evidence: Evidence) -> Iterator[tuple[int, pd.DataFrame]]:
    """By the records' numbers.

    Raises:
        BadInputError: for a file that holds no power samples.
    """
    for number, folder in enumerate(evidence.folders):
        if folder is not None and (path := folder / "power.parquet").is_file():
            yield number, _read(path)


def _read(path: Path) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    try:
        trace = pd.read_parquet(path)
        numbers = trace[list(NUMBERS)].astype(float).to_numpy()
        words = all(isinstance(word, str) for name in WORDS for word in trace[name])
    except Exception as error:  # of pyarrow's many kinds
        raise BadInputError(f"{path}: no power samples ({' '.join(str(error).split())[:160]})") from error
    if not words or not np.isfinite(numbers[:, 0]).all() or np.isinf(numbers).any():
        raise BadInputError(f"{path}: times and powers are finite numbers, devices and methods words")
    return trace
