"""Scales of axes for print: logarithmic if values span a wide range, with readable numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from ssl_reports.reading.axes import READABLE

SPAN = 3.0
"""Positive values that span more than this factor get a logarithmic axis."""
MARGIN, FARTHEST = 0.09, 0.4
"""Margin beyond the outermost values, and how far an interval may widen an axis, as shares of the values' span."""
FEWEST, MOST = 3, 8
"""Labelled ticks of an axis."""
STEPS = ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 6, 8), tuple(tick / 10 for tick in range(10, 100)))
"""Mantissas of the ticks of an axis of few decades, from coarse to fine."""
EXPONENTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def limits(values: Sequence[float], ends: Sequence[float] = ()) -> tuple[float, float, bool]:
    """The lower and upper limit of an axis, and whether it is logarithmic.

    An interval much wider than the span of the values runs out of the figure.
    """
    logarithmic = min(values) > 0 and max(values) > SPAN * min(values)
    low, high = (math.log(f(values)) if logarithmic else f(values) for f in (min, max))
    span = (high - low) or (abs(high) or 1.0) / 2
    wide = [math.log(e) if logarithmic else e for e in ends if e > 0 or not logarithmic]
    low, high = max(min([low, *wide]), low - FARTHEST * span), min(max([high, *wide]), high + FARTHEST * span)
    low, high = low - MARGIN * span, high + MARGIN * span
    if logarithmic:
        return math.exp(low), math.exp(high), True
    return (max(low, 0.0) if min(values) > 0 else low), high, False


def draw_scale(axis: Any, low: float, high: float, logarithmic: bool) -> None:  # noqa: ANN401, FBT001 - as `limits` gives it
    """Set the limits, ticks and tick labels of a matplotlib axis."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    name = axis.axis_name
    axis.axes.set(**{f"{name}scale": "log" if logarithmic else "linear"})
    axis.axes.set(**{f"{name}lim": (low, high)})
    if not logarithmic:
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10], min_n_ticks=FEWEST))
        axis.set_major_formatter(FuncFormatter(lambda value, _: _number(value)))
        return
    far = not (READABLE[0] <= low and high <= READABLE[1])
    axis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _power(value) if far else _number(value)))
    axis.set_minor_locator(LogLocator(10, subs=tuple(range(2, 10)), numticks=100))
    axis.set_minor_formatter(NullFormatter())


def log_ticks(low: float, high: float) -> list[float]:
    """At least three labelled ticks within the limits of a logarithmic axis, and not many more: powers of ten, 1-2-5, or finer."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    step = max(1, math.ceil((last - first) / MOST))
    choices = ([10.0**power for power in range(first, last + 1, step)], *(_ticks(first, last, each) for each in STEPS))
    within = ([tick for tick in ticks if low <= tick <= high] for ticks in choices)
    found = next((ticks for ticks in within if len(ticks) >= FEWEST), [low, math.sqrt(low * high), high])
    return found[:: math.ceil(len(found) / MOST)]


def _ticks(first: int, last: int, steps: Sequence[float]) -> list[float]:
    return [float(f"{step}e{power}") for power in range(first, last + 1) for step in steps]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"


def _power(value: float) -> str:
    mantissa, _, power = f"{value:.1e}".partition("e")
    ten = f"10{str(int(power)).translate(EXPONENTS)}"
    return ten if mantissa == "1.0" else f"{mantissa.removesuffix('.0')}·{ten}"
