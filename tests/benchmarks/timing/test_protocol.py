"""Warm-up and repeats on a made-up clock, and events in place of a GPU's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.energy import EnergyMeter
from ssl_benchmarks.energy.reading import EnergyReading
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.timing.protocol import Protocol, WarmUp, drift_of, warm_up
from ssl_benchmarks.timing.repeats import needed_seconds, timed_repeats
from ssl_benchmarks.timing.stopwatch import Stopwatch, unheard

CPU = torch.device("cpu")


class Clock:
    """Time that passes only in calls: each takes the next of `seconds`, the last one for ever."""

    def __init__(self, *seconds: float) -> None:
        self.now, self.calls, self.seconds = 0.0, 0, seconds

    def __call__(self) -> float:
        return self.now

    def step(self) -> None:
        self.now += self.seconds[min(self.calls, len(self.seconds) - 1)]
        self.calls += 1

    @property
    def watch(self) -> Stopwatch:
        return Stopwatch(CPU, self)


def test_a_step_that_gets_faster_is_warm_when_two_windows_agree() -> None:
    """0.8, 0.4, then 0.2 s for ever: windows of half a second hold three calls; calls 2-4 and 5-7 agree."""
    clock = Clock(0.8, 0.4, 0.2)
    found = warm_up(clock.step, Protocol(), clock.watch, unheard)
    assert (found.calls, found.steady, found.drift) == (7, True, 0.0)
    assert found.seconds == pytest.approx(0.8 + 0.4 + 5 * 0.2)
    assert "steady after 7 warm-up calls in 2.2 s" in found.note


def test_short_calls_are_held_against_each_other_in_windows_of_half_a_second() -> None:
    """10 ms a call from the start: 50 calls fill a window, 100 two."""
    clock = Clock(0.01)
    assert warm_up(clock.step, Protocol(), clock.watch, unheard).calls == pytest.approx(100, abs=2)


def test_a_step_that_never_settles_is_measured_all_the_same() -> None:
    """Each call takes a tenth longer than the one before: medians of three calls differ by 33 %."""
    clock = Clock(*(0.1 * 1.1**k for k in range(200)))
    found = warm_up(clock.step, Protocol(warm_up_limit=20.0), clock.watch, unheard)
    assert not found.steady
    assert found.drift == pytest.approx(1.1**3 - 1)
    assert 20.0 <= found.seconds < 20.0 + clock.seconds[clock.calls]
    assert "NOT STEADY" in found.note


def test_calls_longer_than_the_limit_end_the_warm_up_after_two() -> None:
    clock = Clock(50.0)
    found = warm_up(clock.step, Protocol(warm_up_limit=30.0), clock.watch, unheard)
    assert (found.calls, found.drift, found.steady) == (2, None, False)
    assert "too few to compare two windows" in found.note


@given(st.lists(st.floats(1e-4, 5.0), max_size=40), st.floats(0.1, 2.0))
def test_drift_needs_six_calls_and_is_a_share(times: list[float], window: float) -> None:
    drift = drift_of(times, window)
    assert drift is None or drift >= 0
    if len(times) < 6 or sum(times) < 2 * window:
        assert drift is None


def test_a_block_lasts_as_long_as_asked_and_has_two_calls() -> None:
    clock = Clock(0.3)
    assert len(clock.watch.block(clock.step, 1.0, fewest=2, between=unheard)) == 4
    slow = Clock(9.0)
    assert slow.watch.block(slow.step, 1.0, fewest=2, between=unheard) == [9.0, 9.0]


class FakeEvent:
    """A CUDA event of a device that takes 10 ms a call, on which calls wait in line."""

    made = count()

    def __init__(self, *, enable_timing: bool) -> None:
        assert enable_timing

    def record(self) -> None:
        self.number = next(FakeEvent.made)

    def synchronize(self) -> None:
        FakeEvent.waited.append(self.number)

    def elapsed_time(self, other: FakeEvent) -> float:
        return 10.0 * (other.number - self.number)

    waited: list[int] = []  # noqa: RUF012 - the device's


def test_on_cuda_one_call_waits_behind_the_running_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host hands over call k + 1 before it waits for call k, and never more: times are those between events."""
    monkeypatch.setattr(torch.cuda, "Event", FakeEvent)
    monkeypatch.setattr(torch.cuda, "synchronize", unheard)
    FakeEvent.made, FakeEvent.waited = count(), []
    handed, seen = [], []
    clock = Clock(0.25)

    def call() -> None:
        handed.append(len(FakeEvent.waited))
        clock.step()

    def between(times: list[float]) -> None:
        seen.append(len(times))

    times = Stopwatch(torch.device("cuda"), clock).block(call, 1.0, fewest=2, between=between)
    assert times == [pytest.approx(0.01)] * 4
    assert FakeEvent.waited == [1, 2, 3], "event k is the end of call k"
    assert handed == [0, 0, 1, 2], "calls that had been waited for when each was handed over"
    assert seen == [1, 2, 3]


