"""Peak memory as a child process sees it, and bytes of tensors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ssl_benchmarks.memory.peak import PeakMemory, bytes_of

CHILD = """
import json, sys
import torch
from ssl_benchmarks.memory.peak import PeakMemory

MB = 1_000_000
before = torch.ones(50 * MB // 4)
with PeakMemory(torch.device("cpu")) as memory:
    torch.ones(300 * MB // 4)
    during = memory.so_far()
    less = memory.so_far(less=100 * MB)
    memory.restart()
    torch.ones(100 * MB // 4)
    restarted = memory.so_far()
torch.ones(400 * MB // 4)
after = memory.so_far()
with PeakMemory(torch.device("cpu")) as idle:
    pass
json.dump({k: [q.value, q.unit, q.method, q.note] for k, q in
    {"during": during, "less": less, "restarted": restarted, "after": after, "idle": idle.so_far()}.items()}, sys.stdout)
"""


def test_the_peak_is_seen_although_it_was_freed(warm: Callable[..., Any], tmp_path: Path) -> None:
    """300 MB held for a moment, 50 MB held before: 300 are seen; after a restart, 100; what comes after the block counts
    nothing."""
    seen = json.loads(warm(cwd=tmp_path, env=dict(os.environ), code=CHILD).finish().stdout)
    assert {(unit, method) for _, unit, method, _ in seen.values()} == {("B", "measured")}
    assert seen["during"][0] == pytest.approx(300e6, rel=0.1)
    assert seen["during"][0] - seen["less"][0] == pytest.approx(100e6, rel=0.01)
    assert "100000000 B" in seen["less"][3]
    assert seen["restarted"][0] == pytest.approx(100e6, rel=0.1)
    assert seen["after"][0] == seen["restarted"][0]
    assert seen["idle"][0] < 5e6


def test_a_system_without_a_mark_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssl_benchmarks.memory.peak.high_water", lambda: 0)
    with PeakMemory(torch.device("cpu")) as memory:
        pass
    assert memory.so_far().value is None
    assert "no peak resident set" in memory.so_far().note


def test_bytes_by_hand() -> None:
    tensors = [torch.zeros(10), torch.zeros(3, 5, dtype=torch.float64), torch.zeros(7, dtype=torch.int8)]
    quantity = bytes_of(tensors)
    assert (quantity.value, quantity.unit, quantity.method) == (40 + 120 + 7, "B", "analytic")


def test_shared_storages_count_once_and_whole() -> None:
    base = torch.zeros(100)
    assert bytes_of([base, base, base[10:20], base.view(10, 10).T]).value == 400
    assert bytes_of([base[10:20]]).value == 400
    tied = torch.nn.Sequential(torch.nn.Linear(4, 4, bias=False), torch.nn.Linear(4, 4, bias=False))
    assert bytes_of(tied.parameters()).value == 2 * 64
    tied[1].weight = tied[0].weight
    assert bytes_of(tied.state_dict().values()).value == 64


def test_no_tensor_no_bytes() -> None:
    assert bytes_of([]).value == 0
    assert bytes_of([torch.zeros(0), torch.zeros(0, 3)]).value == 0
