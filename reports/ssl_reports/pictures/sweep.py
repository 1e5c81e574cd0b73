"""The picture of a sweep: what an hour of audio costs, and the memory it takes, against the size of clip or batch."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Record, headline_scope
from ssl_reports.pictures.training import BLUE, GREY, ORANGE, write_figure
from ssl_reports.reading.cells import Cell, cells_of

METERED = ("measured", "sampled")


def sweep_picture(record: Record, path: Path) -> bool:
    """Draw it; False where fewer than two cells have a result, and nothing is drawn.

    Above, joules an audio hour where they are metered, else the speed, since modelled joules say no more than that.
    """
    from matplotlib.figure import Figure

    c = record.settings
    key = c.sweep[0] if c.sweep is not None else "clip-seconds"
    cells = [cell for cell in cells_of(record) if not cell.failed]
    if len(cells) < 2:
        return False
    at = [cell.batch_seconds if key == "batch-seconds" else cell.clip_seconds for cell in cells]
    figure = Figure(figsize=(7, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    above.set_title(f"{c.model}, {c.phase}, {c.precision} on {c.device}", fontsize=10)
    _draw_cost(above, at, cells, headline_scope(c.device))
    _draw_memory(below, at, cells)
    name_axis(below, key, at)
    figure.align_ylabels()
    write_figure(figure, path)
    return True


def _draw_cost(axes: Any, at: Sequence[float], cells: Sequence[Cell], scope: str) -> None:  # noqa: ANN401 - matplotlib's
    joules = [cell.find("energy_per_audio_hour", scope) for cell in cells]
    if all(q is not None and q.method in METERED for q in joules):
        _draw(axes, at, joules, factor=1.0, color=BLUE, style="o-", label=f"{scope}, gross, 95 % interval")
        axes.set_ylabel("J per audio hour")
    else:
        speed = [cell.find("audio_seconds_per_second") for cell in cells]
        _draw(axes, at, speed, factor=1.0, color=BLUE, style="o-", label="median call, 95 % interval")
        axes.set_ylabel("audio seconds a second")
    _finish(axes)


def _draw_memory(axes: Any, at: Sequence[float], cells: Sequence[Cell]) -> None:  # noqa: ANN401 - matplotlib's
    curves = (
        ("peak_memory", ORANGE, "o-", "peak, measured"),
        ("predicted_peak_memory", GREY, "s--", "peak, predicted"),
        ("memory_weights", "black", ":", "weights"),
    )
    for metric, color, style, label in curves:
        found = [cell.find(metric) for cell in cells]
        _draw(axes, at, found, factor=2.0**-20, color=color, style=style, label=label)
    axes.set_ylabel("memory in MiB")
    _finish(axes)


def _finish(axes: Any) -> None:  # noqa: ANN401 - matplotlib's axes
    """Drawn from zero up to where the values are: an interval that is far wider runs out of the picture."""
    values = [float(y) for line in axes.lines if not line.get_label().startswith("_") for y in line.get_ydata()]
    axes.set_ylim(0, 1.5 * max(values, default=1.0))
    axes.legend(frameon=False, fontsize=8)
    axes.grid(visible=True, axis="y", linewidth=0.3)


def _draw(
    axes: Any,  # noqa: ANN401 - matplotlib's axes
    at: Sequence[float],
    quantities: Sequence[Quantity | None],
    *,
    factor: float,
    color: str,
    style: str,
    label: str,
) -> None:
    """What there is of a quantity, with its intervals."""
    there = ((x, q) for x, q in zip(at, quantities, strict=True) if q is not None and q.value is not None)
    known = sorted(there, key=itemgetter(0))
    if not known:
        return
    places, values = [x for x, _ in known], [(q.value or 0.0) * factor for _, q in known]
    axes.plot(places, values, style, color=color, label=label, linewidth=1.2, markersize=4)
    for x, quantity in known:
        if quantity.ci95 is not None:
            axes.plot([x, x], [end * factor for end in quantity.ci95], "_-", color=color, linewidth=0.8, markersize=6)


def name_axis(axes: Any, key: str, at: Sequence[float]) -> None:  # noqa: ANN401 - matplotlib's axes
    """Sizes along a logarithmic axis, each with its number."""
    axes.set_xscale("log")
    axes.set_xticks(sorted(set(at)), [f"{x:g}" for x in sorted(set(at))])
    axes.minorticks_off()
    axes.set_xlabel("seconds of a clip" if key == "clip-seconds" else "seconds of audio in a batch")
