"""The energy meter of a command; idle power is measured first if there is a counter."""

from __future__ import annotations

from collections.abc import Callable

from ssl_benchmarks.energy import EnergyMeter
from ssl_benchmarks.machine.capabilities import capabilities


def new_meter(*, idle: bool, say: Callable[[str], None], seconds: float = 10.0) -> EnergyMeter:
    """A meter that is not started yet; with `idle`, idle power is measured first, for so many seconds."""
    meter = EnergyMeter()
    if idle and capabilities().measurable["energy_net"].method != "unavailable":
        say(f"measuring idle power for {seconds:.3g} s (--no-idle skips it)")
        meter.measure_idle(seconds)
    return meter
