"""Repeats of a step under the energy meter, each long enough for the counters."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from ssl_benchmarks.timing.protocol import Protocol, WarmUp

if TYPE_CHECKING:
    from ssl_benchmarks.energy import EnergyMeter, EnergyReading
    from ssl_benchmarks.timing.stopwatch import Between, Call, Stopwatch

MOST_ERROR = 0.01
"""A repeat is measured again for longer if a counter's error is a larger share of its energy."""
LONGEST = 120.0
REPORT_EVERY = 1.0


@dataclass(frozen=True)
class Stage:
    """The state of a measurement, for progress reports.

    Attributes:
        name: "build", "warm-up", "repeat", "rest" or "latency".
        repeat: its number, from 1.
        seconds_per_call: recent value, or None.
        power, joules: current power in W and energy so far in J, by scope.
        left: s until the end of the last repeat, or None.
    """

    name: str
    repeat: int = 0
    seconds_per_call: float | None = None
    power: dict[str, float | None] = field(default_factory=dict)
    joules: dict[str, float | None] = field(default_factory=dict)
    left: float | None = None


Report = Callable[[Stage], None]


@dataclass(frozen=True, eq=False)
class Repeats:
    """The timed and metered repeats.

    Attributes:
        warm: the warm-up.
        calls: seconds per call, by repeat.
        readings: energy, by repeat.
        total: energy of all repeats, rests excluded.
        duration: planned length of a repeat in s, after prolonging.
    """

    warm: WarmUp
    calls: list[list[float]]
    readings: list[EnergyReading]
    total: EnergyReading
    duration: float


class Watcher:
    """Reports progress at intervals, between two calls."""

    def __init__(self, protocol: Protocol, meter: EnergyMeter, report: Report) -> None:
        self.protocol, self.meter, self.report = protocol, meter, report
        self._said = -REPORT_EVERY

    def during(self, name: str, repeat: int, duration: float) -> Between:
        """A function to call with the times of a stage so far."""
        rest = self.protocol.repeats - repeat
        after = rest * (duration + self.protocol.cool_down)

        def tell(times: list[float]) -> None:
            if time.monotonic() - self._said < REPORT_EVERY:
                return
            self._said = time.monotonic()
            live = self.meter.live()
            left = after + max(0.0, duration - sum(times))
            power = {scope: q.value for scope, q in live.power.items()}
            joules = {scope: q.value for scope, q in live.energy.items()}
            self.report(Stage(name, repeat, median(times[-20:]), power, joules, left))

        return tell


def timed_repeats(
    run: Call, warm: WarmUp, protocol: Protocol, *, watch: Stopwatch, meter: EnergyMeter, report: Report
) -> Repeats:
    """Time and meter the repeats of a warm step; `meter` is running and stays so.

    If a counter's error is above 1 % of the energy of the first repeat, that one is discarded, and all repeats last as
    long as 1 % requires (at most two minutes).
    """
    watcher = Watcher(protocol, meter, report)
    duration, calls, number = protocol.duration, [], 1
    while number <= protocol.repeats:
        if number > 1 and protocol.cool_down:
            report(Stage("rest", number))
            time.sleep(protocol.cool_down)
            watch.call(run)
        with meter.window(_name(duration)), meter.window(_name(duration, number)):
            between = watcher.during("repeat", number, duration)
            calls.append(watch.block(run, duration, fewest=protocol.fewest_calls, between=between))
        needed = min(LONGEST, needed_seconds(meter.windows[_name(duration, number)]))
        if number == 1 and needed > 1.05 * duration:
            duration = needed
            calls.clear()
            continue
        number += 1
    windows = meter.windows
    readings = [windows[_name(duration, k)] for k in range(1, protocol.repeats + 1)]
    return Repeats(warm, calls, readings, windows[_name(duration)], duration)


def needed_seconds(reading: EnergyReading) -> float:
    """Window length in s at which counter errors are at most 1 %; the relative error falls with the length."""
    counted = [part for part in reading.parts.values() if part.method == "measured"]
    shares = [(q.ci95[1] - q.ci95[0]) / 2 / q.value for q in counted if q.ci95 and q.value]
    return (reading.duration.value or 0.0) * max(shares, default=0.0) / MOST_ERROR


def _name(duration: float, repeat: int | None = None) -> str:
    """Name of a meter's window; a discarded repeat has another duration in its name."""
    return f"repeats of {duration:.6g} s" + ("" if repeat is None else f", {repeat}")
