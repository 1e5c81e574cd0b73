"""A Pareto plot for print: cost against error, with the frontier as a staircase and dominated points muted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.pictures.drawing import Drawing, Row, columns, left_out, no_figure, sentences
from ssl_reports.pictures.labels import Name, Segment, draw_names
from ssl_reports.pictures.scales import draw_scale, limits
from ssl_reports.pictures.style import BLUE, CLOUD, COLUMN_INCHES, GREY, MUTED, SKY
from ssl_reports.reading.axes import Axis, axis_unit
from ssl_reports.reading.frontier import Plot, Point, frontier
from ssl_reports.words import capital

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

MARKS = {
    "measured": ("o", True, "measured or counted"),
    "modelled": ("o", False, "modelled"),
    "projected": ("^", False, "projected"),
    "published": ("s", False, "published"),
    "stated": ("D", False, "stated"),
}
"""Marker of each method, whether it is filled, and the word for it."""
FEWEST = 3
"""Fewer points make no figure: a table says the same."""
LABELLED, IN_CROWD = 40, 12
"""With more than `LABELLED` points, only `IN_CROWD` on the frontier are named, and dominated points have no bars."""


def pareto_picture(name: str, plot: Plot) -> Drawing:
    """Draw it; no figure for fewer than three points, if all of them are published, or if all cost about the same."""
    points = [placed.point for placed in plot.placed]
    own = [point for point in points if not point.elsewhere]
    best = frontier(own, high_x=plot.x.high, high_y=plot.y.high)
    omitted = left_out({model: reason.partition(f"; {plot.y.name} ")[0] for model, reason in plot.missing.items()})
    if why := _too_little(plot, points, own):
        return no_figure(name, f"{plot.y.name} against {plot.x.name}", why, omitted, _rows(plot, best))
    canvas, unnamed = _draw(plot, points, best)
    caption = sentences(
        f"{capital(plot.y.name)} against {_with_method(plot.x.name, own)}.",
        _said(plot, points, best),
        _unnamed(unnamed, points),
        "Models without both values are omitted." if omitted else "",
    )
    return Drawing(name, caption, _rows(plot, best), omitted, canvas)


def _too_little(plot: Plot, points: Sequence[Point], own: Sequence[Point]) -> str:
    """Why there is no figure; empty if there is one."""
    if len(points) < FEWEST or not own:
        count = (
            f"{len(points)} of the models have" if len(points) > 1 else "one model has" if points else "no model has"
        )
        return f"{count} both values" + ("; see the tables." if points else ".")
    return "all models cost about the same; see the tables." if plot.level else ""


def _with_method(name: str, own: Sequence[Point]) -> str:
    """The name of the cost, with its method if that is the same for all points and not a measurement."""
    methods = {point.x.method for point in own}
    article = "the " if " of " in name or " per " in name else ""
    if len(methods) > 1 or methods <= {"measured", "analytic"}:
        return f"{article}{name}"
    method = methods.pop()
    return f"{article}{name[:-1]}, {method})" if name.endswith(")") else f"{article}{name} ({method})"


def _said(plot: Plot, points: Sequence[Point], best: Sequence[Point]) -> str:
    better = {False: "lower", True: "higher"}
    sides = (
        "Lower is better on both axes"
        if not plot.x.high and not plot.y.high
        else f"{capital(better[plot.x.high])} is better on the x axis, {better[plot.y.high]} on the y axis"
    )
    own = [p for p in points if not p.elsewhere]
    muted = ", grey points are dominated" if len(best) < len(own) else ""
    ranges = any(p.x.ci95 or p.y.ci95 for p in points)
    return sentences(
        f"{sides}; the line is the frontier ({len(best)} of {len(own)}){muted}.",
        "Published numbers are context: they are not from these devices and take no part in the frontier."
        if len(own) < len(points)
        else "",
        "Bars are 95 % intervals." if ranges else "",
        f"Costs were measured under different conditions ({', '.join(plot.mixed)})." if plot.mixed else "",
    )


def _unnamed(unnamed: int, points: Sequence[Point]) -> str:
    if len(points) > LABELLED:
        rest = f", {unnamed} of them without room for a name" if unnamed else ""
        return f"Only points on the frontier are named, at most {IN_CROWD}{rest}; dominated ones have no bars."
    return f"No room for the names of {unnamed} point{'s' if unnamed > 1 else ''}." if unnamed else ""


def _rows(plot: Plot, best: Sequence[Point]) -> tuple[Row, ...]:
    ids = {id(point) for point in best}
    rows: list[Row] = [
        {
            "model": placed.model, "run": placed.run, "cost_run": placed.x_run, "x": plot.x.name, "y": plot.y.name,
            **columns(placed.point.x, "x_"), **columns(placed.point.y, "y_"),
            "on_frontier": "yes" if id(placed.point) in ids else "no", "left_out": None,
        }
        for placed in plot.placed
    ]  # fmt: skip
    missing: list[Row] = [
        {"model": model, "x": plot.x.name, "y": plot.y.name, "left_out": reason}
        for model, reason in plot.missing.items()
    ]
    return tuple(rows + missing)


def _draw(plot: Plot, points: Sequence[Point], best: Sequence[Point]) -> tuple[Canvas, int]:
    """The figure, and how many names found no room."""
    from matplotlib.figure import Figure

    canvas = Figure(figsize=(COLUMN_INCHES, 2.55))
    axes = canvas.subplots()
    factors = [
        _scale(axes.xaxis, plot.x, [p.x for p in points]),
        _scale(axes.yaxis, plot.y, [p.y for p in points]),
    ]
    at = {id(p): (p.at[0] * factors[0], p.at[1] * factors[1]) for p in points}
    bars = _draw_intervals(axes, points, best, factors)
    corners = _draw_frontier(axes, plot, [at[id(p)] for p in best])
    _draw_points(axes, points, {id(p) for p in best}, at)
    on = {id(p) for p in best}
    crowd = len(points) > LABELLED
    first = _spread(best) if crowd else list(best)
    rest = [] if crowd else [p for p in points if id(p) not in on]
    names = [Name(p.name, at[id(p)], "black") for p in first] + [Name(p.name, at[id(p)], MUTED) for p in rest]
    return canvas, draw_names(
        axes, names, [at[id(p)] for p in (best if crowd else points)], list(dict.fromkeys([*pairwise(corners), *bars]))
    )


def _spread(best: Sequence[Point]) -> list[Point]:
    """At most `IN_CROWD` points of the frontier, evenly spread, its ends included."""
    last = len(best) - 1
    return [best[n] for n in sorted({round(k * last / (IN_CROWD - 1)) for k in range(IN_CROWD)})]


def _scale(axis: Any, about: Axis, quantities: Sequence[Quantity]) -> float:  # noqa: ANN401 - matplotlib's axis
    """Set scale, limits and label of an axis; return the factor from the record's unit to the one shown."""
    values = [q.value for q in quantities if q.value is not None]
    factor, unit = axis_unit(values, quantities[0].unit, percent=about.percent)
    ends = [end * factor for q in quantities if q.ci95 is not None for end in q.ci95]
    draw_scale(axis, *limits([v * factor for v in values], ends))
    label = about.label.replace("CO2e", "CO₂e")
    axis.set_label_text(f"{label} ({unit})" if unit else label)
    return factor


