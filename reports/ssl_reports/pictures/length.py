"""Cost against clip or batch length: `sweep.png` of one `measure --sweep`, and a figure for print of several models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Record, headline_scope
from ssl_reports.flaw_marks import sign
from ssl_reports.pictures.drawing import Drawing, Row, columns, left_out, no_figure, sentences
from ssl_reports.pictures.look import Look
from ssl_reports.pictures.scales import draw_scale, limits
from ssl_reports.pictures.style import BLUE, COLUMN_INCHES, GREY, METERED, SMALL_POINTS, VERMILION, nth
from ssl_reports.pictures.training import write_figure
from ssl_reports.reading.cells import Cell, cells_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

PLAIN = Look()


@dataclass(frozen=True)
class Line:
    """The results of one model's sweep.

    Attributes:
        name: the model and its phase.
        run: the record's name.
        scope: the scope of energy.
        cells: the cells with a result, by length.
    """

    name: str
    run: str
    scope: str
    cells: tuple[Cell, ...]

    def found(self, metric: str, scope: str | None = None) -> list[tuple[float, Quantity]]:
        """Length and quantity of each cell that has a value."""
        pairs = ((cell.clip_seconds, cell.find(metric, scope)) for cell in self.cells)
        return [(length, q) for length, q in pairs if q is not None and q.value is not None]


def length_picture(records: Sequence[Record], runs: Sequence[str], look: Look = PLAIN) -> Drawing:
    """Joules per audio hour if metered for all, else speed; below it peak memory. `runs` are the records' names."""
    lines, failed = _lines(records, runs, look)
    about, omitted = "cost and peak memory against the length of a clip", left_out(failed)
    if not lines:
        return no_figure("cost-by-length", about, "no sweep over clip lengths has two results.", omitted)
    metered = all(
        len(found := line.found("energy_per_audio_hour", line.scope)) == len(line.cells)
        and all(q.method in METERED for _, q in found)
        for line in lines
    )
    cost = (
        ("energy_per_audio_hour", "Energy (J per audio hour)")
        if metered
        else ("audio_seconds_per_second", "Speed (× real time)")
    )
    what = "Energy per audio hour" if metered else "Speed"
    rows = tuple(row for line in lines for row in _rows(line, cost[0]))
    caption = sentences(
        f"{what} and peak memory against the length of a clip.",
        "Bars are 95 % intervals; very wide ones are cut." if any(row["low"] is not None for row in rows) else "",
        "Settings without a result are omitted." if omitted else "",
    )
    return Drawing("cost-by-length", caption, rows, omitted, _draw(lines, *cost))


def _lines(records: Sequence[Record], runs: Sequence[str], look: Look = PLAIN) -> tuple[list[Line], dict[str, str]]:
    lines: list[Line] = []
    failed: dict[str, str] = {}
    for record, run in zip(records, runs, strict=True):
        c = record.settings
        if record.kind != "measurement" or c.sweep is None or c.sweep[0] != "clip-seconds":
            continue
        name = f"{look.called(str(c.model))}, {c.phase}"
        cells = cells_of(record)
        failed |= {f"{name} at {cell.label}": cell.failed for cell in cells if cell.failed}
        good = sorted((cell for cell in cells if not cell.failed), key=lambda cell: cell.clip_seconds)
        if len(good) > 1:
            lines.append(Line(name, run, headline_scope(c.device), tuple(good)))
    shared = Counter(line.name for line in lines)
    return [replace(x, name=f"{x.name} ({x.run})") if shared[x.name] > 1 else x for x in lines], failed


def _rows(line: Line, cost: str) -> list[Row]:
    scope = line.scope if cost == "energy_per_audio_hour" else None
    found = [(cost, scope, pair) for pair in line.found(cost, scope)]
    found += [("peak_memory", None, pair) for pair in line.found("peak_memory")]
    return [
        {"model": line.name, "run": line.run, "metric": metric, "scope": scope, "clip_seconds": length, **columns(q)}
        for metric, scope, (length, q) in found
    ]


