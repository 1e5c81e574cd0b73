"""What disturbs a measurement is seen and named; what cannot be seen is said to be unseen."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.energy import EnergyMeter
from ssl_benchmarks.energy.neighbours import disturbances, gpu_watch, processes
from ssl_benchmarks.energy.neighbours.disturbances import Disturbances
from ssl_benchmarks.energy.neighbours.gpu_watch import GpuWatch
from ssl_benchmarks.energy.neighbours.processes import CpuTimes, cpu_disturbances, is_own, own_cpu_seconds
from ssl_benchmarks.energy.sources.discovery import Sources
from ssl_benchmarks.energy.sources.nvml import Missing
from ssl_benchmarks.energy.sources.selection import Gpu

ROOT = Path(__file__).parents[4]
BURN = "import time\nend = time.thread_time() + 0.4\nwhile time.thread_time() < end: pass"


def test_own_children_are_no_neighbours_while_they_live_and_when_they_are_gone() -> None:
    """Against the kernel's own account of children that were waited for."""
    before, reaped = own_cpu_seconds(), resource.getrusage(resource.RUSAGE_CHILDREN)
    child = subprocess.Popen(
        [sys.executable, "-c", BURN + "\nprint(flush=True)\ninput()"], stdin=-1, stdout=-1, text=True
    )
    assert child.stdout is not None
    child.stdout.readline()
    alive = own_cpu_seconds() - before
    child.communicate("\n")
    gone = own_cpu_seconds() - before
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = now.ru_utime + now.ru_stime - reaped.ru_utime - reaped.ru_stime
    assert took >= 0.4
    assert alive >= 0.4 - 0.02
    assert took - 0.02 <= gone <= took + 1.0  # and what this process itself took meanwhile


@given(own=st.floats(0, 100), others=st.floats(0, 100), stolen=st.floats(0, 100), seconds=st.floats(0.5, 100))
def test_others_are_what_the_machine_did_and_we_did_not(
    own: float, others: float, stolen: float, seconds: float
) -> None:
    cores = os.cpu_count() or 1
    start, end = CpuTimes(1.0, 7.0, 50.0, 3.0), CpuTimes(1.0 + seconds, 7.0 + own, 50.0 + own + others, 3.0 + stolen)
    lines = cpu_disturbances(start, end)
    limit = min(1.0, 0.05 * cores)
    for taken, word in ((others, "other processes"), (stolen, "hypervisor")):
        if abs(taken / seconds - limit) > 1e-6:
            assert any(word in line for line in lines) == (taken / seconds > limit)


def test_the_share_of_others_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """20 s on 64 cores: the machine worked 100 s, we 40 s of these, so others kept 3 cores busy."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    (line,) = cpu_disturbances(CpuTimes(0.0, 10.0, 1000.0, 0.0), CpuTimes(20.0, 50.0, 1100.0, 0.0))
    assert line == "cpu: other processes took 3.00 of 64 cores (5 % of the machine)"
    assert cpu_disturbances(CpuTimes(0.0, 0.0, 0.0, 0.0), CpuTimes(20.0, 0.0, 19.0, 0.0)) == []
    assert cpu_disturbances(CpuTimes(0.0, 0.0, 0.0, 0.0), CpuTimes(0.1, 0.0, 64.0, 0.0)) == [], (
        "too short to be counted"
    )


def test_a_block_knows_its_neighbours_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the machine's work is a neighbour's where none of it is ours."""
    monkeypatch.setattr(processes, "own_cpu_seconds", lambda: 0.0)
    monkeypatch.setattr(processes, "OTHERS_CORES", 0.3)
    with EnergyMeter(gpus=()) as meter, meter.window("inside"):
        end = time.perf_counter() + 0.7
        while time.perf_counter() < end:
            pass
        assert meter.windows == {}
    assert any(line.startswith("cpu: other processes took ") for line in meter.reading.disturbances)
    assert meter.windows["inside"].disturbances == meter.reading.disturbances
    unwatched = EnergyMeter(gpus=(), cpu=False)
    with unwatched:
        end = time.perf_counter() + 0.6
        while time.perf_counter() < end:
            pass
    assert unwatched.reading.disturbances == ()


