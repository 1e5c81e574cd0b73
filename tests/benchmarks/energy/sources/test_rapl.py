"""RAPL from a powercap tree in a temporary folder."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.energy import EnergyMeter
from ssl_benchmarks.energy.sources import discovery as sources
from ssl_benchmarks.energy.sources import rapl
from ssl_benchmarks.energy.sources.mirrors import find_counters
from ssl_benchmarks.energy.sources.rapl import Domain, RaplSource, find_domains, names_of_zones
from ssl_benchmarks.energy.sources.source import Span

RANGE_UJ = 262_143_328_850


def zone(folder: Path, name: str, energy_uj: int = 0, range_uj: int | None = RANGE_UJ) -> Path:
    folder.mkdir(parents=True)
    (folder / "name").write_text(f"{name}\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")
    if range_uj is not None:
        (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")
    return folder


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two packages with cores, uncore and DRAM, psys, the first package again through MMIO, all listed twice."""
    root = tmp_path / "powercap"
    for package in (0, 1):
        home = zone(root / f"intel-rapl:{package}", f"package-{package}", RANGE_UJ - 1_000_000)
        (home / "constraint_0_power_limit_uw").write_text("500000000\n")
        for child, name in enumerate(["core", "uncore", "dram"]):
            zone(home / f"intel-rapl:{package}:{child}", name, 5_000_000)
            (root / f"intel-rapl:{package}:{child}").symlink_to(home / f"intel-rapl:{package}:{child}")
    zone(root / "intel-rapl:2", "psys")
    zone(root / "intel-rapl-mmio:0", "package-0")
    (root / "intel-rapl").mkdir()
    monkeypatch.setenv("SSLBENCH_POWERCAP_ROOT", str(root))
    return root


def put(root: Path, zone_name: str, energy_uj: int) -> None:
    """At once, as the kernel does: a reader finds the old figure or the new one."""
    fresh = root / zone_name / "fresh"
    fresh.write_text(f"{energy_uj}\n")
    fresh.rename(root / zone_name / "energy_uj")


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 100
    while not holds():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)


def test_every_package_and_dram_counts_once(tree: Path) -> None:
    found = find_domains(tree)
    assert list(found) == ["cpu", "dram"], "the order of the parts of a machine"
    assert [domain.name for domain in found["cpu"]] == ["package-0", "package-1"]
    assert [domain.name for domain in found["dram"]] == ["package-0 dram", "package-1 dram"]
    assert {domain.path.name for domain in found["cpu"]} == {"intel-rapl:0", "intel-rapl:1"}


def test_amd_has_packages_and_no_dram(tmp_path: Path) -> None:
    home = zone(tmp_path / "intel-rapl:0", "package-0-die-0")
    zone(home / "intel-rapl:0:0", "core")
    zone(tmp_path / "intel-rapl:1", "package-0-die-1")
    found = find_domains(tmp_path)
    assert [domain.name for domain in found["cpu"]] == ["package-0-die-0", "package-0-die-1"]
    assert found["dram"] == []


def test_zones_that_are_nested_alone_know_their_package(tmp_path: Path) -> None:
    for package in (0, 1):
        home = zone(tmp_path / f"intel-rapl:{package}", f"package-{package}")
        zone(home / f"intel-rapl:{package}:0", "dram")
    assert [domain.name for domain in find_domains(tmp_path)["dram"]] == ["package-0 dram", "package-1 dram"]


def test_counters_that_do_not_move_while_they_are_watched_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in (0, 1, 2):
        zone(tmp_path / f"intel-rapl:{package}", f"package-{package}")
    domains, reads, micro = find_domains(tmp_path)["cpu"], [0], rapl.micro

    def moving(path: Path) -> float | None:
        reads[0] += 1
        return reads[0] if path.parent.name == "intel-rapl:1" else micro(path)

    monkeypatch.setattr(rapl, "SEEN_S", 0.02)
    monkeypatch.setattr(rapl, "micro", moving)
    assert rapl.unmoved(domains) == "package-0, package-2: the counter did not move in 0.02 s"
    assert rapl.unmoved(domains[1:2]) == ""
    assert rapl.unmoved([]) == ""


