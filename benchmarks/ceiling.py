"""How fast this device multiplies matrices: what MFU is held against."""

from __future__ import annotations

import time

import torch

from benchmarks.quantity import Quantity


def matmul_ceiling(device: torch.device, dtype: torch.dtype, seconds: float = 1.0) -> Quantity:
    """FLOP/s of square matrix products in `dtype` on random data: the median over repeats of about `seconds` in all.

    8192 wide on a GPU, 2048 on a CPU; random data because a GPU multiplies zeros faster, at less power.
    """
    width = 8192 if device.type == "cuda" else 2048
    left, right = (torch.randn(width, width, device=device, dtype=dtype) for _ in range(2))
    _timed(left, right)
    rates: list[float] = []
    end = time.perf_counter() + seconds
    while len(rates) < 5 or time.perf_counter() < end:
        rates.append(2.0 * width**3 / _timed(left, right))
    rates.sort()
    note = f"{width} x {width} {str(dtype).removeprefix('torch.')} matrix products, {torch.get_num_threads()} threads"
    return Quantity(rates[len(rates) // 2], "FLOP/s", "measured", (rates[0], rates[-1]), len(rates), note)


def _timed(left: torch.Tensor, right: torch.Tensor) -> float:
    """Seconds of one product."""
    start = time.perf_counter()
    left @ right
    if left.is_cuda:
        torch.cuda.synchronize(left.device)
    return time.perf_counter() - start
