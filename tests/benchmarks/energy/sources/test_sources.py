"""Sources on a made-up clock: windows add up, counters are held against samples, and nothing missing reads as 0."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.energy import edges
from ssl_benchmarks.energy.edges import Edge, Window, between, sample_all, take_edge
from ssl_benchmarks.energy.idle import IdlePower, metered
from ssl_benchmarks.energy.reading import EnergyReading
from ssl_benchmarks.energy.readout import read_live, read_out
from ssl_benchmarks.energy.sources import gpu, rapl
from ssl_benchmarks.energy.sources.discovery import Sources
from ssl_benchmarks.energy.sources.gpu import GpuSource
from ssl_benchmarks.energy.sources.integral import PowerIntegral, integral_error, student
from ssl_benchmarks.energy.sources.machine_model import Machine
from ssl_benchmarks.energy.sources.modelled import ModelledCpu, ModelledDram
from ssl_benchmarks.energy.sources.nvml import Missing
from ssl_benchmarks.energy.sources.parts import SCOPES
from ssl_benchmarks.energy.sources.rapl import Domain, RaplSource
from ssl_benchmarks.energy.sources.selection import Gpu, select
from ssl_benchmarks.energy.sources.source import Mark, Source, Span
from ssl_benchmarks.energy.sources.tick import Tick
from ssl_benchmarks.energy.sources.trace import framed
from ssl_benchmarks.record.quantity import Quantity

GPU_W, PACKAGE_W, DRAM_W = 200.0, 50.0, 8.0


class Clock:
    """A clock that only moves when set."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


class Driver:
    """NVML of one steady GPU: its counter ticks every 20 ms, its sensor reads `scale` times the power; `missing` fails."""

    def __init__(self, clock: Clock, missing: set[str], scale: float = 1.0) -> None:
        self.clock, self.missing, self.scale = clock, missing, scale

    def query(self, function: str, *_: object) -> Any:
        name = function.removeprefix("DeviceGet")
        if name in self.missing:
            return Missing(f"nvml{function}: Not Supported")
        ticked = math.floor(self.clock.now / 0.02) * 0.02
        answers = {
            "TotalEnergyConsumption": 1e6 + 1000 * GPU_W * ticked, "PowerUsage": 1000 * GPU_W * self.scale,
            "Temperature": 40, "ClockInfo": 1980, "UtilizationRates": SimpleNamespace(gpu=99),
        }  # fmt: skip
        return answers.get(name, Missing(f"nvml{function}: Not Supported"))

    def constant(self, name: str) -> int:
        del name
        return 0


@contextmanager
def on(clock: Clock) -> Iterator[None]:
    """Every reader of the time reads this clock."""
    with patch.object(gpu, "time", clock), patch.object(rapl, "time", clock), patch.object(edges, "time", clock):
        yield


def counter(clock: Clock, name: str, watts: float, *, lost: bool) -> Domain:
    """A RAPL domain that wraps every 100 J."""
    domain = Domain(name, Path("/nowhere"), 100.0)

    def read() -> float | None:
        if lost:
            domain.fault = f"{name}: unreadable"
            return None
        return (30.0 + watts * clock.now) % 100.0

    domain._read = read  # type: ignore[method-assign]
    return domain


MACHINE = Machine(100.0, "made up", "cpu", 20.0, "dram")
BUSY = SimpleNamespace(start=lambda: None, share=lambda: 0.5)


def modelled_cpu() -> ModelledCpu:
    """At half its load."""
    return ModelledCpu(MACHINE, "no RAPL", BUSY)


def step(clock: Clock, sources: Sources, seconds: float) -> None:
    """Let time pass, with ten samples per second."""
    end = clock.now + seconds
    while clock.now + 0.1 < end:
        clock.now += 0.1
        sample_all(sources)
    clock.now = end


def windows_of(clock: Clock, sources: Sources, lengths: list[float]) -> tuple[list[Edge], Window]:
    """Successive windows of one name, with their edges."""
    marks, window = [take_edge(sources, opening=True)], Window()
    for seconds in lengths:
        step(clock, sources, seconds)
        marks.append(take_edge(sources))
        window.add(sources, marks[-2], marks[-1])
    return marks, window