def test_the_meter_counts_over_a_wrap(tree: Path) -> None:
    """1 J to the end of the range and 4 J beyond it, in each package; 2 J in one DRAM, 1 J in the other."""
    with EnergyMeter(gpus=()) as meter, meter.window("busy"):
        until(lambda: meter.live().power["cpu"].value is not None)
        for package in (0, 1):
            put(tree, f"intel-rapl:{package}", 4_000_000)
            put(tree, f"intel-rapl:{package}:2", 7_000_000 - package * 1_000_000)
            put(tree, f"intel-rapl:{package}:0", 900_000_000)
        put(tree, "intel-rapl:2", 900_000_000)
    for reading in (meter.reading, meter.windows["busy"]):
        assert reading.energy_cpu.value == pytest.approx(10)
        assert reading.energy_dram.value == pytest.approx(3)
        assert reading.energy_cpu.method == reading.energy_machine.method == "measured"
        assert reading.energy_machine.value == pytest.approx(13)
    assert "package-0 + package-1" in meter.reading.energy_cpu.note
    assert set(meter.reading.trace["device"]) == {"cpu", "dram"}
    assert meter.reading.energy_gpu.note == "not requested (gpus=())"


@given(st.lists(st.integers(0, 900_000), min_size=1, max_size=50), st.integers(0, 999_999))
def test_many_wraps_add_up(steps: list[int], start: int) -> None:
    """However the counter wraps, the total is the sum of what was counted, if it is read often enough."""
    counted, readings = start, iter([start])
    domain = Domain("package-0", Path("/nowhere"), 1.0)
    domain._read = lambda: next(readings) / 1e6  # type: ignore[method-assign]
    domain.open(0.0)
    for second, step in enumerate(steps, start=1):
        counted += step
        readings = iter([counted % 1_000_000])
        domain.update(second / 100)
    assert domain.joules == pytest.approx(sum(steps) / 1e6)
    assert not domain.fault


def test_the_meter_counts_over_many_wraps_of_a_long_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter of 1 J, 0.3 J further at each reading: three readings per wrap, far more often than ten times per second."""
    zone(tmp_path / "intel-rapl:0", "package-0", 0, 1_000_000)
    readings, read = [0], rapl.read_text

    def count(path: Path) -> str:
        if path.name != "energy_uj":
            return read(path)
        readings.append(readings[-1] + 300_000)
        return str(readings[-1] % 1_000_000)

    monkeypatch.setattr(rapl, "read_text", count)
    monkeypatch.setenv("SSLBENCH_POWERCAP_ROOT", str(tmp_path))
    meter = EnergyMeter(gpus=())
    meter.start()
    until(lambda: len(readings) > 100)
    before = len(readings)
    meter.stop()  # the last edge reads once more; a reading on the way when it came, or after it, is not in the window
    counted = (meter.reading.energy_cpu.value or 0) / 0.3
    opening = 3  # a look whether it can be read at all, the opening, and a step that the first edge already counts
    assert counted == pytest.approx(round(counted), abs=1e-6)
    assert before - 1 - opening <= round(counted) <= len(readings) - 1 - opening


def test_a_small_range_is_polled_often_enough(tmp_path: Path) -> None:
    zone(tmp_path / "intel-rapl:0", "package-0", range_uj=10_000_000)
    source = RaplSource("cpu", find_domains(tmp_path)["cpu"], period_s=0.1)
    assert source.poll_s * 1000 < 10 / 2


@pytest.mark.parametrize("range_uj", [None, RANGE_UJ])
def test_a_step_back_that_is_no_wrap_is_a_fault(tmp_path: Path, range_uj: int | None) -> None:
    """Back from 100 J to 50 J would be 262 kJ in a tenth of a second; without a range nothing is known of a wrap."""
    zone(tmp_path / "intel-rapl:0", "package-0", 100_000_000, range_uj)
    (domain,) = find_domains(tmp_path)["cpu"]
    domain.open(0.0)
    put(tmp_path, "intel-rapl:0", 50_000_000)
    domain.update(0.1)
    assert "decreased" in domain.fault
    assert domain.joules == 0


def test_a_counter_that_stands_still_is_a_fault(tmp_path: Path) -> None:
    zone(tmp_path / "intel-rapl:0", "package-0", 1)
    (domain,) = find_domains(tmp_path)["cpu"]
    domain.open(0.0)
    domain.update(0.9)
    assert not domain.fault
    domain.update(1.1)
    assert "did not move" in domain.fault


def test_an_empty_reading_is_tried_once_more(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (domain, *_) = find_domains(tree)["cpu"]
    domain.open(0.0)
    answers = iter(["", str(RANGE_UJ - 500_000)])
    monkeypatch.setattr(rapl, "read_text", lambda _: next(answers))
    domain.update(0.1)
    assert domain.joules == pytest.approx(0.5)
    assert not domain.fault


def test_a_counter_lost_in_the_run_is_none_with_the_reason(tree: Path) -> None:
    with EnergyMeter(gpus=()) as meter:
        put(tree, "intel-rapl:0", RANGE_UJ - 500_000)
        (tree / "intel-rapl:1" / "energy_uj").unlink()
        (tree / "intel-rapl:1" / "energy_uj").mkdir()
        until(lambda: meter.live().energy["cpu"].value is None)
    assert meter.reading.energy_cpu.value is None
    assert "package-1" in meter.reading.energy_cpu.note
    assert meter.live().power["cpu"].value is None


def test_without_permission_the_model_stands_in_and_says_why(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read every file, so the refusal is put into the reader."""

    def refuse(path: Path) -> str:
        if path.name == "energy_uj":
            raise PermissionError(13, "Permission denied", str(path))
        return path.read_text().strip()

    monkeypatch.setattr(rapl, "read_text", refuse)
    found = sources.find_sources((), cpu=True, model=True, period_s=0.1)
    assert [source.method for source in found] == ["modelled", "modelled"]
    with EnergyMeter(gpus=()) as meter:
        time.sleep(0.05)
    assert meter.reading.energy_cpu.method == "modelled"
    assert f"sudo chmod a+r {tree}/*/energy_uj" in meter.reading.energy_cpu.note
    unmodelled = sources.find_sources((), cpu=True, model=False, period_s=0.1)
    assert "root only" in unmodelled.reasons["cpu"]


