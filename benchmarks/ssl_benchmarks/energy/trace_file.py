"""The power samples of a run on disk: `power.csv.gz`, a table that pandas and any spreadsheet can read."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.sources.trace import COLUMNS, Rows
from ssl_benchmarks.files.atomic import write_atomically

if TYPE_CHECKING:
    import pandas as pd

TRACE = "power.csv.gz"
OLDER_TRACE = "power.parquet"
"""The file of version 0.1."""
PARTS = ("attempt", "cell", "part")
"""Columns that name the part of a run that samples belong to; time starts at 0 in each."""
DECIMALS = 6
"""Decimal places: us, uW, finer than any counter's resolution."""


def append_traces(folder: Path, traces: Iterable[tuple[Rows, Mapping[str, int | str]]]) -> None:
    """Append samples, by `COLUMNS`, each series with its labels out of `PARTS`, to the run's file, which is replaced as a whole.

    Appended samples are compressed separately, so that a long run's earlier samples are not parsed again.
    """
    path = folder / TRACE
    before = known = path.read_bytes() if path.is_file() else b""
    for samples, label in traces:
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        if not known:
            lines.writerow([*COLUMNS, *PARTS])
        labels = [label.get(part, "") for part in PARTS]
        count = 0
        for count, sample in enumerate(samples, start=1):  # noqa: B007 - the number of the last one is needed
            lines.writerow([*map(_shown, sample), *labels])
        if count:
            known += gzip.compress(text.getvalue().encode(), mtime=0)
    if len(known) > len(before):
        write_atomically(path, known)


def _shown(value: float | str) -> float | str:
    """A rounded number, nothing for one that is not known, or a word."""
    if isinstance(value, str):
        return value
    return "" if math.isnan(value) else round(value, DECIMALS)


def _checked(trace: pd.DataFrame) -> pd.DataFrame:
    """A table whose times are finite, powers finite or unknown, and devices and methods text.

    Raises:
        ValueError, TypeError, KeyError: if the table is not of this form.
    """
    import numpy as np

    numbers = trace[["time_s", "power_w"]].astype(float).to_numpy()
    words = all(isinstance(word, str) for name in ("device", "method") for word in trace[name])
    if not words or not np.isfinite(numbers[:, 0]).all() or np.isinf(numbers).any():
        raise ValueError("no power samples")
    return trace


def read_trace(folder: Path) -> pd.DataFrame:
    """The samples of a run, those of an older file first; empty if there are none.

    `attrs["unread"]` names a file that could not be read, with the reason; otherwise it is empty.
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
            unread.append(f"{path}: reading it needs pyarrow (pip install pyarrow)")
        except Exception as error:  # noqa: BLE001 - pandas, gzip and pyarrow raise many kinds
            unread.append(f"{path}: unreadable ({' '.join(str(error).split())[:160]})")
    trace = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    trace = trace.drop(columns=[part for part in PARTS if part in trace and trace[part].isna().all()])
    trace.attrs["unread"] = "; ".join(unread)
    return trace
