"""The style of figures for print: one column wide, 8 point text, readable in colour, in grey and by shape alone."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Literal

COLUMN_INCHES = 3.3
"""Width of one column of a two-column page."""
TEXT_POINTS, SMALL_POINTS = 8.0, 6.5
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000",
)  # fmt: skip
"""The Okabe-Ito palette without its yellow, which is too pale on paper."""
MUTED, GREY, CLOUD, PALE = "#5A5A5A", "#8C8C8C", "#BDBDBD", "#D9D9D9"
COLOURS = (BLUE, VERMILION, GREEN, BLACK, PURPLE, ORANGE, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 2)), (0, (7, 2)))
"""Styles of consecutive series: colour, marker and line change together, so that any one identifies the series."""
METERED = frozenset({"measured", "sampled"})

RC: dict[Any, Any] = {
    "figure.dpi": 72,
    "figure.constrained_layout.use": True,
    "font.size": TEXT_POINTS,
    "axes.labelsize": TEXT_POINTS,
    "axes.titlesize": TEXT_POINTS,
    "legend.fontsize": SMALL_POINTS,
    "xtick.labelsize": SMALL_POINTS,
    "ytick.labelsize": SMALL_POINTS,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "grid.linewidth": 0.3,
    "grid.color": PALE,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "hatch.linewidth": 0.4,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.borderaxespad": 0.2,
    "legend.columnspacing": 1.0,
    # A name may contain a dollar sign.
    "text.parse_math": False,
    "text.hinting": "none",
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    # Random in matplotlib by default.
    "svg.hashsalt": "sslbench",
    "savefig.dpi": 300,
}


FAMILIES: dict[str, dict[Any, Any]] = {
    "sans": {"font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"]},
    "serif": {"font.family": "serif", "font.serif": ["STIXGeneral", "DejaVu Serif"]},
}
"""Fonts that come with matplotlib, so that every machine has them; STIX is a Times."""


def print_style(font: Literal["serif", "sans"] | None = None) -> AbstractContextManager[None]:
    """A context in which figures are made and saved in the style for print, sans unless serif is asked for."""
    import matplotlib as mpl

    return mpl.rc_context({**RC, **FAMILIES[font or "sans"]})


def nth(number: int) -> dict[str, Any]:
    """Colour, marker and line of a series, as matplotlib's `plot` takes them."""
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
        "linestyle": LINES[number % len(LINES)],
    }