@pytest.mark.parametrize("lengths", [[12.0], [3.0] * 4, [0.5] * 24], ids=["one", "four", "many"])
@pytest.mark.parametrize(("scale", "apart"), [(1.3, "+30."), (0.8, "-20."), (1.05, "")])
def test_a_counter_and_samples_that_part_are_noted_in_windows_too(
    lengths: list[float], scale: float, apart: str
) -> None:
    """Twelve seconds are enough to decide, in one window or in many of one name; both values are kept."""
    clock = Clock()
    with on(clock):
        source = GpuSource(Driver(clock, set(), scale), Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
        _, window = windows_of(clock, Sources(gpus=[source]), lengths)
    span = window.spans["gpu0"]
    note, integral = source.energy(span).note, source.integral(span)
    assert source.energy(span).value == pytest.approx(12 * GPU_W, rel=0.01)
    assert integral.value == pytest.approx(12 * GPU_W * scale, rel=0.01)
    assert f"integral of its power samples {integral.value:.6g} J" in note
    assert ("counter and integral differ by" in note) == bool(apart)
    assert apart in note


def test_a_short_window_is_too_short_to_hold_them_against_each_other() -> None:
    clock = Clock()
    with on(clock):
        source = GpuSource(Driver(clock, set(), 1.3), Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
        _, window = windows_of(clock, Sources(gpus=[source]), [9.0])
    assert "one of them is wrong" not in source.energy(window.spans["gpu0"]).note


@given(
    lengths=st.lists(st.floats(0.001, 3.0), min_size=1, max_size=12),
    missing=st.sets(st.sampled_from(["TotalEnergyConsumption", "PowerUsage"]), max_size=1),
)
def test_windows_add_up_to_the_whole(lengths: list[float], missing: set[str]) -> None:
    """Counted or sampled GPU, and RAPL over its wraps: the parts are the whole, and RAPL's is exact."""
    clock = Clock()
    with on(clock):
        source = GpuSource(Driver(clock, missing), Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
        cpu = RaplSource("cpu", [counter(clock, f"package-{i}", PACKAGE_W, lost=False) for i in (0, 1)], 0.1)
        sources = Sources(gpus=[source], others=[cpu])
        marks, window = windows_of(clock, sources, lengths)
        whole = between(sources, marks[0], marks[-1])
    for device, span in window.spans.items():
        parts = [between(sources, a, b)[device].energy_j for a, b in pairwise(marks)]
        assert span.energy_j == pytest.approx(sum(parts), abs=1e-9)
        assert span.energy_j == pytest.approx(whole[device].energy_j, abs=1e-6)
        assert span.duration_s == pytest.approx(whole[device].duration_s)
        assert not span.fault
    assert whole["cpu"].energy_j == pytest.approx(2 * PACKAGE_W * sum(lengths))
    assert abs(whole["gpu0"].energy_j - GPU_W * sum(lengths)) <= whole["gpu0"].error_j + GPU_W * 0.02


def every_quantity(reading: EnergyReading) -> dict[str, Quantity]:
    """All that a reading says."""
    found = {f"energy {scope}": q for scope, q in reading.by_scope().items()}
    found |= {f"net {scope}": q for scope, q in reading.net_by_scope().items()}
    found |= {f"power {scope}": reading.power_mean(scope) for scope in reading.by_scope()}
    found |= {f"device {device}": q for device, q in reading.per_gpu.items()}
    return found | {"idle": reading.power_idle, "integral": reading.integral_gpu, "duration": reading.duration}


KINDS = ("counter", "lost", "model", "absent")


def built(clock: Clock, gpus: list[set[str]], cpu: str, dram: str) -> Sources:
    """A machine: each GPU with what its driver misses, CPU and DRAM each of one of `KINDS`."""
    sources = Sources(reasons={scope: f"no {scope} here" for scope in SCOPES})
    for index, missing in enumerate(gpus):
        sources.gpus.append(GpuSource(Driver(clock, missing), Gpu(f"gpu{index}", "handle"), 0.1))  # type: ignore[arg-type]
    others: list[Source] = []
    for scope, kind, watts in (("cpu", cpu, PACKAGE_W), ("dram", dram, DRAM_W)):
        if kind in {"counter", "lost"}:
            domain = counter(clock, f"package-0 {scope}", watts, lost=kind == "lost")
            others.append(RaplSource(scope, [domain], 0.1))  # type: ignore[arg-type]
        elif kind == "model":
            others.append(modelled_cpu() if scope == "cpu" else ModelledDram(MACHINE, "no RAPL"))
    sources.others = others
    return sources


queries = st.sampled_from(["TotalEnergyConsumption", "PowerUsage", "Temperature", "ClockInfo", "UtilizationRates"])


@given(
    gpus=st.lists(st.sets(queries), max_size=2),
    cpu=st.sampled_from(KINDS),
    dram=st.sampled_from(KINDS),
    idle=st.booleans(),
    fails=st.booleans(),
)
def test_no_quantity_is_zero_because_it_was_missing(
    gpus: list[set[str]], cpu: str, dram: str, *, idle: bool, fails: bool
) -> None:
    """Whatever is missing, in any combination and from the start or later: a value that is there is no 0, one that is not
    has its reason, and the machine is the sum of exactly the parts that are there."""
    clock = Clock()
    with on(clock):
        sources = built(clock, gpus, cpu, dram)
        first = take_edge(sources, opening=True)
        step(clock, sources, 2.0)
        if fails:
            for source in sources:
                source.fail("fell off")
        step(clock, sources, 2.0)
        last = take_edge(sources)
    times, spans = [(first.time_s, last.time_s)], between(sources, first, last)
    gross = read_out(sources, spans, times, 0.0, idle=None, watch=None)
    rest = {scope: gross.power_mean(scope).scaled(0.25, "W") for scope in metered(gross.parts)} if idle else None
    reading = read_out(sources, spans, times, 0.0, idle=None if rest is None else IdlePower(rest), watch=None)
    live = read_live(sources, 4.0)
    said = every_quantity(reading) | {f"live {k}": q for k, q in (live.energy | live.power).items()}
    for name, q in said.items():
        assert (q.value is None) == (q.method == "unavailable"), name
        assert q.note if q.value is None else q.value != 0, name
    there = {scope: part.value for scope, part in reading.parts.items() if part.value is not None}
    assert set(there) == expected_scopes(gpus, cpu, dram, fails=fails)
    assert reading.energy_machine.value == (pytest.approx(sum(there.values())) if there else None)
    for scope, part in reading.parts.items():
        if there:
            assert (f"without {scope}" in reading.energy_machine.note) == (scope not in there)
        net = reading.net_by_scope()[scope]
        if idle and part.method in {"measured", "sampled"}:
            assert net.value == pytest.approx(0.75 * (part.value or 0))
        else:
            assert net.value is None


def expected_scopes(gpus: list[set[str]], cpu: str, dram: str, *, fails: bool) -> set[str]:
    """Which parts are available, derived from the machine alone."""
    if fails:
        return set()
    blind = {"TotalEnergyConsumption", "PowerUsage"}
    scopes = {scope for scope, kind in (("cpu", cpu), ("dram", dram)) if kind in {"counter", "model"}}
    return scopes | ({"gpu"} if gpus and not any(blind <= missing for missing in gpus) else set())


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 3)), min_size=1, max_size=8))
def test_windows_of_one_name_hold_the_time_in_which_any_was_open(passes: list[tuple[float, float]]) -> None:
    """Against the union of the intervals, worked out on a fine grid: nested, overlapping, touching or apart."""
    clock, window = Clock(), Window()
    cpu = RaplSource("cpu", [counter(clock, "package-0", PACKAGE_W, lost=False)], 0.1)
    sources = Sources(others=[cpu])
    moments = sorted([(begin, 0) for begin, _ in passes] + [(begin + length, 1) for begin, length in passes])
    with on(clock):
        take_edge(sources, opening=True)
        for moment, leaves in moments:
            step(clock, sources, moment - clock.now)
            edge = take_edge(sources)
            window.leave(sources, edge) if leaves else window.enter(edge)
    union, reached = 0.0, 0.0
    for begin, length in sorted(passes):
        union += max(0.0, begin + length - max(begin, reached))
        reached = max(reached, begin + length)
    assert sum(end - start for start, end in window.times) == pytest.approx(union)
    assert window.spans["cpu"].energy_j == pytest.approx(PACKAGE_W * union)
    assert window.passes == len(passes)
    assert all(one[1] <= other[0] for one, other in pairwise(window.times))


