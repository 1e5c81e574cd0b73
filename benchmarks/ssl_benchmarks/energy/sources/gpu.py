"""A GPU's energy: the driver's counter if there is one, else the integral of its power samples."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.sources.integral import PowerIntegral, integral_error
from ssl_benchmarks.energy.sources.nvml import Missing, number
from ssl_benchmarks.energy.sources.reach import INSTANCE, scoped_power, shared_module
from ssl_benchmarks.energy.sources.selection import is_instance
from ssl_benchmarks.energy.sources.source import FRESH_SHARE, Mark, Source, Span
from ssl_benchmarks.energy.sources.tick import Tick, find_ticks
from ssl_benchmarks.record.quantity import Quantity, unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ssl_benchmarks.energy.sources.nvml import Nvml
    from ssl_benchmarks.energy.sources.selection import Gpu
    from ssl_benchmarks.record.quantity import Method

STALL_S = 1.0
"""Seconds without an update under load after which a counter is stuck; the slowest known one takes 0.1 s."""
SLOW_TICK = Tick(0.5, 0.0)
"""Assumed update interval of a counter that did not move while it was watched."""
STATE_S = 1.0
"""Seconds between readings of temperature, clock and utilisation, which change slowly and cost a query each."""
DRAWN_W = 1.0
ABOVE_LIMIT = 1.5
"""A GPU may briefly draw this many times its power limit."""
AT_ONCE = 2.0
"""For an instant, it may draw this many times even that."""
HIGHEST_W = 5000.0
"""No GPU or module draws more than this (W), even if it reports no limit."""
UNREPORTED_W, ABOVE_SEEN = 1000.0, 3.0
"""If power is reported but no limit, a counter may grow by this power, or by this multiple of the highest power seen."""
COMPARED_S = 10.0
COMPARED_SHARE = 0.1
"""Except in short windows, a counter and samples that differ by more cannot both be right."""


class GpuSource(Source):
    """One GPU, or the `module` that it shares with a CPU.

    Totals count from `open`; a counter that fails later is not silently replaced by samples. On such a module the
    driver's counter covers the whole module, and the GPU's energy is the integral of its own power, if that is
    reported; `shared` says how the module was recognised.
    """

    def __init__(self, nvml: Nvml, gpu: Gpu, period_s: float, *, module: bool = False) -> None:
        super().__init__("module" if module else "gpu", f"module of {gpu.name}" if module else gpu.name, "measured")
        self.trace.method = "sampled"
        self.gpu, self.shared = gpu, ""
        self._nvml, self._handle, self._period_s = nvml, gpu.handle, period_s
        self._first_j = self._last_j = self._moved_s = self._looked_s = 0.0
        self._integral = PowerIntegral()
        self._state, self._state_s = (math.nan, math.nan, math.nan), -math.inf
        self.tick: Tick = SLOW_TICK
        self.moved = False
        self.no_power = ""
        self._highest_w, self._seen_w = self._most_drawn(), 0.0
        self._choose_method(gpu)

    def _choose_method(self, gpu: Gpu) -> None:
        if isinstance(gpu.handle, Missing):
            self.fail(gpu.handle.reason)
            return
        if is_instance(self._nvml, gpu):
            self.no_power = INSTANCE
            self.fail(INSTANCE)
            return
        self.shared = shared_module(self._nvml, gpu.handle)
        counter, power = self.counter_j(), self._power()
        self.no_power = power.reason if isinstance(power, Missing) else ""
        if self.shared and self.scope == "gpu":
            self.method = "sampled"
            if self.no_power:
                self.fail(
                    f"{self.of_module}, and the driver does not report the power of the GPU alone ({self.no_power})"
                )
        elif isinstance(counter, Missing):
            self.method = "sampled"
            if self.no_power:
                self.fail("; ".join(part for part in (counter.reason, self.no_power) if part))

    @property
    def of_module(self) -> str:
        """What the counter covers on a `shared` module, in words."""
        return f"the energy counter covers the whole module, including CPU and memory ({self.shared})"

    def _most_drawn(self) -> float:
        """Power in W that is never exceeded for longer than a look, from the reported limits; infinite without any."""
        names = ("EnforcedPowerLimit", "PowerManagementDefaultLimit")
        limits = [limit for limit in map(self._thousandth, names) if not isinstance(limit, Missing) and limit > 0]
        return ABOVE_LIMIT * max(limits) if limits and self.scope == "gpu" else math.inf

    @property
    def _possible_w(self) -> float:
        """The same, but based on the highest power seen if no limit is reported."""
        by_samples = max(UNREPORTED_W, ABOVE_SEEN * self._seen_w) if self._seen_w else HIGHEST_W
        return self._highest_w if math.isfinite(self._highest_w) else min(by_samples, HIGHEST_W)

    def _query(self, name: str, *arguments: int) -> float | Missing:
        return number(self._nvml.query(f"DeviceGet{name}", self._handle, *arguments))

    def _thousandth(self, name: str) -> float | Missing:
        """A reading in mJ or mW as J or W; a failed query is repeated once."""
        answer = self._query(name)
        answer = self._query(name) if isinstance(answer, Missing) else answer
        return answer if isinstance(answer, Missing) else answer / 1000

    def _power(self) -> float | Missing:
        """The last power in W; a value that this hardware cannot draw counts as missing."""
        if self.scope == "module":
            watts = scoped_power(self._nvml, self._handle, "module")
        else:
            watts = scoped_power(self._nvml, self._handle, "gpu") if self.shared else self._thousandth("PowerUsage")
        if isinstance(watts, Missing) or watts <= AT_ONCE * min(self._highest_w, HIGHEST_W):
            return watts
        return Missing(f"the driver reported {watts:.4g} W, more than the GPU can draw")

    def counter_j(self) -> float | Missing:
        """The counter in J."""
        return self._thousandth("TotalEnergyConsumption")

    def look(self) -> float | None:
        """The counter in J, None if it does not answer."""
        answer = self.counter_j()
        return None if isinstance(answer, Missing) else answer

    @property
    def energy_j(self) -> float:
        """J since `open`."""
        return self._last_j - self._first_j if self.method == "measured" else self._integral.joules

    def power_method(self) -> Method:
        """Power is always sampled, whatever energy is read from."""
        return "sampled"

    def open(self, now_s: float) -> None:
        """Take the first reading."""
        self._moved_s, self._looked_s = now_s, time.perf_counter()
        if not self.fault and self.method == "measured":
            first = self.counter_j()
            if isinstance(first, Missing):
                self.fail(first.reason)
            else:
                self._first_j = self._last_j = first
        self._read_power(now_s)

    def sample(self, now_s: float) -> None:
        """Read again."""
        self._read_counter(now_s)
        self._read_power(time.perf_counter())

    def mark(self, now_s: float) -> Mark:
        """Read at an edge."""
        self._read_counter(now_s)
        slack_s = time.perf_counter() - now_s
        if not now_s - self._integral.time_s < FRESH_SHARE * self._period_s:
            self._read_power(now_s)
        else:
            self._integral.hold(max(now_s, self._integral.time_s))
        if self.method == "sampled":
            slack_s = time.perf_counter() - now_s
        seen = self._integral
        return Mark(
            now_s, slack_s, self.energy_j, seen.joules, seen.samples, seen.roughness, seen.power_w, seen.squares
        )

    def _read_counter(self, now_s: float) -> None:
        if self.fault or self.method != "measured":
            return
        looked_s, joules = time.perf_counter(), self.counter_j()
        # Measured from its last move, however late the looks were.
        elapsed = max(now_s - self._moved_s, time.perf_counter() - self._looked_s)
        if isinstance(joules, Missing):
            self.fail(f"lost during the run, {joules.reason}")
        elif joules < self._last_j:
            self.fail(f"the energy counter decreased from {self._last_j:g} J to {joules:g} J")
        elif (step := joules - self._last_j) > self._possible_w * (elapsed + self.tick.seconds):
            self.fail(f"the energy counter jumped by {step:.4g} J within {elapsed:.2g} s, more than the GPU can draw")
        elif joules > self._last_j:
            self._last_j, self._moved_s, self._looked_s = joules, now_s, looked_s
        elif now_s - self._moved_s > STALL_S and self.power_w > DRAWN_W:
            self.fail(f"the energy counter did not move for {now_s - self._moved_s:.1f} s at {self.power_w:.0f} W")

    def _read_power(self, now_s: float) -> None:
        if self.no_power or isinstance(self._handle, Missing):
            return
        watts = self._power()
        if isinstance(watts, Missing):
            self.no_power = watts.reason
            if self.method == "sampled":
                self.fail(f"lost during the run, {watts.reason}")
            return
        self.power_w, self._seen_w = watts, max(self._seen_w, watts)
        self._integral.add(now_s, self.power_w)
        self.trace.add(now_s, self.power_w, self._read_state(now_s))

    def _read_state(self, now_s: float) -> tuple[float, float, float]:
        if now_s - self._state_s >= STATE_S:
            temperature = self._query("Temperature", self._nvml.constant("TEMPERATURE_GPU"))
            clock = self._query("ClockInfo", self._nvml.constant("CLOCK_SM"))
            rates = self._nvml.query("DeviceGetUtilizationRates", self._handle)
            share = math.nan if isinstance(rates, Missing) else rates.gpu / 100
            self._state, self._state_s = (_or_nan(temperature), _or_nan(clock), share), now_s
        return self._state

    def between(self, start: Mark, end: Mark) -> Span:
        """Energy between two edges."""
        duration = end.time_s - start.time_s
        energy, integral = end.energy_j - start.energy_j, end.integral_j - start.integral_j
        doubt = integral_error(start, end)
        error = doubt if self.method == "sampled" else self._counter_error(start, end)
        samples = end.samples - start.samples + 1 if start.samples else 0
        unsampled = self.no_power or ("" if samples else "no power reading")
        return Span(duration, energy, error, integral, doubt, samples, self.fault, unsampled)

    def _counter_error(self, start: Mark, end: Mark) -> float:
        """Each edge may be read up to one tick late: the error is at most one tick at the highest power seen."""
        duration = end.time_s - start.time_s
        mean = (end.energy_j - start.energy_j) / duration if duration > self.tick.seconds else 0.0
        highest = max(mean, self.trace.peak(start.time_s, end.time_s), self.tick.joules / self.tick.seconds)
        edges = [watts for watts in (start.power_w, end.power_w) if not math.isnan(watts)]
        highest = max([highest, *edges])
        return highest * (self.tick.seconds + start.slack_s + end.slack_s)

    def integral(self, span: Span) -> Quantity:
        """The integral of the power samples of a span in J, for comparison with the counter."""
        if span.integral_fault:
            return unavailable("J", f"{self.device}: {span.integral_fault}")
        low, high = span.integral_j - span.integral_error_j, span.integral_j + span.integral_error_j
        return Quantity(span.integral_j, "J", "sampled", (low, high), span.samples, f"{self.device}: power samples")

    def note(self, span: Span) -> str:
        """How the energy was obtained."""
        parts = [f"{self.device}: power samples, no energy counter"]
        if self.shared and self.scope == "gpu":
            parts = [f"{self.device}: power samples of the GPU alone; {self.of_module}"]
        if self.method == "measured":
            parts = [f"{self.device}: NVML energy counter, updated every {self.tick.seconds * 1000:.0f} ms"]
            apart = span.integral_j / span.energy_j - 1
            if span.samples and not span.integral_fault:
                parts.append(f"integral of its power samples {span.integral_j:.6g} J ({100 * apart:+.1f} %)")
                if span.duration_s >= COMPARED_S and abs(apart) > COMPARED_SHARE:
                    parts.append(f"counter and integral differ by {100 * abs(apart):.0f} %: one of them is wrong")
        if span.error_j > 0.01 * span.energy_j:
            need = 100 * span.error_j / span.energy_j * span.duration_s
            parts.append(f"window too short for 1 % precision: {span.duration_s:.4g} s, {need:.4g} s needed")
        return "; ".join(parts)


def _or_nan(answer: float | Missing) -> float:
    return math.nan if isinstance(answer, Missing) else answer


def set_ticks(sources: Sequence[GpuSource]) -> None:
    """Find the update intervals of all counters at once, before the metered block; takes up to half a second."""
    counting = [source for source in sources if not source.fault and source.method == "measured"]

    ticks = find_ticks([source.look for source in counting])
    for source, tick in zip(counting, ticks, strict=True):
        source.tick, source.moved = tick or SLOW_TICK, tick is not None
