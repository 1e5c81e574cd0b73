"""What an energy may err by: formulas by hand, and whether the intervals cover the truth, by simulation."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ssl_benchmarks.energy.sources import gpu as gpu_module
from ssl_benchmarks.energy.sources import rapl
from ssl_benchmarks.energy.sources.gpu import GpuSource
from ssl_benchmarks.energy.sources.integral import PowerIntegral, integral_error, student
from ssl_benchmarks.energy.sources.nvml import Missing
from ssl_benchmarks.energy.sources.rapl import Domain, RaplSource
from ssl_benchmarks.energy.sources.selection import Gpu
from ssl_benchmarks.energy.sources.source import Mark, Span
from ssl_benchmarks.energy.sources.tick import Tick, find_ticks

LONG = 1000.0


def mark(time_s: float, energy_j: float = 0.0, slack_s: float = 0.0, **rest: Any) -> Mark:
    """At a steady 200 W unless stated otherwise, by a clock that began `LONG` before."""
    known: dict[str, Any] = {"integral_j": energy_j, "samples": 1, "roughness": 0.0, "power_w": 200.0, "squares": 0.0}
    return Mark(LONG + time_s, slack_s, energy_j, **(known | rest))


class Silent:
    """A driver that reports a counter and power, and nothing else."""

    def constant(self, name: str) -> int:
        del name
        return 0

    def query(self, function: str, *_: object) -> Any:
        known = {"DeviceGetTotalEnergyConsumption": 0, "DeviceGetPowerUsage": 200_000}
        return known.get(function, Missing(f"nvml{function}: Not Supported"))


def gpu(tick: Tick) -> GpuSource:
    source = GpuSource(Silent(), Gpu("gpu0", "handle"), 0.1)  # type: ignore[arg-type]
    source.tick = tick
    return source


def integrated(samples: list[tuple[float, float]]) -> PowerIntegral:
    held = PowerIntegral()
    for time_s, power_w in samples:
        held.add(time_s, power_w)
    return held


def test_the_trapezoid_by_hand() -> None:
    """100 W, 1 s on 200 W, 2 s on 100 W: 150 + 300 J, where rectangles have 500 or 400; then 2 s more at the last 100 W."""
    held = integrated([(0.0, 100.0), (1.0, 200.0), (3.0, 100.0)])
    assert (held.joules, held.samples, held.roughness, held.squares) == (450.0, 3, 20_000.0, 5.0)
    held.hold(5.0)
    assert (held.joules, held.samples, held.roughness, held.squares) == (650.0, 3, 20_000.0, 9.0)
    held.add(6.0, 300.0)
    assert (held.joules, held.squares) == (850.0, 10.0)
    nothing = PowerIntegral()
    nothing.hold(1.0)
    assert (nothing.joules, nothing.squares) == (0.0, 0.0)


def test_the_integral_of_a_ramp_is_exact() -> None:
    """However the samples lie: the rectangle rule would be off by half a step."""
    times = np.sort(np.random.default_rng(0).uniform(0, 10, 50))
    held = integrated([(float(t), float(30 * t)) for t in times])
    assert held.joules == pytest.approx(15 * (times[-1] ** 2 - times[0] ** 2))


@pytest.mark.parametrize(("freedom", "within"), [(2, 0.031), (3, 0.008), (5, 0.002), (10, 0.0005), (100, 0.0003), (10_000, 0.0003)])  # fmt: skip
def test_students_quantile_against_scipy(freedom: int, within: float) -> None:
    from scipy.stats import t

    assert student(freedom) == pytest.approx(t.ppf(0.975, freedom), rel=within)


def test_students_quantile_by_hand() -> None:
    assert student(1) == pytest.approx(1.960 + 2.372 + 2.822 + 2.556)
    assert student(2) == pytest.approx(1.960 + 1.186 + 0.7055 + 0.3195)


def test_the_error_of_an_integral_by_hand() -> None:
    """Eleven samples, steps of 20 W^2 in the mean, so a scatter of sqrt(10) W over sqrt(10) s: 10 W s, times t of 10 degrees.

    The power rose by 20 W: 10 J for the lag. 3 ms of slack at 120 W are 0.36 J, a milliwatt over 10 s 0.01 J.
    """
    start = mark(0.0, slack_s=0.001, power_w=100.0, samples=4, roughness=50.0, squares=2.0)
    end = mark(10.0, 1000.0, slack_s=0.002, power_w=120.0, samples=14, roughness=250.0, squares=12.0)
    assert integral_error(start, end) == pytest.approx(10 * 2.227976 + 10 + 0.36 + 0.01)


def test_two_samples_know_nothing() -> None:
    assert integral_error(mark(1.0, 50.0, samples=3), mark(2.0, 150.0, samples=4)) == 100.0
    assert integral_error(mark(1.0, 50.0, samples=3), mark(2.0, 150.0, samples=5)) < 1.0


def covered(steps: int, draws: int, *, late: bool = False, level: float = 1.0) -> float:
    """How often the interval of an integral holds the truth where power is 200 W with a scatter of 20 W from sample to sample."""
    draw = np.random.default_rng(steps)
    gaps = 10 * (draw.exponential(1, (draws, steps)) if late else np.ones((draws, steps)))
    times = np.concatenate([np.zeros((draws, 1)), gaps.cumsum(1)], axis=1)
    watts = draw.normal(200, 20, (draws, steps + 1))
    hits = 0
    for when, power in zip(times.tolist(), watts.tolist(), strict=True):
        first = integrated([(when[0], power[0])])
        start = mark(0.0, 0.0, power_w=first.power_w, samples=first.samples)
        held = integrated(list(zip(when, power, strict=True)))
        end = mark(when[-1], held.joules, power_w=held.power_w, samples=held.samples, roughness=held.roughness, squares=held.squares)  # fmt: skip
        hits += abs(held.joules - 200 * when[-1]) <= level * integral_error(start, end)
    return hits / draws


@pytest.mark.parametrize("steps", [20, 60])
def test_the_interval_of_an_integral_covers_the_truth(steps: int) -> None:
    """2000 draws resolve 95 % to within 1 %; an interval of 90 %, whose t is smaller by a sixth, would be detected."""
    assert 0.935 <= covered(steps, 2000) <= 0.97
    assert covered(steps, 2000, level=1.645 / 1.960) < 0.92


def test_samples_that_come_late_are_covered_too() -> None:
    assert covered(20, 1000, late=True) >= 0.94


def test_a_counters_error_by_hand() -> None:
    """A tick of 0.1 s, and 1 and 3 ms of slack at the edges, at their 200 W, are 20.8 J."""
    start, end = mark(0.0, 70.0, 0.001, samples=3), mark(10.0, 1070.0, 0.003, samples=8)
    span = gpu(Tick(0.1, 5.0)).between(start, end)
    assert (span.duration_s, span.energy_j, span.integral_j, span.samples) == (10.0, 1000.0, 1000.0, 6)
    assert span.error_j == pytest.approx(20.8)
    assert gpu(Tick(0.1, 5.0)).energy(span).ci95 == pytest.approx((1000 - 20.8, 1000 + 20.8))
    unseen = gpu(Tick(0.1, 5.0)).between(mark(0.0, samples=0), end)
    assert (unseen.samples, unseen.integral_fault) == (0, "no power reading")


@pytest.mark.parametrize(
    ("peak", "edges", "joules", "tick", "error"),
    [
        (0.0, 100.0, 4000.0, Tick(0.1, 5.0), 40.0),
        (600.0, 100.0, 1000.0, Tick(0.1, 5.0), 60.0),
        (0.0, math.nan, 1000.0, Tick(0.1, 30.0), 30.0),
        (0.0, 0.0, 0.0, Tick(0.1, 50.0), 50.0),
        (0.0, math.nan, 0.0, Tick(0.1, 0.0), 0.0),
    ],
    ids=["the mean is highest", "a sample is", "the smallest tick is", "nothing moved", "nothing known"],
)
def test_a_tick_counts_at_the_highest_power_there_was(
    peak: float, edges: float, joules: float, tick: Tick, error: float
) -> None:
    source = gpu(tick)
    source.trace.add(LONG - 5.0, 9000.0)
    source.trace.add(LONG + 5.0, peak)
    span = source.between(mark(0.0, power_w=edges), mark(10.0, joules, power_w=edges))
    assert span.error_j == pytest.approx(error)


def test_a_window_shorter_than_a_tick_has_no_mean() -> None:
    """A tick of 20 J that falls into a window as long as a tick is no power of its own."""
    for tick_j, edges in ((20.0, 200.0), (0.5, math.nan)):
        span = gpu(Tick(0.125, tick_j)).between(mark(0.0, power_w=edges), mark(0.125, 20.0, power_w=edges))
        assert span.error_j == pytest.approx(max(25.0 * (edges == edges), tick_j))  # noqa: PLR0124 - NaN is not itself


def test_the_interval_of_a_counter_holds_the_truth_and_would_not_without_its_tick() -> None:
    """A counter of 250 W that moves every 100 ms, windows of any length at any phase of it."""
    draw = np.random.default_rng(0)
    begun = draw.uniform(0, 10, 500)
    ended = begun + draw.uniform(0.2, 3, 500)
    counted = 25.0 * (np.floor(10 * ended) - np.floor(10 * begun))
    source, off = gpu(Tick(0.1, 25.0)), np.abs(counted - 250 * (ended - begun))
    errors = [
        source.between(mark(a, 0.0, power_w=250.0), mark(b, joules, power_w=250.0)).error_j
        for a, b, joules in zip(begun, ended, counted, strict=True)
    ]
    assert (off <= errors).all()
    assert np.mean(off > 0.5 * np.array(errors)) > 0.1, "some err by most of a tick"


def test_rapls_error_by_hand() -> None:
    """An update of 1 ms and 2 ms of slack in total, at 60 W of the whole window or 90 W of a sample in it."""
    source = RaplSource("cpu", [], 0.1)
    start, end = mark(0.0, 0.0, 0.0005), mark(10.0, 600.0, 0.0015)
    assert source.between(start, end).error_j == pytest.approx(60 * 0.003)
    assert source.between(start, replace(end, samples=6)).samples == 5
    source.trace.add(LONG - 5.0, 9000.0)
    source.trace.add(LONG + 5.0, 90.0)
    assert source.between(start, end).error_j == pytest.approx(90 * 0.003)
    assert source.between(mark(0.0), mark(0.0001, 0.05)).error_j == pytest.approx(50 * 0.001), (
        "no 500 W within an update"
    )


@pytest.mark.parametrize(
    ("start", "end", "joules", "fault"),
    [
        (10.0, 21.9, 11.9, ""),
        (10.0, 22.1, 0.0, "jumped by 12.1 J within 0.1 s"),
        (95.0, 6.9, 11.9, ""),
        (95.0, 7.1, 0.0, "decreased by 87.9 J"),
        (10.0, 10.0, 0.0, ""),
    ],
)
def test_a_counter_may_grow_by_what_its_processor_draws_and_no_more(
    start: float, end: float, joules: float, fault: str
) -> None:
    """100 W for 0.1 s and 20 ms that a reading may be late: 12 J, over the wrap at 100 J too."""
    domain = Domain("package-0", Path("/nowhere"), 100.0, highest_w=100.0)
    readings = iter([start, end])
    domain._read = lambda: next(readings)  # type: ignore[method-assign]
    domain.open(0.0)
    domain.update(0.1)
    assert domain.joules == pytest.approx(joules)
    assert fault in domain.fault
    assert bool(domain.fault) == bool(fault)


def test_spans_of_one_name_add_up_with_their_errors() -> None:
    parts = Span(1.0, 10.0, 0.5, 11.0, 0.6, 3, "", "lost"), Span(2.0, 20.0, 0.25, 19.0, 0.3, 4, "gone", "")
    assert parts[0] + parts[1] == Span(3.0, 30.0, 0.75, 30.0, pytest.approx(0.9), 7, "gone", "lost")  # type: ignore[arg-type]


def test_a_slow_counters_tick_is_waited_for_though_a_fast_one_has_told_its_own() -> None:
    """At 200 W every 20 ms and every 100 ms, on a made-up clock."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    def every(tick_ms: int) -> float:
        return int(now[0] * 1000 + 1e-6) // tick_ms * tick_ms * 0.2

    found = find_ticks([lambda: every(20), lambda: every(100)], clock=lambda: now[0], sleep=sleep)
    assert [tick and tick.joules for tick in found] == [pytest.approx(4.0), pytest.approx(20.0)]
    assert now[0] < 0.5


@pytest.mark.parametrize(("still_s", "fault"), [(0.97, ""), (1.0, ""), (1.0625, "did not move for 1.1 s")])
def test_a_counter_may_stand_still_for_a_second(still_s: float, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU's at 200 W, and a package's."""
    clock = SimpleNamespace(perf_counter=lambda: 0.0)
    monkeypatch.setattr(gpu_module, "time", clock)
    monkeypatch.setattr(rapl, "time", clock)
    source = gpu(Tick(0.1, 5.0))
    source.open(LONG)
    source.sample(LONG + still_s)
    assert source.fault.startswith("gpu0: the energy counter did not move") == bool(fault)
    assert fault in source.fault
    domain = Domain("package-0", Path("/nowhere"), 100.0)
    domain._read = lambda: 5.0  # type: ignore[method-assign]
    domain.open(LONG)
    domain.update(LONG + still_s)
    assert fault in domain.fault
    assert bool(domain.fault) == bool(fault)
