"""Power traces thinned for a screen."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from ssl_reports.pictures.trace import binned_trace
from ssl_reports.reading.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd

BINS, SHOWN = 600, 24
"""Points a line, and runs whose power the page holds."""
COLUMNS = ("minutes", "power_w", "lowest_w", "highest_w")
DIGITS = 6
"""Significant ones; the samples themselves are in the run's power.csv.gz."""


def page_traces(evidence: Evidence, traces: Mapping[int, pd.DataFrame]) -> dict[str, Any]:
    """Mean, lowest and highest power in bins, for each device of the first runs that have a trace."""
    shown = [(evidence.labels[number], binned_trace(trace, BINS)) for number, trace in islice(traces.items(), SHOWN)]
    return {"of": len(traces), "runs": [_run(label, binned) for label, binned in shown if not binned.empty]}


def _run(label: str, binned: pd.DataFrame) -> dict[str, Any]:
    lines = [
        {"device": str(device), "method": str(method), "samples": int(bins["samples"].sum())}
        | {name: [float(f"{value:.{DIGITS}g}") for value in bins[name]] for name in COLUMNS}
        for (device, method), bins in binned.groupby(["device", "method"], sort=True)
    ]
    return {
        "run": label, "seconds": float(binned.attrs["bin_s"]), "starts": binned.attrs["starts"], "lines": lines,
        "thinned": bool(binned["samples"].max() > 1),
    }  # fmt: skip