def test_edges_that_come_in_another_order_than_they_were_marked_count_once() -> None:
    """A window that begins before the last one has ended, and is reported later; one that ends last and is reported first."""
    clock = Clock()
    sources = Sources(others=[RaplSource("cpu", [counter(clock, "package-0", PACKAGE_W, lost=False)], 0.1)])
    with on(clock):
        edges = [take_edge(sources, opening=True)]
        for _ in range(4):
            step(clock, sources, 1.0)
            edges.append(take_edge(sources))
    late, window = Window(), Window()
    late.enter(edges[0]), late.leave(sources, edges[2]), late.enter(edges[1]), late.leave(sources, edges[3])
    assert late.times == [(0.0, edges[2].time_s), (edges[2].time_s, edges[3].time_s)]
    window.enter(edges[0]), window.enter(edges[1]), window.leave(sources, edges[4]), window.leave(sources, edges[3])
    assert window.times == [(0.0, edges[4].time_s)]


class Superchip(Driver):
    """A GPU of 200 W on a module of 350 W that the counter holds, with `signs` of it and power by `scopes`."""

    def __init__(self, clock: Clock, scopes: set[int], **signs: Any) -> None:
        super().__init__(clock, set())
        self.scopes, self.signs = scopes, signs

    def query(self, function: str, *arguments: Any) -> Any:
        name = function.removeprefix("DeviceGet")
        if name == "FieldValues":
            ((_, scope),) = arguments[1]
            watts = 1000 * (MODULE_W if scope else GPU_W)
            told = SimpleNamespace(uiVal=int(watts) if scope in self.scopes else 0)
            return [SimpleNamespace(nvmlReturn=0 if scope in self.scopes else 3, valueType=1, value=told)]
        if name == "TotalEnergyConsumption":
            return 1e6 + 1000 * MODULE_W * math.floor(self.clock.now / 0.02) * 0.02
        return self.signs.get(name, super().query(function, *arguments))

    def constant(self, name: str) -> int:
        return int(name == "POWER_SCOPE_MODULE")