def test_one_package_that_cannot_be_read_leaves_no_half(tree: Path) -> None:
    """The other package alone would pass for the whole machine."""
    (tree / "intel-rapl:1" / "energy_uj").unlink()
    (tree / "intel-rapl:1" / "energy_uj").mkdir()
    found = sources.find_sources((), cpu=True, model=False, period_s=0.1)
    assert [source.scope for source in found] == ["dram"]
    assert "package-1" in found.reasons["cpu"]


def test_idle_power_of_counters_is_taken_off(tree: Path) -> None:
    """A counter that only moves in the run: idle is nothing counted, so there is no net, and never a zero."""
    meter = EnergyMeter(gpus=())
    idle = meter.measure_idle(0.02)
    assert idle.value is None
    with meter:
        put(tree, "intel-rapl:0", RANGE_UJ - 500_000)
        time.sleep(0.12)
    assert meter.reading.energy_net.value is None
    assert "idle power was measured for nothing" in meter.reading.energy_net.note


class Register:
    """Counters behind the zones of a tree, each a little further at every look; `shown` is which of them a zone shows."""

    def __init__(self, root: Path, shown: dict[str, int], steps: list[int]) -> None:
        self.values = [7_000_000] * len(steps)
        self.steps, self.root, self.shown = steps, root, shown

    def read(self, path: Path) -> str:
        zone_name = path.parent.name
        if path.name != "energy_uj" or zone_name not in self.shown:
            return path.read_text().strip()
        for number, step in enumerate(self.steps):
            self.values[number] += step
        return str(self.values[self.shown[zone_name]])