def test_family_is_own_and_a_sibling_is_not() -> None:
    """Unless their common parent has adopted both: cells of one comparison are no neighbours of each other."""
    code = (
        "import sys; from ssl_benchmarks.energy.neighbours.processes import adopt, is_own\n"
        "told = lambda: [is_own(int(pid)) for pid in sys.argv[1:]]\n"
        "alone = told(); adopt(int(sys.argv[1])); print([*alone, *told()])"
    )
    sibling = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    told = subprocess.check_output(
        [sys.executable, "-c", code, str(os.getpid()), str(sibling.pid)], text=True, cwd=ROOT
    )
    assert json.loads(told.lower()) == [True, False, True, True]
    assert is_own(sibling.pid) is True
    sibling.communicate()
    assert is_own(2**22 + 1) is None


class Driver:
    """NVML by a table: queries to answers; what is not in it is missing."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def query(self, function: str, *_: object) -> Any:
        name = function.removeprefix("DeviceGet")
        return self.answers.get(name, Missing(f"nvml{function}: Not Supported"))

    def constant(self, name: str) -> int:
        del name
        return 0


def watch(driver: Driver) -> GpuWatch:
    return GpuWatch(driver, Gpu("gpu3", "handle"))  # type: ignore[arg-type]


def test_throttling_is_counted_and_the_power_limit_is_a_remark() -> None:
    driver = Driver(CurrentClocksThrottleReasons=0x01)
    seen = watch(driver)
    for bits in (0x01, 0x04, 0x44, 0x44):
        driver.answers["CurrentClocksThrottleReasons"] = bits
        seen.look()
    assert seen.disturbances() == ["gpu3: thermal slowdown by the hardware in 2 of 4 checks"]
    assert seen.remarks()[0] == "gpu3: at its power limit in 3 of 4 checks"


def test_limits_that_change_are_named_with_their_values() -> None:
    driver = Driver(EnforcedPowerLimit=700_000, ApplicationsClock=1980)
    seen = watch(driver)
    seen.look()
    seen.look()
    assert seen.disturbances() == []
    driver.answers |= {"EnforcedPowerLimit": 450_000}
    seen.look()
    del driver.answers["EnforcedPowerLimit"]
    seen.look()
    assert seen.disturbances() == ["gpu3: the power limit changed: 700 W -> 450 W"]


@pytest.mark.parametrize("comparable", [True, False])
def test_processes_of_another_container_cannot_be_told_from_ours(
    monkeypatch: pytest.MonkeyPatch, *, comparable: bool
) -> None:
    """Where the driver counts processes as we do, a stranger is named; else it may be ourselves under another number."""
    monkeypatch.setattr(gpu_watch, "in_first_namespace", lambda: comparable)
    sibling = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    monkeypatch.setattr(gpu_watch, "is_own", lambda pid: None if pid > 2**22 else pid == os.getpid())
    running = [SimpleNamespace(pid=sibling.pid), SimpleNamespace(pid=2**22 + 1)]
    seen = watch(Driver(ComputeRunningProcesses=running))
    seen.look()
    sibling.communicate()
    unseen = [line for line in seen.remarks() if "may or may not be ours" in line]
    assert [line[-2:] for line in unseen] == ([" 1"] if comparable else [" 2"])
    strangers = [line for line in seen.disturbances() if "also runs on it" in line]
    assert len(strangers) == comparable
    assert all(f"process {sibling.pid} (python" in line for line in strangers)


def test_one_of_our_own_in_the_list_shows_that_numbers_are_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_watch, "in_first_namespace", lambda: False)
    monkeypatch.setattr(gpu_watch, "is_own", lambda pid: pid == os.getpid())
    running = [SimpleNamespace(pid=os.getpid()), SimpleNamespace(pid=1)]
    seen = watch(Driver(ComputeRunningProcesses=running))
    seen.look()
    assert len(seen.disturbances()) == 1


QUERIES = {
    "CurrentClocksEventReasons": 0x08, "EnforcedPowerLimit": 700_000, "ApplicationsClock": 1980, "MigMode": [1, 1],
    "ComputeRunningProcesses": [], "GraphicsRunningProcesses": [],
}  # fmt: skip


@given(st.sets(st.sampled_from(sorted(QUERIES))))
def test_every_query_may_be_missing_by_itself(missing: set[str]) -> None:
    seen = watch(Driver(**{name: answer for name, answer in QUERIES.items() if name not in missing}))
    seen.look()
    assert seen.disturbances() == ["gpu3: hardware slowdown in 1 of 1 checks"] * (
        "CurrentClocksEventReasons" not in missing
    )
    told = " ".join(seen.remarks())
    assert ("MIG" in told) == ("MigMode" not in missing)
    for name in missing - {"MigMode", "ApplicationsClock"}:
        assert name in told


def test_a_watch_that_breaks_says_so_and_never_raises() -> None:
    class Broken(Driver):
        def query(self, function: str, *_: object) -> Any:
            if "Reasons" in function:
                raise ZeroDivisionError
            return super().query(function)

    gpu = SimpleNamespace(gpu=Gpu("gpu0", "handle"))
    seen = Disturbances(Sources(gpus=[gpu], nvml=Broken()), cpu=True)  # type: ignore[list-item, arg-type]
    seen.begin(0.0)
    seen.end(0.1)
    assert seen.lines == ()
    assert "ZeroDivisionError" in seen.remarks[-1]


def test_looks_are_a_second_apart() -> None:
    """A thousand samples per second must not become a thousand queries."""
    driver = Driver(CurrentClocksEventReasons=0x08)
    gpu = SimpleNamespace(gpu=Gpu("gpu0", "handle"))
    seen = Disturbances(Sources(gpus=[gpu], nvml=driver), cpu=False)  # type: ignore[list-item, arg-type]
    seen.begin(0.0)
    for millisecond in range(1, 2600):
        seen.look(millisecond / 1000)
    seen.end(2.6)
    assert seen.lines == ("gpu0: hardware slowdown in 4 of 4 checks",)


CHILD = """
import json, os, sys, time
from ssl_benchmarks.energy import EnergyMeter
os.environ["SCRIPT_T0"] = repr(time.perf_counter())
os.environ["SCRIPT_PIDS"] = f"{os.getpid()},{os.getppid()},{sys.argv[1]}"
meter = EnergyMeter(cpu=False)
meter.measure_idle(0.1)
with meter:
    time.sleep(0.1)
    os.environ["SCRIPT_LIMIT"] = "500"
