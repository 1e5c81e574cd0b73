"""The figure of one training run."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.files.atomic import write_atomically
from ssl_reports.pictures.style import BLUE, GREY, VERMILION

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def training_picture(metrics: Sequence[dict[str, Any]], trace: pd.DataFrame, path: Path) -> None:
    """Loss and masked accuracy over time above, power below; attempts follow one another on one time axis."""
    import pandas as pd
    from matplotlib.figure import Figure

    curve, power = pd.DataFrame(metrics), trace.rename(columns={"time_s": "seconds"})
    starts = _starts(curve, power)
    curve, power = _timed(curve, starts), _timed(power, starts)
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    _draw_curve(above, curve)
    _draw_power(below, power)
    figure.align_ylabels()
    write_figure(figure, path)


def write_figure(figure: Figure, path: Path) -> None:
    """Write a PNG, whole or not at all."""
    png = io.BytesIO()
    figure.savefig(png, dpi=150)
    write_atomically(path, png.getvalue())


def _starts(*frames: pd.DataFrame) -> pd.Series[float]:
    """Start of each attempt in seconds, without pauses; an attempt ends with its last logged step or sample."""
    import pandas as pd

    known = [frame[["attempt", "seconds"]] for frame in frames if not frame.empty and "attempt" in frame]
    if not known:
        return pd.Series(dtype=float)
    return pd.concat(known).groupby("attempt")["seconds"].max().shift(fill_value=0.0).cumsum()


def _timed(frame: pd.DataFrame, starts: pd.Series[float]) -> pd.DataFrame:
    """The frame with `minutes`, the time since the start of the first attempt."""
    if frame.empty:
        return frame
    before = frame["attempt"].map(starts) if "attempt" in frame else 0.0
    return frame.assign(minutes=(frame["seconds"] + before) / 60)


def _draw_curve(axes: Any, curve: pd.DataFrame) -> None:  # noqa: ANN401 - matplotlib's axes
    if curve.empty:
        axes.text(0.5, 0.5, "no training step", ha="center", transform=axes.transAxes)
        return
    axes.plot(curve["minutes"], curve["loss"], color=BLUE, linewidth=1.2)
    axes.set_ylabel("loss (nats)", color=BLUE)
    if "target_entropy" in curve:
        entropy = curve["target_entropy"].mean()
        axes.axhline(entropy, color=GREY, linewidth=0.9, linestyle="--")
        axes.annotate(
            "entropy of the targets", (0.99, entropy), xycoords=("axes fraction", "data"), xytext=(0, 2),
            textcoords="offset points", ha="right", va="bottom", color=GREY, fontsize=8,
        )  # fmt: skip
    if "masked_accuracy" in curve:
        right = axes.twinx()
        right.plot(curve["minutes"], 100 * curve["masked_accuracy"], color=VERMILION, linewidth=1.2, linestyle="-.")
        right.set_ylabel("masked accuracy (%)", color=VERMILION)
        # Headroom, so that the curve does not cross the label of the line.
        right.set_ylim(0, 125 * max(curve["masked_accuracy"].max(), 1e-6))
    axes.grid(visible=True, axis="y", linewidth=0.3)


def _draw_power(axes: Any, power: pd.DataFrame) -> None:  # noqa: ANN401 - matplotlib's axes
    import pandas as pd

    axes.set_xlabel("time (min)")
    axes.set_ylabel("power (W)")
    known = power.dropna(subset=["power_w"]) if "power_w" in power else pd.DataFrame()
    if known.empty:
        axes.text(0.5, 0.5, "no power reading on this machine", ha="center", transform=axes.transAxes)
        return
    styles = ("-", "--", "-.", ":")
    for number, (device, samples) in enumerate(known.groupby("device", sort=True)):
        methods = ", ".join(sorted(samples["method"].unique()))
        label = f"{device} ({methods})"
        color = (BLUE, VERMILION, GREY, "black")[number % 4]
        axes.plot(samples["minutes"], samples["power_w"], styles[number % 4], color=color, label=label, linewidth=1)
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="lower right")
    axes.grid(visible=True, axis="y", linewidth=0.3)
