"""The power trace of a run for print."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.energy.trace_file import PARTS
from ssl_reports.pictures.drawing import Drawing, no_figure, sentences
from ssl_reports.pictures.style import COLUMN_INCHES, METERED, nth

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure as Canvas

FOLDER = re.compile(r"(^|; |')[^;']*?[/\\](?=power\.)")
"""The folders of files that could not be read, also where a library quotes them."""
BINS = 300
"""As many bins as one column in print can show."""


def trace_picture(name: str, run: str, trace: pd.DataFrame) -> Drawing:
    """Mean power over time, one line per metered device, with the range of its samples; parts follow one another."""
    binned = binned_trace(trace)
    if binned.empty:
        why = FOLDER.sub(r"\1", trace.attrs.get("unread", "")) or "there are no power readings."
        return no_figure(name, f"power over time of {run}", why)
    width = float(binned.attrs["bin_s"])
    methods = sorted(set(binned["method"]))
    if not METERED & set(methods):
        return no_figure(name, f"power over time of {run}", f"its power is {' and '.join(methods)}, not metered.")
    many = binned["samples"].max() > 1
    caption = sentences(
        f"Power over time of {run}.",
        f"Lines are means over {width:.3g} s; bands span the lowest to the highest reading." if many else "",
        f"Power is {', '.join(methods)}{'' if set(methods) <= METERED else ', not metered'}.",
        "Dotted lines separate consecutive measurements; pauses are cut." if binned.attrs["starts"] else "",
    )
    rows = tuple({"run": run, **{str(k): v for k, v in row.items()}} for row in binned.to_dict("records"))
    return Drawing(name, caption, rows, canvas=_draw(binned))


def binned_trace(trace: pd.DataFrame, bins: int = BINS) -> pd.DataFrame:
    """Mean, lowest and highest power of each device in bins of equal length.

    Args:
        trace: samples: `time_s`, `device`, `power_w`, `method`, and the columns that identify the parts of the run.
        bins: number of bins.

    Returns:
        `device`, `method`, `minutes` (of the bin's middle), `power_w`, `lowest_w`, `highest_w` and `samples`; its `attrs`
        hold the bins' width `bin_s` and the `starts` of parts after the first, in minutes.
    """
    import pandas as pd

    known = trace.dropna(subset=["power_w"]) if "power_w" in trace else pd.DataFrame()
    if known.empty:
        return pd.DataFrame()
    known, starts = _on_one_clock(known)
    width = max(float(known["seconds"].max()) / bins, 1e-9)
    known = known.assign(bin=(known["seconds"] / width).astype(int).clip(upper=bins - 1))
    groups = known.groupby(["device", "method", "bin"], sort=True)["power_w"]
    found = groups.agg(["mean", "min", "max", "count"]).reset_index()
    binned = pd.DataFrame({
        "device": found["device"], "method": found["method"], "minutes": (found["bin"] + 0.5) * width / 60,
        "power_w": found["mean"], "lowest_w": found["min"], "highest_w": found["max"], "samples": found["count"],
    })  # fmt: skip
    binned.attrs = {"bin_s": width, "starts": [start / 60 for start in starts[1:]]}
    return binned


def _on_one_clock(trace: pd.DataFrame) -> tuple[pd.DataFrame, list[float]]:
    """The trace with `seconds` since the start of the first part, and the start of each part in seconds."""
    keys = [key for key in PARTS if key in trace]
    if not keys:
        return trace.assign(seconds=trace["time_s"]), [0.0]
    part = trace[keys].astype(object).fillna("").astype(str).agg("/".join, axis=1)  # a cell may be empty
    lengths = trace["time_s"].groupby(part, sort=False).max()
    starts = lengths.shift(fill_value=0.0).cumsum()
    return trace.assign(seconds=trace["time_s"] + part.map(starts)), [float(start) for start in starts]


def _draw(binned: pd.DataFrame) -> Canvas:
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(COLUMN_INCHES, 1.8))
    axes = canvas.subplots()
    for number, (device, samples) in enumerate(binned.groupby("device", sort=True)):
        _draw_device(axes, f"{device} ({', '.join(sorted(set(samples['method'])))})", samples, number)
    for start in binned.attrs["starts"]:
        axes.axvline(start, color="black", linewidth=0.5, linestyle=":")
    axes.set_xlim(0, float(binned["minutes"].max()) * 1.01)
    axes.set_ylim(0, 1.1 * float(binned["highest_w"].max()) or 1.0)
    axes.set_xlabel("Time (min)")
    axes.set_ylabel("Power (W)")
    axes.grid(visible=True, axis="y")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    return canvas


def _draw_device(axes: Any, label: str, samples: pd.DataFrame, number: int) -> None:  # noqa: ANN401 - matplotlib's axes
    style = {**nth(number), "marker": ""}
    axes.fill_between(
        samples["minutes"], samples["lowest_w"], samples["highest_w"], color=style["color"], alpha=0.25, linewidth=0
    )
    axes.plot(samples["minutes"], samples["power_w"], label=label, **style)
