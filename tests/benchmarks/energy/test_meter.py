"""The meter on this machine, its arithmetic, and what it does not do."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.energy import EnergyMeter, cuda
from ssl_benchmarks.energy.edges import between, take_edge
from ssl_benchmarks.energy.idle import IdlePower, net_energy
from ssl_benchmarks.energy.sources import machine_model, processor
from ssl_benchmarks.energy.sources.discovery import Sources
from ssl_benchmarks.energy.sources.integral import PowerIntegral
from ssl_benchmarks.energy.sources.machine_model import Machine, look_at_machine
from ssl_benchmarks.energy.sources.modelled import ModelledCpu, ModelledDram
from ssl_benchmarks.energy.sources.processor import SystemLoad
from ssl_benchmarks.energy.sources.source import Span
from ssl_benchmarks.energy.sources.tick import find_ticks
from ssl_benchmarks.energy.sources.trace import COLUMNS
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_models.errors import BadInputError


@pytest.fixture(autouse=True)
def no_counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLBENCH_POWERCAP_ROOT", str(tmp_path / "none"))


def test_the_model_asks_no_network_writes_nothing_and_prints_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.chdir(tmp_path)
    look_at_machine.cache_clear()
    before = threading.active_count()
    with EnergyMeter(gpus=()) as meter:
        assert threading.active_count() == before + 1
        time.sleep(1.2)
    assert threading.active_count() == before
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    machine, reading, seconds = look_at_machine(), meter.reading, meter.reading.duration.value or 0
    assert seconds >= 1.2
    assert reading.energy_dram.value == pytest.approx(machine.dram_w * seconds, rel=1e-3)
    cpu_w = reading.power_mean("cpu").value or 0
    assert 0.1 * (machine.tdp_w or 85) <= cpu_w * 1.001
    assert cpu_w <= (machine.tdp_w or 85) * 1.001
    assert {reading.energy_cpu.method, reading.energy_dram.method, reading.energy_machine.method} == {"modelled"}
    assert "TDP" in reading.energy_cpu.note
    assert "5 W per DIMM" in reading.energy_dram.note
    assert list(reading.trace.columns) == list(COLUMNS)
    assert set(reading.trace["device"]) == {"cpu", "dram"}
    assert reading.energy_net.value is None


class Steady:
    """A load that stays as it is set."""

    def __init__(self) -> None:
        self.busy = 0.5

    def start(self) -> None:
        pass

    def share(self) -> float:
        return self.busy


def steady_sources(load: Steady) -> Sources:
    machine = Machine(100.0, "made up", "cpu", 20.0, "dram")
    return Sources(others=[ModelledCpu(machine, "test", load), ModelledDram(machine, "test")])


@given(st.lists(st.tuples(st.floats(0.001, 5), st.floats(0, 1)), min_size=1, max_size=20))
def test_parts_of_a_block_add_up_to_the_whole(steps: list[tuple[float, float]]) -> None:
    load = Steady()
    sources = steady_sources(load)
    for source in sources:
        source.open(0.0)
    now, edges = 0.0, [{s.device: s.mark(0.0) for s in sources}]
    for seconds, busy in steps:
        now, load.busy = now + seconds, busy
        edges.append({s.device: s.mark(now) for s in sources})
    for source in sources:
        parts = [source.between(a[source.device], b[source.device]) for a, b in pairwise(edges)]
        whole = source.between(edges[0][source.device], edges[-1][source.device])
        added = sum(parts, Span())
        assert added.energy_j == pytest.approx(whole.energy_j)
        assert added.duration_s == pytest.approx(now)
        assert all(part.energy_j >= 0 for part in parts)


def test_a_source_that_breaks_spoils_itself_alone() -> None:
    load = Steady()
    sources = steady_sources(load)
    first = take_edge(sources, opening=True)
    time.sleep(0.25)
    load.share = lambda: 1 / 0  # type: ignore[method-assign]
    spans = between(sources, first, take_edge(sources))
    cpu, dram = (source.energy(spans[source.device]) for source in sources)
    assert cpu.value is None
    assert "ZeroDivisionError" in cpu.note
    assert dram.value == pytest.approx(20 * spans["dram"].duration_s)


def test_windows_nest_and_repeat() -> None:
    with EnergyMeter(gpus=()) as meter:
        with meter.window("outer"):
            for _ in range(3):
                with meter.window("inner"):
                    time.sleep(0.02)
        with pytest.raises(RuntimeError, match="live"):
            _ = meter.reading
        assert meter.windows["inner"].duration.n == 3
    inner, outer, whole = meter.windows["inner"], meter.windows["outer"], meter.reading
    durations = [reading.duration.value or 0 for reading in (inner, outer, whole)]
    assert 0.06 <= durations[0] < durations[1] < durations[2]
    energies = [reading.energy_dram.value or 0 for reading in (inner, outer, whole)]
    assert 0 < energies[0] < energies[1] < energies[2]
    with pytest.raises(RuntimeError, match="outside"), meter.window("late"):
        pass
    with pytest.raises(RuntimeError, match="once"):
        meter.start()


def test_the_measured_program_keeps_its_own_errors() -> None:
    meter = EnergyMeter(gpus=(), cpu=False)
    with pytest.raises(KeyError), meter, meter.window("broken"):
        raise KeyError("mine")
    assert meter.windows["broken"].energy_cpu.note == "not requested (cpu=False)"


def test_live_has_every_scope() -> None:
    with EnergyMeter(gpus=()) as meter:
        live = meter.live()
    scopes = {"gpu", "cpu", "dram", "machine"}
    assert set(live.energy) == set(live.power) == scopes
    assert set(meter.reading.by_scope()) == scopes


@pytest.mark.parametrize("rate", [0, -1, 1001, float("nan")])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    with pytest.raises(BadInputError, match="sample_hz"):
        EnergyMeter(sample_hz=rate)


def test_idle_is_taken_off_measured_parts_alone() -> None:
    idle = IdlePower({"cpu": Quantity(10.0, "W", "measured", (9.0, 11.0))})
    parts = {"cpu": Quantity(50.0, "J", "measured", (49.0, 51.0)), "dram": Quantity(9.0, "J", "modelled")}
    net = net_energy(parts, 2.0, idle)
    assert (net.value, net.ci95, net.method) == (30.0, (27.0, 33.0), "measured")
    without = net_energy({"cpu": unavailable("J", "lost")}, 2.0, idle)
    assert without.value is None
    assert "idle power was measured for cpu" in without.note


@given(st.floats(0, 1000), st.floats(-100, 100), st.lists(st.floats(0.01, 2), min_size=2, max_size=30))
def test_trapezoids_are_exact_on_a_ramp(base: float, slope: float, gaps: list[float]) -> None:
    integral, now = PowerIntegral(), 0.0
    integral.add(0.0, base)
    for gap in gaps:
        now += gap
        integral.add(now, base + slope * now)
    assert integral.joules == pytest.approx(base * now + slope * now**2 / 2, abs=1e-6)


@pytest.mark.parametrize("tick_ms", [20, 100])
def test_ticks_are_found_on_a_made_up_clock(tick_ms: int) -> None:
    """A counter at 200 W moves by 0.2 J a millisecond, seen once a tick; the other one never moves."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    def counter() -> float:
        return int(now[0] * 1000 + 1e-6) // tick_ms * tick_ms * 0.2

    tick, still = find_ticks([counter, lambda: 7.0], clock=lambda: now[0], sleep=sleep)
    assert tick is not None
    assert tick.seconds == pytest.approx(tick_ms / 1000, abs=2e-3)
    assert tick.joules == pytest.approx(tick_ms * 0.2)
    assert still is None


