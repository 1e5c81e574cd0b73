"""The matrix-product ceiling."""

from __future__ import annotations

import time

import pytest
import torch

from ssl_benchmarks.timing.ceiling import matmul_ceiling


def test_the_ceiling_is_a_rate_with_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """The products cannot have been made faster than a clock of our own allows; then by hand, with a scripted one."""
    start = time.perf_counter()
    ceiling = matmul_ceiling(torch.device("cpu"), torch.float32, seconds=0.2)
    elapsed = time.perf_counter() - start
    work = 2 * 2048**3
    assert ceiling.value is not None
    assert ceiling.ci95 is not None
    assert ceiling.n is not None
    assert 0 < ceiling.ci95[0] <= ceiling.value <= ceiling.ci95[1]
    assert ceiling.n * work / ceiling.ci95[1] <= elapsed
    assert (ceiling.unit, ceiling.method) == ("FLOP/s", "measured")
    assert ceiling.n >= 5
    assert "2048 x 2048 float32" in ceiling.note
    times = iter([9.0, 4.0, 1.0, 2.0, 8.0, 5.0, 4.0])
    monkeypatch.setattr("ssl_benchmarks.timing.stopwatch.Stopwatch.call", lambda *_: next(times))
    by_hand = matmul_ceiling(torch.device("cpu"), torch.float32, seconds=0.0)
    assert (by_hand.value, by_hand.ci95, by_hand.n) == (work / 4, (work / 8, work / 1), 6)