def _draw_intervals(
    axes: Any,  # noqa: ANN401 - matplotlib's axes
    points: Sequence[Point],
    best: Sequence[Point],
    factors: Sequence[float],
) -> list[Segment]:
    """Draw a bar for each interval, and return the bars."""
    on = {id(p) for p in best}
    low, bottom = axes.get_xlim()[0], axes.get_ylim()[0]
    sides = ((True, BLUE, 2.5),) if len(points) > LABELLED else ((False, GREY, 1.5), (True, BLUE, 2.5))
    drawn: list[Segment] = []
    for chosen, colour, order in sides:
        bars = [p for p in points if (id(p) in on) == chosen]
        across = [(p.at[1], *p.x.ci95) for p in bars if p.x.ci95 is not None]
        along = [(p.at[0], *p.y.ci95) for p in bars if p.y.ci95 is not None]
        style = {"color": colour, "linewidth": 0.7, "zorder": order}
        caps = {"color": colour, "markersize": 3, "markeredgewidth": 0.7, "zorder": order}
        if across:
            y, start, end = zip(*across, strict=True)
            at, left, right = _times(y, factors[1]), _times(start, factors[0], low), _times(end, factors[0], low)
            axes.hlines(at, left, right, **style)
            axes.plot([*left, *right], [*at, *at], "|", **caps)
            drawn += [((one, level), (other, level)) for level, one, other in zip(at, left, right, strict=True)]
        if along:
            x, start, end = zip(*along, strict=True)
            at, lower, upper = _times(x, factors[0]), _times(start, factors[1], bottom), _times(end, factors[1], bottom)
            axes.vlines(at, lower, upper, **style)
            axes.plot([*at, *at], [*lower, *upper], "_", **caps)
            drawn += [((place, one), (place, other)) for place, one, other in zip(at, lower, upper, strict=True)]
    return drawn


def _times(values: Iterable[float], factor: float, least: float = -math.inf) -> list[float]:
    """The values times `factor`; on a logarithmic axis an interval that reaches zero ends at the axis."""
    return [max(value * factor, least) for value in values]


def _draw_frontier(axes: Any, plot: Plot, at: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:  # noqa: ANN401
    """Draw a staircase through these points, extended to the worse end of both axes; return its corners."""
    worst_x, worst_y = axes.get_xlim()[not plot.x.high], axes.get_ylim()[not plot.y.high]
    corners = [(at[0][0], worst_y)]
    for x, y in at:
        corners += [(x, corners[-1][1]), (x, y)]
    corners.append((worst_x, corners[-1][1]))
    axes.plot(*zip(*corners, strict=True), color=SKY, linewidth=1.3, zorder=1.4, label="frontier")
    return corners


def _kind(point: Point) -> str:
    return point.kind if point.kind in MARKS else "measured"


def _draw_points(axes: Any, points: Sequence[Point], best: set[int], at: dict[int, tuple[float, float]]) -> None:  # noqa: ANN401
    shown = points
    if len(points) > LABELLED:
        x, y = ([at[id(p)][axis] for p in points if id(p) not in best] for axis in (0, 1))
        axes.plot(x, y, ".", color=CLOUD, markersize=2, markeredgewidth=0, zorder=1.2, label="dominated" if x else "_")
        shown = [p for p in points if id(p) in best]
    for kind, (marker, filled, word) in MARKS.items():
        label: str | None = word
        for on, colour, order in ((True, BLUE, 4), (False, GREY, 3)):
            places = [at[id(p)] for p in shown if _kind(p) == kind and (id(p) in best) == on]
            if places:
                axes.plot(
                    *zip(*places, strict=True), marker, color=colour, zorder=order, label=label or "_",
                    markerfacecolor=colour if filled else "white", markeredgewidth=0.9,
                )  # fmt: skip
                label = None
    axes.grid(visible=True)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