@pytest.mark.parametrize(("initialised", "waits"), [(False, []), (True, [0, 2])])
def test_edges_wait_for_devices_in_use_alone(
    monkeypatch: pytest.MonkeyPatch, waits: list[int], *, initialised: bool
) -> None:
    """Device 1 holds nothing of ours: touching it would create a context there."""
    seen: list[int] = []
    fake = SimpleNamespace(
        is_initialized=lambda: initialised,
        is_current_stream_capturing=lambda: False,
        current_device=lambda: 0,
        device_count=lambda: 3,
        memory_reserved=lambda index: 4096 if index == 2 else 0,
        synchronize=seen.append,
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=fake))
    cuda.synchronise()
    assert seen == waits


def calls_itself(meter: EnergyMeter) -> int:
    def step(depth: int) -> None:
        with meter.window("of one name"):
            time.sleep(0.01)
            if depth:
                step(depth - 1)

    step(2)
    return 3


def coroutines(meter: EnergyMeter) -> int:
    async def request() -> None:
        with meter.window("of one name"):
            await asyncio.sleep(0.02)

    async def serve() -> None:
        await asyncio.gather(*(request() for _ in range(4)))

    asyncio.run(serve())
    return 4


def threads(meter: EnergyMeter) -> int:
    begun = threading.Barrier(3)

    def work() -> None:
        with meter.window("of one name"):
            begun.wait()
            time.sleep(0.01)

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return 3


