"""Cells stay while memory allows; where it does not, the largest makes room and is built again in its turn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ssl_benchmarks.cells.cell import CellSetting, MeasuredCell
from ssl_benchmarks.cells.cell_plan import CellPlan
from ssl_benchmarks.cells.living import PROCESS_BYTES, LivingCells
from ssl_benchmarks.cells.request import CellError, CellMemoryError, CellRequest
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement
from ssl_benchmarks.timing.protocol import Protocol

SIZES = {"small": 1e9, "large": 4e9, "huge": 6e9, "whole": 9e9}
ROOM = 10e9


class Bench:
    """A device of `ROOM` bytes; a process that is alive holds what its model needs."""

    def __init__(self, device: str) -> None:
        self.device, self.alive, self.built = device, {}, []

    def plans(self, requests: Any) -> list[Any]:
        return [
            CellPlan(Quantity(SIZES[r.source], "B", "analytic"), Quantity(1.0, "1", "analytic"), ()) for r in requests
        ]

    def ceiling(self, device: str, precision: str) -> Quantity:
        raise NotImplementedError

    def build(self, request: CellRequest, speech: Any, report: Any) -> Any:
        if sum(self.alive.values()) + SIZES[request.source] > ROOM:
            raise CellMemoryError("CUDA out of memory")
        self.alive[request.source] = SIZES[request.source]
        self.built.append(request.source)
        row = Measurement("x", "energy", Quantity(1.0, "J", "measured"), "inference", "machine")
        cell = MeasuredCell([row], None, {})  # type: ignore[arg-type]
        return SimpleNamespace(window=lambda seconds, report: cell, close=lambda: self.alive.pop(request.source, None))

    def close(self) -> None:
        self.alive.clear()


def measure(living: LivingCells, device: str, *names: str) -> list[list[str]]:
    """The metrics of a window of each."""
    found = []
    for name in names:
        request = CellRequest(name, CellSetting(name, "inference", 1.0, 1, "float32"), Protocol(), device)
        found.append([row.metric for row in living.measure((name, "inference"), request, 1.0).rows])
    return found


@pytest.fixture
def nobody() -> Any:
    return SimpleNamespace(predicted=lambda *_: None, stage=lambda *_: None)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_largest_makes_room_and_comes_back_in_its_turn(
    device: str, nobody: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU by the prediction, before anything is begun; on a GPU when its memory is out."""
    bench = Bench(device)
    at_hand = lambda: ROOM + PROCESS_BYTES - sum(bench.alive.values())  # noqa: E731 - one line says it
    monkeypatch.setattr("ssl_benchmarks.cells.living.memory_at_hand", at_hand)
    living = LivingCells(bench, np.zeros(1, dtype=np.int16), nobody)
    assert measure(living, device, "small", "large") == [["predicted_peak_memory", "energy"]] * 2
    assert measure(living, device, "small", "large") == [["energy"]] * 2, "both are still there"
    measure(living, device, "huge")
    assert set(bench.alive) == {"small", "huge"}
    (line,) = living.rebuilt
    assert line.startswith("large inference ended to make room for huge inference: ")
    measure(living, device, "large")
    assert bench.built == ["small", "large", "huge", "large"]


def test_what_does_not_fit_alone_is_an_error(nobody: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench("cpu")
    monkeypatch.setattr("ssl_benchmarks.cells.living.memory_at_hand", lambda: 5e9 - sum(bench.alive.values()))
    living = LivingCells(bench, np.zeros(1, dtype=np.int16), nobody)
    measure(living, "cpu", "small")
    with pytest.raises(CellMemoryError, match="GiB predicted to be needed"):
        measure(living, "cpu", "whole")
    assert bench.alive == {}, "the other had made room before that was known"


def test_a_cell_that_fails_is_ended(nobody: Any) -> None:
    bench, said = Bench("cuda"), []

    def build(request: CellRequest, speech: Any, report: Any) -> Any:
        def window(seconds: float, report: Any) -> MeasuredCell:
            raise CellError("broken")

        return SimpleNamespace(window=window, close=lambda: said.append("closed"))

    bench.build = build  # type: ignore[method-assign]
    living = LivingCells(bench, np.zeros(1, dtype=np.int16), nobody)
    with pytest.raises(CellError, match="broken"):
        measure(living, "cuda", "small")
    assert said == ["closed"]