def reading(seconds: float, error: float, method: str = "measured") -> EnergyReading:
    """100 W with an error in J."""
    joules = Quantity(100 * seconds, "J", method, (100 * seconds - error, 100 * seconds + error))  # type: ignore[arg-type]
    none = unavailable("J", "no")
    return EnergyReading(Quantity(seconds, "s", "measured"), joules, {}, none, none, none, none, None)  # type: ignore[arg-type]


def test_how_long_one_per_cent_takes() -> None:
    """A counter that ticks every 100 ms at 100 W errs by 10 J: 1 % of the 1,000 J of 10 s."""
    assert needed_seconds(reading(2.0, 10.0)) == pytest.approx(10.0)
    assert needed_seconds(reading(20.0, 10.0)) == pytest.approx(10.0)
    assert needed_seconds(reading(2.0, 10.0, "sampled")) == 0.0, "samples err by their scatter, not by their edges"


WARM = WarmUp(7, 1.5, 0.01, steady=True)


class FakeMeter:
    """A meter whose counter errs by 10 J at 100 W."""

    def __init__(self, clock: Clock) -> None:
        self.clock, self.windows = clock, {}

    @contextmanager
    def window(self, name: str) -> Iterator[None]:
        start = self.clock.now
        yield
        before = self.windows.get(name)
        seconds = self.clock.now - start + (before.duration.value if before else 0.0)
        self.windows[name] = reading(seconds, 10.0)

    def live(self) -> Any:
        return EnergyMeter(gpus=(), cpu=False).__enter__().live()


@pytest.mark.parametrize(("duration", "lasts"), [(2.0, 10.0), (12.0, 12.0)])
def test_repeats_that_are_too_short_for_the_counter_are_taken_again(duration: float, lasts: float) -> None:
    clock = Clock(0.5)
    meter: Any = FakeMeter(clock)
    protocol = Protocol(duration=duration, repeats=3, cool_down=0.0)
    found = timed_repeats(clock.step, WARM, protocol, watch=clock.watch, meter=meter, report=unheard)
    assert found.duration == pytest.approx(lasts)
    assert [sum(calls) for calls in found.calls] == [pytest.approx(lasts, abs=0.5)] * 3
    assert found.total.duration.value == pytest.approx(3 * lasts, abs=1.5)
    assert len(found.readings) == 3


def test_a_rest_lies_between_repeats_and_a_call_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(1.0)
    rests: list[float] = []
    monkeypatch.setattr("ssl_benchmarks.timing.repeats.time.sleep", rests.append)
    meter: Any = FakeMeter(clock)
    protocol = Protocol(duration=20.0, repeats=3, cool_down=2.5)
    stages: list[Any] = []
    found = timed_repeats(clock.step, WARM, protocol, watch=clock.watch, meter=meter, report=stages.append)
    assert rests == [2.5, 2.5]
    assert clock.calls == 3 * 20 + 2
    assert found.warm is WARM
    assert [stage.repeat for stage in stages if stage.name == "rest"] == [2, 3]