MODULE_W = 350.0
LINKED = SimpleNamespace(isC2cEnabled=1)


@pytest.mark.parametrize(
    ("scopes", "signs", "words"),
    [
        ({0, 1}, {}, "the driver reports the power of a module"),
        ({0}, {"C2cModeInfoV": LINKED}, "linked chip to chip"),
        ({0}, {"Name": "NVIDIA GH200 480GB"}, "it is a NVIDIA GH200 480GB"),
        ({0}, {"Name": "NVIDIA GB10"}, "it is a NVIDIA GB10"),
        (set(), {"Name": "Grace Hopper"}, "does not report the power of the GPU alone"),
    ],
    ids=["scope", "link", "GH200", "GB10", "no scope"],
)
def test_what_shows_that_a_counter_is_of_a_module(scopes: set[int], signs: dict[str, Any], words: str) -> None:
    """The GPU has its own power's integral or no figure, the module the counter, the machine what the module has."""
    clock = Clock()
    with on(clock):
        driver, gpu0 = Superchip(clock, scopes, **signs), Gpu("gpu0", "handle")
        source, module = (GpuSource(driver, gpu0, 0.1, module=each) for each in (False, True))  # type: ignore[arg-type]
        others: list[Source] = [modelled_cpu(), ModelledDram(MACHINE, "no RAPL")]
        sources = Sources(gpus=[source], modules=[module], others=others)
        marks, window = windows_of(clock, sources, [4.0])
    reading = read_out(sources, window.spans, [(marks[0].time_s, marks[1].time_s)], 0.0, idle=None, watch=None)
    assert words in reading.energy_gpu.note
    if 0 in scopes:
        assert (reading.energy_gpu.value, reading.energy_gpu.method) == (pytest.approx(4 * GPU_W), "sampled")
    else:
        assert reading.energy_gpu.value is None
    assert reading.energy_module is not None
    assert (reading.energy_module.value, reading.energy_module.method) == (
        pytest.approx(4 * MODULE_W, rel=0.01),
        "measured",
    )
    assert reading.energy_machine == replace(reading.energy_module, note="module (measured)")
    assert reading.energy_cpu.method == "modelled", "it is there under its own name, and in no sum"
    assert read_live(sources, 4.0).energy["machine"].value == pytest.approx(4 * MODULE_W, rel=0.01)


def test_a_cpu_with_a_counter_of_its_own_is_added_to_a_module() -> None:
    """It is none of the module's, whose CPU has no counter that we read; memory that is modelled is in it."""
    clock = Clock()
    with on(clock):
        driver, gpu0 = Superchip(clock, {0, 1}), Gpu("gpu0", "handle")
        source, module = (GpuSource(driver, gpu0, 0.1, module=each) for each in (False, True))  # type: ignore[arg-type]
        cpu = RaplSource("cpu", [counter(clock, "package-0", PACKAGE_W, lost=False)], 0.1)
        sources = Sources(gpus=[source], modules=[module], others=[cpu, ModelledDram(MACHINE, "no RAPL")])
        marks, window = windows_of(clock, sources, [4.0])
    reading = read_out(sources, window.spans, [(marks[0].time_s, marks[1].time_s)], 0.0, idle=None, watch=None)
    assert reading.energy_machine.value == pytest.approx(4 * (MODULE_W + PACKAGE_W), rel=0.01)
    assert reading.energy_machine.note == "module (measured) + cpu (measured)"