@pytest.mark.parametrize(
    ("shown", "names", "twins"),
    [
        ([0, 0], ["package-0-die-0"], [("package-0-die-1",)]),
        ([0, 1], ["package-0-die-0", "package-0-die-1"], [(), ()]),
        ([0, 0, 0, 0], ["package-0-die-0"], [("package-0-die-1", "package-0-die-2", "package-0-die-3")]),
        ([0, 0, 1, 1], ["package-0-die-0", "package-0-die-2"], [("package-0-die-1",), ("package-0-die-3",)]),
    ],
    ids=["two of one", "two", "four of one", "two of each"],
)
def test_a_counter_under_several_names_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown: list[int], names: list[str], twins: list[tuple[str, ...]]
) -> None:
    """Registers that start at the same value: at each reading the first has gained 5 uJ, the other 9 uJ."""
    zones = {f"intel-rapl:{die}": register for die, register in enumerate(shown)}
    for die, zone_name in enumerate(zones):
        zone(tmp_path / zone_name, f"package-0-die-{die}")
    register = Register(tmp_path, zones, [5, 9])
    monkeypatch.setattr(rapl, "read_text", register.read)
    found = find_counters(tmp_path)["cpu"]
    assert [domain.name for domain in found] == names
    assert [domain.mirrors for domain in found] == twins


def test_counters_that_stand_alike_and_do_not_move_are_two(tree: Path) -> None:
    """Nothing shows that they are one."""
    found = find_counters(tree)
    assert {scope: len(domains) for scope, domains in found.items()} == {"cpu": 2, "dram": 2}


def test_one_file_under_two_names_is_one_counter(tree: Path) -> None:
    """It is said in the note, and the energy is that of one."""
    shutil.rmtree(tree / "intel-rapl:1")
    (tree / "intel-rapl:1").mkdir()
    (tree / "intel-rapl:1" / "name").write_text("package-1\n")
    (tree / "intel-rapl:1" / "energy_uj").symlink_to(tree / "intel-rapl:0" / "energy_uj")
    with EnergyMeter(gpus=()) as meter:
        put(tree, "intel-rapl:0", RANGE_UJ - 500_000)
    energy = meter.reading.energy_cpu
    assert energy.value == pytest.approx(0.5)
    assert "package-1 shows the same counter as package-0, which is counted once" in energy.note


def test_a_package_beside_its_dies_is_counted_by_them(tmp_path: Path) -> None:
    for number, name in enumerate(["package-0-die-0", "package-0-die-1", "package-1"]):
        zone(tmp_path / f"intel-rapl:{number}", name)
    zone(tmp_path / "intel-rapl-mmio:0", "package-0")
    assert [d.name for d in find_domains(tmp_path)["cpu"]] == ["package-0-die-0", "package-0-die-1", "package-1"]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readings take no time."""
    monkeypatch.setattr(rapl, "time", SimpleNamespace(perf_counter=lambda: 0.0))


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("step_j", [700.0, 3600.0, 130.0])
def test_a_leap_that_no_processor_draws_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step_j: float
) -> None:
    """At 6 W, after a tenth of a second, however many threads there are; what was counted before is still there."""
    monkeypatch.setattr(os, "cpu_count", lambda: 256)
    zone(tmp_path / "intel-rapl:0", "package-0", 1_000_000)
    (domain,) = find_domains(tmp_path)["cpu"]
    domain.open(0.0)
    put(tmp_path, "intel-rapl:0", 1_600_000)
    domain.update(0.1)
    assert (domain.joules, domain.fault) == (pytest.approx(0.6), "")
    put(tmp_path, "intel-rapl:0", 1_600_000 + int(step_j * 1e6))
    domain.update(0.2)
    assert f"jumped by {step_j:.4g} J within 0.1 s, more than the 1000 W that it can draw" in domain.fault
    assert domain.joules == pytest.approx(0.6)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("threads", "name", "step_j", "fault"),
    [
        (2, "package-0", 17.9, False),
        (2, "package-0", 18.1, True),
        (8, "package-0", 90.0, True),
        (16, "package-0-die-0", 61.0, True),
        (32, "package-0", 42.0, False),
        (192, "package-0", 90.0, False),
        (None, "package-0", 119.9, False),
        (192, "dram", 35.0, False),
        (192, "dram", 37.0, True),
    ],
)
def test_a_step_is_bounded_where_the_kernel_tells_no_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int | None, name: str, step_j: float, *, fault: bool
) -> None:
    """After a tenth of a second: 100 W and 25 W a thread for a package, 300 W for its memory, and 0.02 s for what comes late."""
    monkeypatch.setattr(os, "cpu_count", lambda: threads)
    zone(tmp_path / "intel-rapl:0", name)
    (domain,) = [domain for domains in find_domains(tmp_path).values() for domain in domains]
    domain.open(0.0)
    put(tmp_path, "intel-rapl:0", int(step_j * 1e6))
    domain.update(0.1)
    assert ("jumped" in domain.fault) == fault


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(
    ("limits_w", "step_j", "fault"),
    [
        ([15, 44], 10.5, False),
        ([15, 44], 10.6, True),
        ([0, 0], 17.9, False),
        ([0, 0], 18.1, True),
        ([4095], 100.0, False),
        ([400], 90.0, False),
    ],
)
def test_the_limits_that_the_kernel_tells_bound_a_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits_w: list[int], step_j: float, *, fault: bool
) -> None:
    """Twice the highest of them, and never more than 1,000 W; limits of 0 W are none."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    folder = zone(tmp_path / "intel-rapl:0", "package-0")
    for number, watts in enumerate(limits_w):
        (folder / f"constraint_{number}_power_limit_uw").write_text(f"{watts}000000\n")
        (folder / f"constraint_{number}_max_power_uw").write_text("0\n")
    (domain,) = find_domains(tmp_path)["cpu"]
    domain.open(0.0)
    put(tmp_path, "intel-rapl:0", int(step_j * 1e6))
    domain.update(0.1)
    assert ("jumped" in domain.fault) == fault


