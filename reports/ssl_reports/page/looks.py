"""Colours of the page and of its plots in light and dark, and how DataTables and plotly are set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from ssl_benchmarks.record.quantity import METHODS, Method

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = get_args(Theme)
Template = dict[str, Any]
PALETTE: dict[str, tuple[str, str]] = {
    "page": ("#ffffff", "#0f1318"), "surface": ("#ffffff", "#0f1318"), "raised": ("#f4f5f7", "#1a2028"), "ink": ("#1a1f26", "#e6eaef"),
    "muted": ("#5a6570", "#9ba7b4"), "line": ("#e4e7eb", "#2a323c"), "edge": ("#8a949f", "#65717e"), "dominated": ("#8c8c8c", "#7d8792"),
    "accent": ("#0069a5", "#6bbcf0"), "accent-soft": ("#e3f0f8", "#16324a"), "focus": ("#c24f00", "#ffb454"),
    "good": ("#00694b", "#5fd3ab"), "good-soft": ("#dcf2ea", "#10382c"), "bad": ("#a83800", "#ff9d6c"), "bad-soft": ("#fbe7dc", "#43220f"),
    "open": ("#6a5200", "#e6c65a"), "open-soft": ("#f8efcf", "#3a3110"),
}  # fmt: skip
"""By name, each colour in light and in dark."""
LINES: dict[Theme, tuple[str, ...]] = {
    "light": ("#0072b2", "#d55e00", "#009e73", "#8f4a73"),
    "dark": ("#56b4e9", "#f08a4b", "#3cc79b", "#dd9cc4"),
}
"""Colours of the devices in a plot of power, each for the three lines of `ssl_reports.page.power`."""
TABLES: dict[str, Any] = {
    "order": [], "autoWidth": False, "pageLength": 100, "lengthMenu": [100, 1000, -1],
    "layout": {"topStart": None, "topEnd": None, "bottomStart": "info", "bottomEnd": ["pageLength", "paging"]},
    "language": {
        "info": "_TOTAL_ of _MAX_ rows", "infoEmpty": "0 of _MAX_ rows", "infoFiltered": "", "lengthMenu": "_MENU_ rows at a time",
        "zeroRecords": "No row has all of this.", "emptyTable": "These runs have none.",
    },
}  # fmt: skip
"""The options of DataTables."""
PLOTS = {
    "displaylogo": False, "responsive": True, "toImageButtonOptions": {"format": "svg"},
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}  # fmt: skip
"""The configuration of plotly."""


OPEN: dict[Method, str] = {
    "modelled": "circle-open", "projected": "triangle-up-open", "published": "square-open", "stated": "diamond-open"
}  # fmt: skip
SYMBOLS = [OPEN.get(method, "circle") for method in METHODS]
"""The marker of each method, in their order."""


def colours(theme: Theme) -> dict[str, str]:
    """The colours of a theme by name."""
    return {name: pair[theme == "dark"] for name, pair in PALETTE.items()}


def power_template(theme: Theme) -> Template:
    """The looks of power over time: for each device a band without edges, and the mean in the colour of the band."""
    hues = [hue for hue in LINES[theme] for _ in range(3)]
    edge = {"mode": "lines", "hoverinfo": "skip", "showlegend": False, "line": {"width": 0}}
    mean = {"mode": "lines", "hovertemplate": "%{y:.4g} W", "line": {"width": 1.5}}
    return _template(theme, [edge, {**edge, "fill": "tonexty"}, mean], {
        "colorway": hues, "hovermode": "x unified", "showlegend": True, "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
    })  # fmt: skip


def pareto_template(theme: Theme) -> Template:
    """The looks of the Pareto plot: intervals, the frontier, the points above both, and a ring around the chosen one."""
    found = colours(theme)
    silent = {"hoverinfo": "skip", "mode": "markers"}
    bar = {"thickness": 1, "width": 0}
    scale = {"colorscale": [[0, found["dominated"]], [1, found["accent"]]], "cmin": 0, "cmax": 1}
    return _template(theme, [
        {**silent, "error_x": bar, "error_y": bar, "marker": {"opacity": 0, "color": found["dominated"]}},
        {**silent, "mode": "lines", "line": {"shape": "hv", "color": found["accent"], "width": 1.5}},
        {"hoverinfo": "none", "mode": "markers+text", "cliponaxis": False, "marker": {"size": 10, "line": {"width": 1.5}, **scale}},
        {**silent, "cliponaxis": False, "marker": {"size": 20, "symbol": "circle-open", "color": found["focus"], "line": {"width": 2.5}}},
    ], {"showlegend": False, "hovermode": "closest"})  # fmt: skip


def _template(theme: Theme, traces: Sequence[Template], layout: Template) -> Template:
    """A template of plotly; each trace takes the looks of its place among the traces."""
    found = colours(theme)
    axis = {
        "gridcolor": found["line"], "linecolor": found["edge"], "tickcolor": found["edge"], "showline": True, "zeroline": False,
        "ticks": "outside", "automargin": True, "tickformat": ",~g", "nticks": 5,
    }  # fmt: skip
    return {
        "data": {"scatter": list(traces)},
        "layout": {
            "paper_bgcolor": found["surface"], "plot_bgcolor": found["surface"], "xaxis": axis, "yaxis": axis,
            "font": {"family": "system-ui, sans-serif", "size": 13, "color": found["ink"]}, "margin": {"l": 60, "r": 20, "t": 30, "b": 50},
            "modebar": {"color": found["muted"], "activecolor": found["accent"], "bgcolor": "rgba(0,0,0,0)"},
            "hoverlabel": {"bgcolor": found["surface"], "font": {"color": found["ink"]}}, **layout,
        },
    }  # fmt: skip
