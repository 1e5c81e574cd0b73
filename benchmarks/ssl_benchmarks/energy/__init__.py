"""Energy of a block of code, by part of the machine, from counters, power samples or a model; else the reason why not."""

from ssl_benchmarks.energy.meter import EnergyMeter
from ssl_benchmarks.energy.reading import EnergyReading, LiveReading

__all__ = ["EnergyMeter", "EnergyReading", "LiveReading"]
