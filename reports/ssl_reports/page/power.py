"""Power over time for a screen: figures for plotly without colours, thinned."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any

from ssl_reports.pictures.style import METERED
from ssl_reports.pictures.trace import binned_trace
from ssl_reports.reading.evidence import Evidence
from ssl_reports.tables.numbers import decimal

if TYPE_CHECKING:
    import pandas as pd

BINS, SHOWN = 600, 24
"""Points per line, and the most runs whose power the page contains."""
DIGITS = 6
"""Significant digits; the samples themselves are in the run's power.csv.gz."""
HEADS = ("run", "device", "method", "samples", "lowest (W)", "highest (W)")


def page_traces(evidence: Evidence, traces: Mapping[int, pd.DataFrame]) -> dict[str, Any]:
    """The power of the first runs that were metered; `none` says why there are none."""
    metered = {number: trace for number, trace in traces.items() if len(trace) and set(trace["method"]) & METERED}
    binned = [(evidence.labels[number], binned_trace(trace, BINS)) for number, trace in islice(metered.items(), SHOWN)]
    runs = [_run(label, bins) for label, bins in binned if not bins.empty]
    modelled = any(len(trace) for trace in traces.values())
    none = "Power was not metered in these runs, only modelled: there is no curve to show."
    return {
        "of": len(metered), "runs": runs, "heads": HEADS,
        "none": "" if runs else none if modelled else "None of these runs has a power trace.",
    }  # fmt: skip


def _run(label: str, binned: pd.DataFrame) -> dict[str, Any]:
    factor, unit = _clock(float(binned["minutes"].max()))
    groups = [(str(device), str(method), bins) for (device, method), bins in binned.groupby(["device", "method"])]
    starts = [start * factor for start in binned.attrs["starts"]]
    return {
        "run": label, "lines": [line for group in groups for line in _lines(*group, factor)],
        "layout": {
            "xaxis": {"title": {"text": f"Time ({unit})"}}, "yaxis": {"title": {"text": "Power (W)"}, "rangemode": "tozero", "fixedrange": True},
            "shapes": [_rule(start) for start in starts],
        },
        "said": _said(binned),
        "table": [
            (device, method, f"{bins['samples'].sum():,}", *(decimal(float(end)) for end in (bins["lowest_w"].min(), bins["highest_w"].max())))
            for device, method, bins in groups
        ],
    }  # fmt: skip


def _clock(minutes: float) -> tuple[float, str]:
    """Factor from minutes and unit for the length of a run."""
    return (60, "s") if minutes < 3 else (1, "min") if minutes < 180 else (1 / 60, "h")


def _lines(device: str, method: str, bins: pd.DataFrame, factor: float) -> list[dict[str, Any]]:
    """Lowest and highest samples, whose band is filled, and the mean between them."""
    times = _short(bins["minutes"] * factor)
    name = escape(f"{device} ({method})", quote=False)
    powers = [_short(bins[column]) for column in ("lowest_w", "highest_w", "power_w")]
    lines: list[dict[str, Any]] = [{"type": "scatter", "x": times, "y": power, "name": name} for power in powers]
    lines[-1]["line"] = {"dash": "solid" if method in METERED else "dash"}
    return lines


def _short(values: pd.Series[float]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]


def _rule(at: float) -> dict[str, Any]:
    """Where one measurement ends and the next begins."""
    return {"type": "line", "x0": at, "x1": at, "yref": "paper", "y0": 0, "y1": 1, "line": {"width": 1, "dash": "dot"}}


def _said(binned: pd.DataFrame) -> str:
    samples, wide = int(binned["samples"].sum()), decimal(float(binned.attrs["bin_s"]))
    thinned = (
        f"Thinned for display: {samples:,} samples are shown as {len(binned):,} means over {wide} s; bands span the "
        "lowest to the highest sample."
    )
    shown = thinned if binned["samples"].max() > 1 else f"All {samples:,} samples, on a grid of {wide} s."
    cut = " Dotted lines separate consecutive measurements; pauses are cut." if binned.attrs["starts"] else ""
    return f"{shown} The samples are in the run's power.csv.gz.{cut}"
