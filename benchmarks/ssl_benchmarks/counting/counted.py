"""A count as rows of the long table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ssl_benchmarks.record.quantity import Quantity, unavailable

if TYPE_CHECKING:
    from ssl_benchmarks.counting.flops import FlopCount

COUNTED = "matrix products and convolutions, 1 MAC = 2 FLOPs"
"""What is counted; FFTs, norms and other elementwise work are not."""
UNITS = {"macs": "MAC", "flops": "FLOP", "macs_per_audio_second": "MAC/s", "flops_per_audio_second": "FLOP/s"}


def counted(count: FlopCount, seconds: float, note: str) -> dict[str, Quantity]:
    """MACs and FLOPs of a clip of `seconds` and per audio second, by metric.

    A lower bound cannot be divided by or compared: the value is unavailable, and the reason states the bound.
    """
    macs, flops = count.flops / 2, float(count.flops)
    values = dict(zip(UNITS, (float(count.macs), flops, macs / seconds, flops / seconds), strict=True))
    if not count.missed:
        return {name: Quantity(value, UNITS[name], "analytic", note=note) for name, value in values.items()}
    return {
        name: unavailable(UNITS[name], f"lower bound: at least {value:.6g} {UNITS[name]}, since {count.missed}")
        for name, value in values.items()
    }