@pytest.mark.parametrize(
    "name",
    ["NVIDIA H100 80GB HBM3", "NVIDIA L4", "Tesla V100-SXM2-16GB", "NVIDIA GeForce RTX 4090", "NVIDIA A100-SXM4-40GB"],
)
def test_a_card_of_its_own_has_its_counter(name: str) -> None:
    clock = Clock()
    with on(clock):
        source = GpuSource(Superchip(clock, {0}, Name=name), Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
    assert (source.method, source.shared) == ("measured", "")


@pytest.mark.parametrize(
    ("limits", "leap_j", "leaps"),
    [
        ({"EnforcedPowerLimit": 700_000}, 20_000, True),
        ({"EnforcedPowerLimit": 300_000, "PowerManagementDefaultLimit": 350_000}, 100, True),
        ({"EnforcedPowerLimit": 300_000, "PowerManagementDefaultLimit": 700_000}, 60, False),
        ({}, 20_000, True),
        ({}, 150, True),
        ({"EnforcedPowerLimit": 0}, 80, False),
    ],
)
def test_a_step_that_a_gpu_cannot_have_drawn_is_a_fault(limits: dict[str, int], leap_j: float, *, leaps: bool) -> None:
    """1.5 times the highest limit, or 1 kW where none is reported and 200 W are seen, since it moved last and a tick more."""
    clock = Clock()
    extra = [0.0]

    class Leaping(Driver):
        def query(self, function: str, *arguments: object) -> Any:
            answer = limits.get(function.removeprefix("DeviceGet"), super().query(function, *arguments))
            return answer + 1000 * extra[0] if "TotalEnergy" in function else answer

    with on(clock):
        source = GpuSource(Leaping(clock, set()), Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
        source.tick = Tick(0.02, 4.0)
        sources = Sources(gpus=[source])
        _, window = windows_of(clock, sources, [1.0, 1.0])
        assert not window.spans["gpu0"].fault
        extra[0] = leap_j
        step(clock, sources, 1.0)
    assert ("jumped" in source.fault) == leaps
    assert source.energy(window.spans["gpu0"]).value is not None, "what was closed before stands"


@pytest.mark.parametrize("missing", [set(), {"TotalEnergyConsumption"}], ids=["beside a counter", "alone"])
@pytest.mark.parametrize(("scale", "believed"), [(1.2, True), (100.0, False), (1e6, False)])
def test_a_power_that_a_gpu_cannot_draw_is_no_sample(missing: set[str], scale: float, *, believed: bool) -> None:
    """It invalidates the integral, which is all there is without a counter; a counter does not need it."""
    clock = Clock()
    driver = Driver(clock, missing)
    with on(clock):
        source = GpuSource(driver, Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
        sources, first = Sources(gpus=[source]), take_edge(Sources(gpus=[source]), opening=True)
        step(clock, sources, 1.0)
        driver.scale = scale
        step(clock, sources, 1.0)
        span = between(sources, first, take_edge(sources))["gpu0"]
    integral, energy = source.integral(span), source.energy(span)
    assert (integral.value is not None) == believed
    assert (energy.value is not None) == (believed or not missing)
    if not believed:
        assert "more than the GPU can draw" in integral.note
        assert "more than the GPU can draw" in energy.note or not missing


@given(st.floats(0.05, 3.0))
def test_a_gpus_reading_that_comes_late_is_no_leap(late_s: float) -> None:
    """The counter is read long after the moment it is read for, having moved all the while."""
    clock = Clock()

    class Late(Driver):
        def query(self, function: str, *arguments: object) -> Any:
            clock.now += late_s if function == "DeviceGetTotalEnergyConsumption" and clock.now > 1 else 0.0
            limits = {"DeviceGetEnforcedPowerLimit": 1000 * GPU_W}
            return limits.get(function, super().query(function, *arguments))

    with on(clock):
        source = GpuSource(Late(clock, set()), Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
        source.tick = Tick(0.02, 4.0)
        sources = Sources(gpus=[source])
        windows_of(clock, sources, [1.0, 4.0])
    assert not source.fault


@pytest.mark.parametrize(
    ("uuids", "chosen"),
    [(["bb"], ["gpu1"]), (["bb", "aa"], ["gpu1", "gpu0"]), (["of a MIG instance"], ["gpu0"])],
)
def test_a_torch_that_has_begun_says_which_gpus_it_sees(
    monkeypatch: pytest.MonkeyPatch, uuids: list[str], chosen: list[str]
) -> None:
    """Its UUIDs stand above CUDA_VISIBLE_DEVICES; one that NVML does not list leaves the choice to the variable."""
    cuda = SimpleNamespace(
        is_initialized=lambda: True,
        device_count=lambda: len(uuids),
        get_device_properties=lambda i: SimpleNamespace(uuid=uuids[i]),
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)

    def query(function: str, *arguments: Any) -> Any:
        match function:
            case "DeviceGetCount":
                return 2
            case "DeviceGetHandleByIndex":
                return arguments[0]
            case "DeviceGetUUID":
                return ["GPU-aa", "GPU-bb"][arguments[0]]
            case "DeviceGetMigMode":
                return [0, 0]
            case _:
                return "one kind"

    found = select(SimpleNamespace(query=query), "visible")  # type: ignore[arg-type]
    assert not isinstance(found, Missing)
    assert [each.name for each in found] == chosen


def held_by_samples(draw: np.random.Generator, late: float) -> bool:
    """Whether the interval holds what was drawn in about a second: 60 W and 460 W in turn every 35 ms.

    Samples are 50 ms apart, but for a share of `late` that come up to 0.4 s later.
    """
    phase, length, now, integral = draw.uniform(), draw.uniform(0.5, 1.2), 0.0, PowerIntegral()

    def watts(t: float) -> float:
        return 60.0 + 400.0 * ((t / 0.07 + phase) % 1 >= 0.5)

    def until(t: float) -> float:
        whole, rest = divmod(t / 0.07 + phase, 1)
        return 60.0 * t + 28.0 * (whole / 2 + max(rest - 0.5, 0.0))

    def mark() -> Mark:
        seen = integral
        return Mark(now, 0.0, seen.joules, seen.joules, seen.samples, seen.roughness, seen.power_w, seen.squares)

    integral.add(now, watts(now))
    start = mark()
    while now < length:
        now = min(now + 0.05 + (draw.uniform(0, 0.4) if draw.uniform() < late else 0.0), length)
        integral.add(now, watts(now))
    end = mark()
    return abs(end.integral_j - until(length) + until(0.0)) <= integral_error(start, end)


@pytest.mark.parametrize("late", [0.0, 0.6])
def test_the_interval_of_samples_holds_where_they_come_late(late: float) -> None:
    """95 % of 400 blocks, to within what 400 draws resolve; with equal weights for all gaps and the normal quantile it was 92 % at 0.6."""
    draw = np.random.default_rng(0)
    assert np.mean([held_by_samples(draw, late) for _ in range(400)]) >= 0.94


def test_students_quantile_against_scipy() -> None:
    from scipy import stats

    for freedom in range(2, 60):
        assert student(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), rel=0.05)


class Counting(Driver):
    """Knows what it was asked."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock, set())
        self.asked: list[str] = []

    def query(self, function: str, *arguments: object) -> Any:
        self.asked.append(function.removeprefix("DeviceGet"))
        return super().query(function, *arguments)


def test_what_changes_slowly_is_asked_for_once_a_second() -> None:
    """3.5 s of ten samples per second: temperature at 0, 1, 2 and 3 s, power all the time."""
    clock = Clock()
    driver = Counting(clock)
    with on(clock):
        source = GpuSource(driver, Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
        windows_of(clock, Sources(gpus=[source]), [3.5])
    assert driver.asked.count("Temperature") == driver.asked.count("UtilizationRates") == 4
    assert driver.asked.count("PowerUsage") >= 35


@pytest.mark.parametrize(("after_s", "asks"), [(0.0195, False), (0.0205, True)])
def test_power_is_asked_for_at_an_edge_where_the_last_sample_is_a_fifth_of_a_period_old(
    after_s: float, *, asks: bool
) -> None:
    clock = Clock()
    driver = Counting(clock)
    with on(clock):
        source = GpuSource(driver, Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
        sources = Sources(gpus=[source])
        take_edge(sources, opening=True)
        step(clock, sources, 5.0)
        sample_all(sources)
        before = driver.asked.count("PowerUsage")
        clock.now += after_s
        edge = take_edge(sources)
    assert driver.asked.count("PowerUsage") - before == asks
    assert edge.marks["gpu0"].integral_j == pytest.approx(GPU_W * clock.now), "held until the edge"


def test_the_samples_of_windows_add_up() -> None:
    clock = Clock()
    with on(clock):
        source = GpuSource(Driver(clock, {"TotalEnergyConsumption"}), Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
        sources = Sources(gpus=[source])
        marks, window = windows_of(clock, sources, [1.0, 2.0, 0.5])
    parts = [between(sources, a, b)["gpu0"].samples for a, b in pairwise(marks)]
    assert source.energy(window.spans["gpu0"]).n == sum(parts)


def test_a_window_that_is_too_short_says_how_long_would_do() -> None:
    """A tick of 20 ms either way at 200 W is 4 J of 100 J: 4 % of half a second, so 1 % of 2 s."""
    clock = Clock()
    with on(clock):
        source = GpuSource(Driver(clock, set()), Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
        source.tick = Tick(0.02, 4.0)
        _, window = windows_of(clock, Sources(gpus=[source]), [0.5])
    assert "window too short for 1 % precision: 0.5 s, 2 s needed" in source.energy(window.spans["gpu0"]).note


def test_only_counters_that_are_read_are_watched_for_their_tick() -> None:
    """Neither that of a source which failed, nor one beside which samples are taken."""
    clock = Clock()
    watched: list[str] = []

    def ticks(looks: list[Any]) -> list[Tick | None]:
        watched.extend(look.__self__.device for look in looks)
        return [Tick(0.05, 1.0)] * len(looks)

    with on(clock), patch.object(gpu, "find_ticks", ticks):
        counted, failed = (GpuSource(Driver(clock, set()), Gpu(name, "handle"), 0.1) for name in ("gpu0", "gpu1"))  # type: ignore[arg-type]
        sampled = GpuSource(Driver(clock, {"TotalEnergyConsumption"}), Gpu("gpu2", "handle"), 0.1)  # type: ignore[arg-type]
        failed.fail("fell off")
        gpu.set_ticks([failed, counted, sampled])
    assert watched == ["gpu0"]
    assert (counted.tick.seconds, counted.moved, failed.moved, sampled.moved) == (0.05, True, False, False)


def watched(clock: Clock, **answers: float) -> GpuSource:
    """A GPU whose counter and power stand as `answers` have them, in mJ and mW, and whose tick is 20 ms."""
    told = {"TotalEnergyConsumption": 5_000_000.0, "PowerUsage": 200_000.0} | answers

    class Told(Driver):
        def query(self, function: str, *arguments: object) -> Any:
            return told.get(function.removeprefix("DeviceGet"), super().query(function, *arguments))

    absent = {name for name, value in told.items() if math.isnan(value)}
    for name in absent:
        del told[name]
    source = GpuSource(Told(clock, absent), Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
    source.tick, source.told = Tick(0.02, 4.0), told  # type: ignore[attr-defined]
    return source


LATE = 1000.0
"""A clock that began long ago, so that a moment is no duration."""
NONE = math.nan


@pytest.mark.parametrize(
    ("answers", "most_j"),
    [
        ({"EnforcedPowerLimit": 700_000.0}, 1.5 * 700 * 0.5),
        ({"EnforcedPowerLimit": 300_000.0, "PowerManagementDefaultLimit": 400_000.0}, 1.5 * 400 * 0.5),
        ({}, 1000 * 0.5),
        ({"PowerUsage": 400_000.0}, 3 * 400 * 0.5),
        ({"PowerUsage": 1_900_000.0}, 5000 * 0.5),
        ({"PowerUsage": NONE}, 5000 * 0.5),
    ],
    ids=["limit", "default limit", "power seen", "much seen", "very much seen", "nothing told"],
)
@pytest.mark.parametrize(("share", "leaps"), [(0.99, False), (1.01, True)])
def test_how_much_a_counter_may_grow_by_hand(
    answers: dict[str, float], most_j: float, share: float, *, leaps: bool
) -> None:
    """In 0.48 s since it moved last and a tick of 0.02 s."""
    clock = Clock()
    clock.now = LATE
    with on(clock):
        source = watched(clock, **answers)
        source.open(clock.now)
        clock.now += 0.48
        source.told["TotalEnergyConsumption"] += 1000 * share * most_j  # type: ignore[attr-defined]
        source.sample(clock.now)
    assert ("jumped" in source.fault) == leaps
    assert source.energy_j == (0.0 if leaps else pytest.approx(share * most_j))


@pytest.mark.parametrize(
    ("answers", "most_w"), [({"EnforcedPowerLimit": 700_000.0}, 2 * 1.5 * 700), ({}, 2 * 5000.0)], ids=["limit", "none"]
)
@pytest.mark.parametrize(("share", "believed"), [(0.99, True), (1.01, False)])
def test_how_much_power_is_believed_by_hand(
    answers: dict[str, float], most_w: float, share: float, *, believed: bool
) -> None:
    with on(Clock()):
        source = watched(Clock(), PowerUsage=1000 * share * most_w, **answers)
    assert (source.no_power == "") == believed


@pytest.mark.parametrize(("watts", "faulty"), [(0.97, False), (1.0, False), (1.03, True)])
def test_a_counter_may_stand_still_where_nothing_is_drawn(watts: float, *, faulty: bool) -> None:
    clock = Clock()
    clock.now = LATE
    with on(clock):
        source = watched(clock, PowerUsage=1000 * watts)
        source.open(clock.now)
        clock.now += 9.0
        source.sample(clock.now)
    assert ("did not move" in source.fault) == faulty


@pytest.mark.parametrize(
    ("duration_s", "integral_j", "error_j", "says"),
    [
        (20.0, 109.9, 0.5, ""),
        (20.0, 110.2, 0.5, "counter and integral differ by 10 %: one of them is wrong"),
        (20.0, 89.8, 0.5, "counter and integral differ by 10 %: one of them is wrong"),
        (10.0, 120.0, 0.5, "counter and integral differ by 20 %: one of them is wrong"),
        (9.99, 120.0, 0.5, ""),
        (20.0, 100.0, 0.97, ""),
        (20.0, 100.0, 1.0, ""),
        (20.0, 100.0, 1.5, "window too short for 1 % precision: 20 s, 30 s needed"),
        (4.0, 100.0, 8.0, "window too short for 1 % precision: 4 s, 32 s needed"),
    ],
)
def test_what_is_noted_of_a_counter_by_hand(duration_s: float, integral_j: float, error_j: float, says: str) -> None:
    """With 100 J."""
    note = watched(Clock()).note(Span(duration_s, 100.0, error_j, integral_j, 1.0, 50))
    first = f"gpu0: NVML energy counter, updated every 20 ms; integral of its power samples {integral_j:g} J ({integral_j - 100:+.1f} %)"
    assert note == f"{first}; {says}" if says else note == first


@pytest.mark.parametrize(
    "seen", [Span(20.0, 100.0, 0.5, 130.0, 1.0, 0), Span(20.0, 100.0, 0.5, 130.0, 1.0, 9, "", "lost")]
)
def test_a_counter_is_not_held_against_samples_that_are_none(seen: Span) -> None:
    assert watched(Clock()).note(seen) == "gpu0: NVML energy counter, updated every 20 ms"


def test_the_integral_of_samples_has_an_interval_of_its_own() -> None:
    found = watched(Clock()).integral(Span(2.0, 100.0, 5.0, 104.0, 3.0, 20))
    assert (found.value, found.ci95, found.n, found.method) == (104.0, (101.0, 107.0), 20, "sampled")


def test_what_a_gpu_tells_of_its_state_is_in_the_trace() -> None:
    clock = Clock()
    with on(clock):
        source = GpuSource(Driver(clock, set()), Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
        windows_of(clock, Sources(gpus=[source]), [0.5])
    told = framed(source.trace.rows(0.0, [(0.0, 1.0)]))
    assert set(told["temperature_c"]) == {40}
    assert set(told["sm_clock_mhz"]) == {1980}
    assert set(told["utilisation"]) == {0.99}


def test_a_counter_that_was_not_seen_to_move_is_taken_to_be_slow() -> None:
    """By half a second, of which no joules are known."""
    source = watched(Clock())
    with patch.object(gpu, "find_ticks", lambda looks: [None] * len(looks)):
        gpu.set_ticks([source])
    assert (source.tick, source.moved) == (Tick(0.5, 0.0), False)


def test_an_edge_of_a_long_window_is_late_by_a_tick_at_its_own_mean_power() -> None:
    """A counter at 5 kJ that gains 800 J in 2 s has drawn 400 W, more than any sample reported: one tick of it is the error."""
    clock = Clock()
    with on(clock):
        source = GpuSource(Driver(clock, set()), Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
    start, end = Mark(0.0, 0.0, 5_000.0, 0.0, 0, 0.0, 1.0), Mark(2.0, 0.0, 5_800.0, 0.0, 0, 0.0, 1.0)
    assert source.between(start, end).error_j == pytest.approx(400.0 * source.tick.seconds)
