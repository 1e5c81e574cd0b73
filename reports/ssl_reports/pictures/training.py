"""The figure of one training run."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.files.atomic import write_atomically
from ssl_reports.pictures.style import BLUE, GREY, MUTED, SMALL_POINTS, VERMILION, nth, print_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def training_picture(metrics: Sequence[dict[str, Any]], trace: pd.DataFrame, path: Path) -> None:
    """Loss, masked accuracy and power over time, one below the other; attempts follow one another on one time axis."""
    import pandas as pd
    from matplotlib.figure import Figure

    curve, power = pd.DataFrame(metrics), trace.rename(columns={"time_s": "seconds"})
    starts = _starts(curve, power)
    curve, power = _timed(curve, starts), _timed(power, starts)
    panels = [_draw_loss, *([_draw_accuracy] if "masked_accuracy" in curve else [])]
    with print_style():
        figure = Figure(figsize=(7, 4.6))
        *above, below = figure.subplots(len(panels) + 1, 1, sharex=True)
        for axes, draw in zip(above, panels, strict=True):
            draw(axes, curve)
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


def _draw_loss(axes: Any, curve: pd.DataFrame) -> None:  # noqa: ANN401 - matplotlib's axes
    axes.set_ylabel("Loss (nats)")
    axes.grid(visible=True, axis="y")
    if curve.empty:
        axes.text(0.5, 0.5, "no training step", ha="center", transform=axes.transAxes)
        return
    axes.plot(curve["minutes"], curve["loss"], color=BLUE)
    if "target_entropy" in curve:
        entropy = curve["target_entropy"].mean()
        axes.axhline(entropy, color=GREY, linewidth=0.9, linestyle="--")
        axes.annotate(
            "entropy of\nthe targets", (1, entropy), xycoords=("axes fraction", "data"), xytext=(3, 0),
            textcoords="offset points", va="center", color=MUTED, fontsize=SMALL_POINTS,
        )  # fmt: skip


def _draw_accuracy(axes: Any, curve: pd.DataFrame) -> None:  # noqa: ANN401 - matplotlib's axes
    axes.plot(curve["minutes"], 100 * curve["masked_accuracy"], color=VERMILION)
    axes.set_ylabel("Masked accuracy (%)")
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, axis="y")


def _draw_power(axes: Any, power: pd.DataFrame) -> None:  # noqa: ANN401 - matplotlib's axes
    import pandas as pd

    axes.set_xlabel("Time (min)")
    axes.set_ylabel("Power (W)")
    known = power.dropna(subset=["power_w"]) if "power_w" in power else pd.DataFrame()
    if known.empty:
        axes.text(0.5, 0.5, "no power reading on this machine", ha="center", transform=axes.transAxes)
        return
    for number, (device, samples) in enumerate(known.groupby("device", sort=True)):
        label = f"{device} ({', '.join(sorted(samples['method'].unique()))})"
        axes.plot(samples["minutes"], samples["power_w"], label=label, **{**nth(number), "marker": ""})
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    axes.grid(visible=True, axis="y")