def _draw(lines: Sequence[Line], metric: str, label: str) -> Canvas:
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(COLUMN_INCHES, 3.0))
    above, below = canvas.subplots(2, 1, sharex=True)
    _draw_metric(above, lines, metric, 1.0)
    above.set_ylabel(label)
    _draw_metric(below, lines, "peak_memory", 2.0**-20)
    below.set_ylabel("Peak memory (MiB)")
    lengths = sorted({cell.clip_seconds for line in lines for cell in line.cells})
    name_axis(below, "clip-seconds", lengths)
    canvas.align_ylabels()
    canvas.legend(*above.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return canvas


def _draw_metric(axes: Any, lines: Sequence[Line], metric: str, factor: float) -> None:  # noqa: ANN401 - matplotlib's
    values, ends = [], []
    for number, line in enumerate(lines):
        found = line.found(metric, line.scope if metric == "energy_per_audio_hour" else None)
        heights = [(q.value or 0.0) * factor for _, q in found]
        style = nth(number)
        axes.plot([length for length, _ in found], heights, label=line.name, **style)
        for length, q in found:
            if q.ci95 is not None:
                low, high = q.ci95[0] * factor, q.ci95[1] * factor
                ends += [low, high]
                axes.plot([length, length], [low, high], "_-", color=style["color"], linewidth=0.7, markersize=4)
            if mark := sign(q):
                at = (length, (q.value or 0.0) * factor)
                axes.annotate(mark, at, (3, 2), textcoords="offset points", fontsize=SMALL_POINTS, color=style["color"])
        values += heights
    if values:
        low, high, logarithmic = limits(values, ends)
        draw_scale(axes.yaxis, low if logarithmic else 0.0, high, logarithmic)
    axes.grid(visible=True, axis="y")


def sweep_picture(record: Record, path: Path) -> bool:
    """Draw it; return False, drawing nothing, if fewer than two cells have a result.

    The upper panel shows joules per audio hour if metered, else speed: modelled joules carry no further information.
    """
    from matplotlib.figure import Figure

    key = record.config["sweep"][0] if record.config["sweep"] else "clip-seconds"
    cells = [cell for cell in cells_of(record) if not cell.failed]
    if len(cells) < 2:
        return False
    at = [cell.batch_seconds if key == "batch-seconds" else cell.clip_seconds for cell in cells]
    figure = Figure(figsize=(7, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    config = record.config
    above.set_title(f"{config['model']}, {config['phase']}, {config['precision']} on {config['device']}", fontsize=10)
    _draw_cost(above, at, cells, headline_scope(config["device"]))
    _draw_memory(below, at, cells)
    name_axis(below, key, at)
    figure.align_ylabels()
    write_figure(figure, path)
    return True


def _draw_cost(axes: Any, at: Sequence[float], cells: Sequence[Cell], scope: str) -> None:  # noqa: ANN401 - matplotlib's
    joules = [cell.find("energy_per_audio_hour", scope) for cell in cells]
    if all(q is not None and q.method in METERED for q in joules):
        _draw_quantity(axes, at, joules, factor=1.0, color=BLUE, style="o-", label=f"{scope}, gross, 95 % interval")
        axes.set_ylabel("Energy (J per audio hour)")
    else:
        speed = [cell.find("audio_seconds_per_second") for cell in cells]
        _draw_quantity(axes, at, speed, factor=1.0, color=BLUE, style="o-", label="median batch, 95 % interval")
        axes.set_ylabel("Speed (× real time)")
    _finish(axes)


def _draw_memory(axes: Any, at: Sequence[float], cells: Sequence[Cell]) -> None:  # noqa: ANN401 - matplotlib's
    curves = (
        ("peak_memory", VERMILION, "o-", "peak, measured"),
        ("predicted_peak_memory", GREY, "s--", "peak, predicted"),
        ("memory_weights", "black", ":", "weights"),
    )
    for metric, color, style, label in curves:
        found = [cell.find(metric) for cell in cells]
        _draw_quantity(axes, at, found, factor=2.0**-20, color=color, style=style, label=label)
    axes.set_ylabel("Memory (MiB)")
    _finish(axes)


def _finish(axes: Any) -> None:  # noqa: ANN401 - matplotlib's axes
    """Limits from zero to above the values; a much wider interval runs out of the figure."""
    values = [float(y) for line in axes.lines if not line.get_label().startswith("_") for y in line.get_ydata()]
    axes.set_ylim(0, 1.5 * max(values, default=1.0))
    axes.legend(frameon=False, fontsize=8)
    axes.grid(visible=True, axis="y", linewidth=0.3)


def _draw_quantity(
    axes: Any,  # noqa: ANN401 - matplotlib's axes
    at: Sequence[float],
    quantities: Sequence[Quantity | None],
    *,
    factor: float,
    color: str,
    style: str,
    label: str,
) -> None:
    """Draw the known values of a quantity with their intervals."""
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
    """A logarithmic axis of lengths, each labelled with its number."""
    axes.set_xscale("log")
    axes.set_xticks(sorted(set(at)), [f"{x:g}" for x in sorted(set(at))])
    axes.minorticks_off()
    axes.set_xlabel("Clip length (s)" if key == "clip-seconds" else "Audio per batch (s)")