@given(st.floats(0.02, 5.0), st.floats(0.0, 900.0))
def test_a_reading_that_comes_late_is_no_leap(late_s: float, watts: float) -> None:
    """The moment it is for is long past when the counter is read at last: the time between the readings counts."""
    now = [0.0]
    clock = SimpleNamespace(perf_counter=lambda: now[0])
    domain = Domain("package-0", Path("/nowhere"), None)
    domain._read = lambda: watts * now[0]  # type: ignore[method-assign]
    with patch.object(rapl, "time", clock):
        domain.open(0.0)
        now[0] += 0.1 + late_s
        domain.update(0.1)
    assert domain.joules == pytest.approx(watts * (0.1 + late_s))


def test_a_leap_in_the_run_leaves_no_figure(tree: Path) -> None:
    with EnergyMeter(gpus=()) as meter:
        with meter.window("before"):
            put(tree, "intel-rapl:0", RANGE_UJ - 500_000)
        put(tree, "intel-rapl:0:2", 90_005_000_000)
        put(tree, "intel-rapl:0", RANGE_UJ - 400_000)
    assert meter.reading.energy_dram.value is None
    assert "package-0 dram: the counter jumped by 9e+04 J" in meter.reading.energy_dram.note
    assert meter.reading.energy_cpu.value == pytest.approx(0.6)
    assert meter.windows["before"].energy_cpu.value == pytest.approx(0.5)


class Clock:
    """A clock that began long ago and only moves when set."""

    def __init__(self) -> None:
        self.now = 1000.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(rapl, "time", made)
    return made


def drawing(clock: Clock, watts: list[float]) -> Domain:
    """A counter that has grown by `watts[0]` a second since the clock began."""
    domain = Domain("package-0", Path("/nowhere"), None)
    domain._read = lambda: 7.0 + watts[0] * (clock.now - 1000)  # type: ignore[method-assign]
    return domain


def test_a_source_of_two_packages_by_hand(clock: Clock) -> None:
    """40 W and 10 W for half a second, then 80 W and 10 W; power is that of the time since the sample before."""
    first, second = [40.0], [10.0]
    source = RaplSource("cpu", [drawing(clock, first), drawing(clock, second)], period_s=0.1)
    source.open(clock.now)
    clock.now += 0.015
    source.sample(clock.now)
    assert (source.energy_j, source.power_w != source.power_w) == (pytest.approx(0.75), True), "too soon for a sample"
    clock.now = 1000.5
    source.sample(clock.now)
    assert (source.energy_j, source.power_w) == (pytest.approx(25), pytest.approx(50))
    first[0] = 60.0
    clock.now = 1001.0
    source.sample(clock.now)
    assert (source.energy_j, source.power_w) == (pytest.approx(70), pytest.approx(90))
    edge = source.mark(clock.now - 0.25)
    assert (edge.samples, edge.slack_s, edge.energy_j) == (2, 0.25, pytest.approx(70))
    assert source.trace.peak(1000, 1002) == pytest.approx(90)


