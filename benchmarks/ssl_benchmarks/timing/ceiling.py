"""The rate at which this device multiplies matrices: the reference for MFU."""

from __future__ import annotations

from dataclasses import replace

import torch

from ssl_benchmarks.record.intervals import call_quantile, inverse
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.timing.stopwatch import Stopwatch

FEWEST = 6
"""The fewest products from which order statistics give an interval for the median."""


def matmul_ceiling(device: torch.device, dtype: torch.dtype, seconds: float = 1.0) -> Quantity:
    """FLOP/s of square matrix products in `dtype` on random data: the median over about `seconds`, after one to warm up.

    The matrices are 8192 wide on a GPU and 2048 on a CPU; random, because a GPU multiplies zeros faster and at less
    power. The interval is that of the median among these products, not of what the device may reach at another time.
    """
    width = 8192 if device.type == "cuda" else 2048
    left, right = (torch.randn(width, width, device=device, dtype=dtype) for _ in range(2))
    watch = Stopwatch(device)
    watch.call(lambda: left @ right)
    times = watch.calls(lambda: left @ right, seconds, fewest=FEWEST)
    rate = inverse(call_quantile([times], 0.5), 2.0 * width**3, "FLOP/s")
    note = f"{width} x {width} {str(dtype).removeprefix('torch.')} matrix products, {torch.get_num_threads()} threads"
    return replace(rate, note=note)
