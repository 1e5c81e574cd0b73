"""Cost against the length of a clip, for print: a line for each model of `measure --sweep`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Record, headline_scope
from ssl_reports.pictures.drawing import Drawing, Row, columns, left_out, sentences
from ssl_reports.pictures.scales import draw_scale, limits
from ssl_reports.pictures.style import COLUMN_INCHES, METERED, nth
from ssl_reports.pictures.sweep import name_axis
from ssl_reports.reading.cells import Cell, cells_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas


@dataclass(frozen=True)
class Line:
    """What a sweep of a model found.

    Attributes:
        name: of the model, with its phase.
        run: its record's name.
        scope: whose joules count.
        cells: with a result, by length.
    """

    name: str
    run: str
    scope: str
    cells: tuple[Cell, ...]

    def found(self, metric: str, scope: str | None = None) -> list[tuple[float, Quantity]]:
        """Length and value, where there is one."""
        pairs = ((cell.clip_seconds, cell.find(metric, scope)) for cell in self.cells)
        return [(length, q) for length, q in pairs if q is not None and q.value is not None]


def length_picture(records: Sequence[Record], runs: Sequence[str]) -> Drawing:
    """Joules per audio hour where all lines have metered ones, else speed; below it peak memory. The records are called `runs`."""
    lines, failed = _lines(records, runs)
    about = "Cost and peak memory against the length of a clip."
    if not lines:
        why = "No sweep over clip lengths has two results."
        return Drawing("cost-by-length", sentences("No figure:", about, why, left_out(failed)))
    metered = all(
        len(found := line.found("energy_per_audio_hour", line.scope)) == len(line.cells)
        and all(q.method in METERED for _, q in found)
        for line in lines
    )
    cost = ("energy_per_audio_hour", "J per audio hour") if metered else ("audio_seconds_per_second", "audio s per s")
    modelled = "" if metered else "Speed stands for cost: joules were not metered for all."
    caption = sentences(about, "Bars are 95 % intervals, cut where they are far wider.", modelled, left_out(failed))
    rows = tuple(row for line in lines for row in _rows(line, cost[0]))
    return Drawing("cost-by-length", caption, rows, _draw(lines, *cost))


def _lines(records: Sequence[Record], runs: Sequence[str]) -> tuple[list[Line], dict[str, str]]:
    lines: list[Line] = []
    failed: dict[str, str] = {}
    for record, run in zip(records, runs, strict=True):
        c = record.settings
        if record.kind != "measurement" or c.sweep is None or c.sweep[0] != "clip-seconds":
            continue
        name = f"{c.model}, {c.phase}"
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
    below.set_ylabel("peak memory (MiB)")
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
        values += heights
    if values:
        low, high, logarithmic = limits(values, ends)
        draw_scale(axes.yaxis, low if logarithmic else 0.0, high, logarithmic)
    axes.grid(visible=True, axis="y")
