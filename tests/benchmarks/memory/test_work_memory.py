"""The memory of a command's processes: those of its tree alone, on the host and on each GPU, and the largest sum over time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from ssl_benchmarks.energy.sources.nvml import Missing
from ssl_benchmarks.memory.gpu_processes import LARGEST, GpuMemory
from ssl_benchmarks.memory.tree import TreeMemory
from ssl_benchmarks.memory.work import WorkMemory
from ssl_benchmarks.record.flaws import WHOLE

GIB = 2**30


class Driver:
    """What a driver lists: by GPU, bytes by PID, and bytes in use."""

    def __init__(self, *listed: dict[int, int | None] | Missing, used: tuple[int, ...] = ()) -> None:
        self.listed, self.used = list(listed), list(used or (0,) * len(listed))

    def query(self, function: str, *arguments: Any) -> Any:
        if function == "DeviceGetHandleByIndex":
            return arguments[0]
        (gpu,) = arguments
        if function == "DeviceGetMemoryInfo":
            return SimpleNamespace(used=self.used[gpu])
        listed = self.listed[gpu]
        if isinstance(listed, Missing) or function == "DeviceGetGraphicsRunningProcesses":
            return listed if isinstance(listed, Missing) else []
        return [SimpleNamespace(pid=pid, usedGpuMemory=held) for pid, held in listed.items()]

    def close(self) -> None:
        pass


def seen(driver: Driver, *moments: Driver, pids: tuple[int, ...] = (7, 8)) -> Any:
    memory = GpuMemory(driver, range(len(driver.listed)))  # type: ignore[arg-type]
    for moment in (driver, *moments):
        driver.listed, driver.used = moment.listed, moment.used
        memory.look(pids)
    return memory.peak


def test_the_peak_is_the_largest_sum_over_gpus_at_one_time() -> None:
    """Not the sum of each GPU's own peak; a stranger's memory counts nothing."""
    peak = seen(
        Driver({7: 2 * GIB, 99: 50 * GIB}, {8: 1 * GIB}), Driver({7: GIB}, {7: GIB, 8: 3 * GIB}), Driver({}, {})
    )
    assert (peak.value, peak.unit, peak.method, peak.flaw) == (5 * GIB, "B", "measured", WHOLE)
    assert "3 looks" in peak.note


def test_under_other_pids_the_growth_of_the_memory_in_use_stands_in() -> None:
    """As in a container, where the driver counts PIDs of the machine."""
    first, later = Driver({99: 0}, used=(4 * GIB,)), Driver({99: 3 * GIB}, used=(7 * GIB,))
    peak = seen(first, later, first)
    assert (peak.value, peak.flaw) == (3 * GIB, WHOLE)
    assert "neighbours' included" in peak.note
    assert "listed none of the command's processes" in peak.note


@pytest.mark.parametrize(
    ("held", "words"),
    [({}, "no GPU memory was seen"), ({7: None}, "no GPU memory"), ({7: LARGEST}, "no GPU memory"), (Missing("asleep"), "asleep")],
    ids=["none", "not told", "a figure for none", "no list"],
)  # fmt: skip
def test_what_the_driver_does_not_tell_has_no_figure(held: Any, words: str) -> None:
    peak = seen(Driver(held))
    assert peak.value is None
    assert words in peak.note


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[str]]:
    """A process that holds 150 MB, and whose child holds 80 MB."""
    inner = "x = bytearray(b'x') * 80_000_000; print('ready', flush=True); input()"
    outer = (
        f"import subprocess, sys; x = bytearray(b'x') * 150_000_000; subprocess.run([sys.executable, '-c', {inner!r}])"
    )
    process = subprocess.Popen([sys.executable, "-c", outer], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.communicate("\n", timeout=100)


def test_a_tree_is_added_up(holder: subprocess.Popen[str]) -> None:
    memory = TreeMemory(holder.pid)
    assert len(memory.look()) == 2
    assert 230e6 < (memory.peak.value or 0) < 330e6
    assert memory.peak.flaw == WHOLE


def test_a_child_that_ended_before_is_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that has done other things; one that ends meanwhile is, if it was the largest so far."""
    largest = [9 << 40]
    monkeypatch.setattr("ssl_benchmarks.memory.tree._largest_child", lambda: largest[0])
    memory = TreeMemory(os.getpid())
    memory.look()
    assert (memory.peak.value or 0) < 1 << 40
    largest[0] += 1
    assert memory.peak.value == largest[0]


def test_a_moment_of_this_process_is_in_its_peak() -> None:
    """Between two looks, by the kernel's high-water mark."""
    memory = TreeMemory(os.getpid())
    memory.look()
    before = psutil.Process().memory_info().rss
    moment = bytearray(b"x") * 300_000_000
    del moment
    memory.look()
    assert (memory.peak.value or 0) >= before + 250e6


def test_a_dear_look_is_followed_by_a_long_rest(holder: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A look of 10 ms of CPU time rests for 5 s."""
    cpu, clock = iter([1.0, 1.01]), [100.0]
    monkeypatch.setattr("ssl_benchmarks.memory.work.time", SimpleNamespace(thread_time=lambda: next(cpu), monotonic=lambda: clock[0]))  # fmt: skip
    memory = WorkMemory(holder.pid)
    memory.look_if_due()
    clock[0] += 4.9
    memory.look_if_due()  # a third reading of the CPU time would raise
    clock[0] += 0.2
    with pytest.raises(StopIteration):
        memory.look_if_due()


def test_without_a_gpu_the_headline_is_the_host(holder: subprocess.Popen[str]) -> None:
    memory = WorkMemory(holder.pid)
    memory.look()
    memory.close()
    assert set(memory.peaks) == {"peak_memory"}