@pytest.mark.parametrize(("error_j", "short"), [(0.97, False), (1.0, False), (1.04, True)])
def test_a_window_is_too_short_where_its_error_is_more_than_a_hundredth(error_j: float, *, short: bool) -> None:
    source = RaplSource("cpu", [Domain("package-0", Path("/nowhere"), None)], period_s=0.1)
    note = source.note(Span(2.0, 100.0, error_j))
    assert note == "RAPL package-0; window too short for 1 % precision" if short else note == "RAPL package-0"


def test_a_counter_is_read_so_often_that_no_wrap_is_missed() -> None:
    """The smaller range decides: 10 J at 1,000 W wrap in 10 ms, in which it is read three times."""
    domains = [Domain(f"package-{i}", Path("/nowhere"), range_j) for i, range_j in enumerate([30.0, 10.0, None])]
    assert RaplSource("cpu", domains, 0.1).poll_s == pytest.approx(0.01 / 3)
    assert RaplSource("cpu", domains[2:], 0.1).poll_s == float("inf")


@pytest.mark.parametrize(("step_j", "faulty"), [(119.9, False), (120.1, True)])
def test_a_leap_is_one_since_the_last_reading(clock: Clock, step_j: float, *, faulty: bool) -> None:
    """A tenth of a second and 20 ms at 1,000 W, however long the machine has run."""
    domain = drawing(clock, [0.0])
    domain.open(clock.now)
    domain._read = lambda: 7.0 + step_j  # type: ignore[method-assign]
    clock.now += 0.1
    domain.update(clock.now)
    assert ("jumped" in domain.fault) == faulty
    assert domain.joules == (0.0 if faulty else pytest.approx(step_j))


def test_a_reading_is_tried_twice_and_no_more(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (domain, *_) = find_domains(tree)["cpu"]
    domain.open(0.0)
    answers = iter(["", "", str(RANGE_UJ - 500_000)])
    monkeypatch.setattr(rapl, "read_text", lambda _: next(answers))
    domain.update(0.1)
    assert "package-0: invalid literal" in domain.fault


def test_a_file_is_closed_when_it_is_read(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []

    def close(handle: int) -> None:
        os.close(handle)
        closed.append(handle)

    monkeypatch.setattr(rapl, "os", SimpleNamespace(open=os.open, read=os.read, close=close, O_RDONLY=os.O_RDONLY))
    assert rapl.read_text(tree / "intel-rapl:2" / "name") == "psys"
    assert len(closed) == 1


@pytest.mark.parametrize(("moves_s", "seen"), [(0.29, True), (0.31, False)])
def test_a_counter_is_watched_for_three_tenths_of_a_second(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, moves_s: float, *, seen: bool
) -> None:
    """Looked at once a millisecond."""
    looks = [0]

    def micro(path: Path) -> float:
        looks[0] += 1
        return float(clock.now - 1000 >= moves_s) + len(str(path))

    monkeypatch.setattr(rapl, "micro", micro)
    said = rapl.unmoved([Domain("package-0", Path("/nowhere"), None)])
    assert said == ("" if seen else "package-0: the counter did not move in 0.3 s")
    assert looks[0] == pytest.approx(1000 * min(moves_s, 0.3), abs=3)


def test_only_zones_are_zones(tmp_path: Path) -> None:
    """The kernel's own files and folders lie beside them, and links lead from one zone to the next."""
    home = zone(tmp_path / "intel-rapl:0", "package-0")
    zone(home / "intel-rapl:0:0", "dram")
    (tmp_path / "enabled").write_text("1\n")
    (home / "power").mkdir()
    (home / "device").symlink_to(tmp_path)
    assert names_of_zones(tmp_path) == {"intel-rapl:0": "package-0", "intel-rapl:0:0": "dram"}
