"""The matrix-product ceiling."""

from __future__ import annotations

import time

import pytest
import torch

from benchmarks.ceiling import matmul_ceiling


def test_the_ceiling_is_a_rate_with_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    """Against a clock of our own around numpy-sized products: within a factor of a few, which a wrong unit is not."""
    ceiling = matmul_ceiling(torch.device("cpu"), torch.float32, seconds=0.2)
    left = torch.randn(512, 512)
    left @ left
    start = time.perf_counter()
    for _ in range(10):
        left @ left
    rate = 10 * 2 * 512**3 / (time.perf_counter() - start)
    assert ceiling.value is not None
    assert ceiling.ci95 is not None
    assert ceiling.n is not None
    assert 0 < ceiling.ci95[0] <= ceiling.value <= ceiling.ci95[1]
    assert rate / 8 < ceiling.value < rate * 8
    assert (ceiling.unit, ceiling.method) == ("FLOP/s", "measured")
    assert ceiling.n >= 5
    assert "2048 x 2048 float32" in ceiling.note
    times = iter([9.0, 4.0, 1.0, 2.0, 8.0, 5.0, 4.0])
    monkeypatch.setattr("benchmarks.stopwatch.Stopwatch.call", lambda *_: next(times))
    by_hand = matmul_ceiling(torch.device("cpu"), torch.float32, seconds=0.0)
    work = 2 * 2048**3
    assert (by_hand.value, by_hand.ci95, by_hand.n) == (work / 4, (work / 8, work / 1), 6)
