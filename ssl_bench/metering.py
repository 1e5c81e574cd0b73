"""The meter of a command: idle power first, where there is a counter to read it from."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.capabilities import capabilities
from benchmarks.energy import EnergyMeter


def new_meter(*, idle: bool, say: Callable[[str], None]) -> EnergyMeter:
    """A meter that is not started yet; with `idle` it knows the idle power of what is metered here."""
    meter = EnergyMeter()
    if idle and capabilities().measurable["energy_net"].method != "unavailable":
        say("measuring idle power for 10 s (--no-idle skips it)")
        meter.measure_idle()
    return meter