def generators(meter: EnergyMeter) -> int:
    def samples() -> Iterator[int]:
        with meter.window("of one name"):
            yield from range(3)

    for _ in zip(samples(), samples(), strict=True):
        time.sleep(0.005)
    return 2


@pytest.mark.parametrize("work", [calls_itself, coroutines, threads, generators])
def test_what_windows_of_one_name_share_counts_once(work: Callable[[EnergyMeter], int]) -> None:
    with EnergyMeter(gpus=()) as meter:
        passes = work(meter)
    window, whole = meter.windows["of one name"], meter.reading
    assert 0 < (window.duration.value or 0) <= (whole.duration.value or 0)
    assert 0 < (window.energy_dram.value or 0) <= (whole.energy_dram.value or 0)
    assert window.duration.n == 1
    assert window.duration.note == f"{passes} windows, some open at once: shared time counts once"


def test_a_window_is_there_when_the_last_of_its_name_has_closed() -> None:
    with EnergyMeter(gpus=()) as meter:
        with meter.window("outer"):
            with meter.window("outer"):
                pass
            assert "outer" not in meter.windows
        assert "outer" in meter.windows
        with meter.window("outer"):
            pass
        assert meter.windows["outer"].duration.n == 2
        assert "3 windows" in meter.windows["outer"].duration.note


@pytest.fixture
def fresh_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine that no meter has seen."""
    import_module("codecarbon")  # which looks for an AMD GPU's program when it is imported
    monkeypatch.setenv("SSLBENCH_CACHE", str(tmp_path / "cache"))
    look_at_machine.cache_clear()
    yield
    look_at_machine.cache_clear()
    machine_model._hanging = None


@pytest.mark.usefixtures("fresh_look")
def test_looking_at_the_machine_starts_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel names the processor; a program may hang, or be missing."""
    monkeypatch.setattr(machine_model, "model_name", lambda: "AMD EPYC 7763")
    monkeypatch.setattr(machine_model, "sockets", lambda: 2)
    monkeypatch.setattr(subprocess.Popen, "__init__", lambda *_, **__: pytest.fail("a program was started"))
    found = look_at_machine()
    assert found.model == "AMD EPYC 7763"
    assert found.tdp_w == 2 * 280
    assert "2 × 280.0 W from its table" in found.cpu_note


@pytest.mark.usefixtures("fresh_look")
@pytest.mark.parametrize("controller", ["answers", "refuses", "is missing"])
def test_a_job_is_modelled_as_the_machine_it_runs_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, controller: str
) -> None:
    """Its model goes by the machine's load: neither CPUs nor memory of the job are asked for, whatever Slurm would say."""
    outside = look_at_machine()
    look_at_machine.cache_clear()
    monkeypatch.setenv("SSLBENCH_CACHE", str(tmp_path / "another"))
    if controller != "is missing":
        says = "echo 'NumCPUs=1'; echo 'AllocTRES=cpu=1,mem=4G,node=1'" if controller == "answers" else "exit 1"
        (tmp_path / "scontrol").write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n{says}\n")
        (tmp_path / "scontrol").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    modules = [import_module(f"codecarbon.{name}") for name in ("core.util", "external.ram")]
    for module in modules:
        monkeypatch.setattr(module, "SLURM_JOB_ID", "77")
    inside = look_at_machine()
    assert inside == outside
    assert not (tmp_path / "asked").exists()
    assert all(module.SLURM_JOB_ID == "77" for module in modules), "codecarbon's own trackers see the job as before"


