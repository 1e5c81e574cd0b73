"""The power samples of a run on disk: `power.csv.gz`, a table that pandas and any spreadsheet read."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.sources.trace import COLUMNS
from ssl_benchmarks.record.record import write_atomically

if TYPE_CHECKING:
    import pandas as pd

TRACE = "power.csv.gz"
OLDER_TRACE = "power.parquet"
"""As version 0.1 wrote it."""
PARTS = ("attempt", "cell", "part")
"""Columns that tell which part of a run samples are of; time starts anew in each."""
DECIMALS = 6
"""Of every number: us, uW, finer than any counter is read."""


def append_traces(folder: Path, traces: Sequence[pd.DataFrame]) -> None:
    """Append samples, columns `COLUMNS` and any of `PARTS`, to the run's file; the file is replaced whole.

    What is appended is compressed by itself, so that a long run's earlier samples are not parsed again.
    """
    path, columns = folder / TRACE, [*COLUMNS, *PARTS]
    known = path.read_bytes() if path.is_file() else b""
    for trace in traces:
        if len(trace):
            text = trace.reindex(columns=columns).round(DECIMALS).to_csv(index=False, header=not known)
            known += gzip.compress(text.encode(), mtime=0)
    if known:
        write_atomically(path, known)


def _checked(trace: pd.DataFrame) -> pd.DataFrame:
    """A table whose times and powers are finite numbers, or a power that is not known, and whose devices and methods are words.

    Raises:
        ValueError, TypeError, KeyError: for any other table.
    """
    import numpy as np

    numbers = trace[["time_s", "power_w"]].astype(float).to_numpy()
    words = all(isinstance(word, str) for name in ("device", "method") for word in trace[name])
    if not words or not np.isfinite(numbers[:, 0]).all() or np.isinf(numbers).any():
        raise ValueError("no power samples")
    return trace


def read_trace(folder: Path) -> pd.DataFrame:
    """The samples of a run, those of an older file first; empty where it has none.

    `attrs["unread"]` says which file could not be read and why, else it is empty.
    """
    import pandas as pd

    frames, unread = [], []
    for name, read in ((OLDER_TRACE, pd.read_parquet), (TRACE, pd.read_csv)):
        path = folder / name
        if not path.is_file():
            continue
        try:
            frames.append(_checked(read(path)))
        except ImportError:
            unread.append(f"{path}: needs pyarrow to be read (pip install pyarrow)")
        except Exception as error:  # noqa: BLE001 - of pandas', gzip's and pyarrow's many kinds
            unread.append(f"{path}: not readable ({' '.join(str(error).split())[:160]})")
    trace = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    trace = trace.drop(columns=[part for part in PARTS if part in trace and trace[part].isna().all()])
    trace.attrs["unread"] = "; ".join(unread)
    return trace