print(json.dumps([meter.reading.disturbances, meter.reading.remarks]))
"""


@pytest.mark.cc
def test_the_real_binding_against_the_scripted_driver(scripted_driver: Path, warm: Callable[..., Any]) -> None:
    """The child's parent is no stranger; a child of another is one."""
    script = {"REASONS": "68", "LIMIT": "700", "CLOCK": "1980"}
    env = {**os.environ, **{f"SCRIPT_{name}": value for name, value in script.items()}}
    env |= {"LD_LIBRARY_PATH": str(scripted_driver)}
    sibling = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    done = warm(sibling.pid, cwd=ROOT, env=env, code=CHILD, strict=True).finish()
    sibling.communicate()
    lines, remarks = json.loads(done.stdout)
    assert sum("also runs on it" in line for line in lines) == 2, "once while idle was measured, once in the block"
    assert f"gpu0: process {sibling.pid} (python" in " ".join(lines)
    assert sum("during the idle measurement: gpu0: thermal slowdown" in line for line in lines) == 1
    assert any("the power limit changed: 700 W -> 500 W" in line for line in lines)
    assert any("at its power limit" in remark for remark in remarks)
    assert not any("clock" in line for line in lines)


def test_a_machine_that_was_suspended_is_a_disturbance(monkeypatch: pytest.MonkeyPatch) -> None:
    """One clock of Linux goes on meanwhile, the other, by which everything here is timed, does not."""
    asleep = [100.0]
    monkeypatch.setattr(disturbances, "asleep_s", lambda: asleep[0])
    watch = Disturbances(Sources(), cpu=False)
    watch.begin(1.0)
    watch.end(2.0)
    assert watch.lines == ()
    asleep[0] += 12.0
    watch.end(3.0)
    assert watch.lines == ("machine: suspended for 12 s during the measurement",)


def test_the_two_clocks_go_alike_while_a_machine_is_awake() -> None:
    before = disturbances.asleep_s()
    assert before >= 0.0 or before == pytest.approx(0.0, abs=0.01)
    assert disturbances.asleep_s() - before < disturbances.SHORTEST_SLEEP_S