@pytest.mark.usefixtures("fresh_look")
def test_a_program_that_hangs_holds_a_meter_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is missing with the reason; the next meter does not wait, and one after the hang has it."""
    hangs, looked, machine = threading.Event(), [0], look_at_machine()
    look_at_machine.cache_clear()
    monkeypatch.setattr(machine_model, "_place", lambda: None)

    def look() -> Machine:
        looked[0] += 1
        assert hangs.wait(100)
        return machine

    monkeypatch.setattr(machine_model, "_look", look)
    monkeypatch.setattr(machine_model, "LOOK_LIMIT_S", 0.02)
    for words in ("did not end within 0.02 s", "still hangs"):
        with EnergyMeter(gpus=()) as meter:
            pass
        assert meter.reading.energy_cpu.value is None
        assert words in meter.reading.energy_cpu.note
        assert "no model either" in meter.reading.energy_dram.note
    assert looked == [1]
    hangs.set()
    monkeypatch.setattr(machine_model, "LOOK_LIMIT_S", 100.0)
    assert machine_model._hanging is not None
    assert machine_model._hanging.result(100) == machine
    assert look_at_machine() == machine


@pytest.mark.usefixtures("fresh_look")
@pytest.mark.parametrize("spoilt", [b"", b"{", b"[]", b'{"tdp_w": "85"}', b'{"tdp_w": NaN}', None])
def test_a_machine_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: bytes | None) -> None:
    """Later processes read what the first one kept, unless it is broken; then they look again."""
    monkeypatch.setattr(machine_model, "model_name", lambda: "AMD EPYC 7763")
    first = look_at_machine()
    (kept,) = (tmp_path / "cache" / "sslbench" / "machines").iterdir()
    if spoilt is not None:
        kept.write_bytes(spoilt)
    look_at_machine.cache_clear()
    looked: list[Machine] = []
    monkeypatch.setattr(machine_model, "_look", lambda: looked.append(first) or first)
    assert look_at_machine() == first
    assert bool(looked) == (spoilt is not None)


@pytest.mark.usefixtures("fresh_look")
@pytest.mark.parametrize("name", ["AMD EPYC 9654", ""], ids=["another processor", "one that the kernel does not name"])
def test_another_machine_is_not_taken_for_this_one(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Nodes of a cluster share a home folder."""
    monkeypatch.setattr(machine_model, "model_name", lambda: "AMD EPYC 7763")
    first = look_at_machine()
    look_at_machine.cache_clear()
    monkeypatch.setattr(machine_model, "model_name", lambda: name)
    other = Machine(1.0, "other", "", 1.0, "")
    monkeypatch.setattr(machine_model, "_look", lambda: other)
    assert first != look_at_machine() == other


@pytest.mark.parametrize("busy", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_power_follows_the_load_as_in_codecarbon(monkeypatch: pytest.MonkeyPatch, busy: float) -> None:
    """Its own class, told the same load."""
    hardware = import_module("codecarbon.external.hardware")
    theirs = hardware.CPU.from_utils("", "cpu_load", "made up", 100.0)
    monkeypatch.setattr(theirs._cpu_load_meter, "percent", lambda: 100 * busy)
    load = Steady()
    load.busy = busy
    (cpu, _) = steady_sources(load).others
    cpu.open(0.0)
    cpu.mark(2.0)
    assert cpu.power_w == pytest.approx(theirs.total_power().W)


def test_the_load_is_the_share_of_the_time_that_is_not_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux counts the time of guests twice; waiting for a disk is no work."""
    fields = {"user": 10.0, "nice": 2.0, "system": 3.0, "idle": 20.0, "iowait": 5.0, "guest": 4.0, "guest_nice": 1.0}
    Times = namedtuple("Times", fields)  # noqa: PYI024 - as psutil's
    later = {**fields, "user": 14.0, "idle": 24.0, "iowait": 7.0, "guest": 6.0}
    told = iter([Times(**fields), Times(**later), Times(**later)])
    monkeypatch.setattr("psutil.cpu_times", lambda: next(told))
    load = SystemLoad()
    load.start()
    assert load.share() == pytest.approx(4 / (4 + 4 + 2))
    assert load.share() == 0.0


@pytest.mark.parametrize(
    ("text", "sockets"),
    [
        ("physical id\t: 0\nphysical id\t: 0\nphysical id\t: 1\n", 2),
        ("processor\t: 0\nmodel name\t: x\n", 1),
        ("physical id\t: 3\n", 1),
        (None, 1),
    ],
)
def test_processors_are_counted_without_a_program(
    monkeypatch: pytest.MonkeyPatch, text: str | None, sockets: int
) -> None:
    def read(_: Path) -> str:
        if text is None:
            raise FileNotFoundError
        return text

    monkeypatch.setattr(Path, "read_text", read)
    assert processor.sockets() == sockets
