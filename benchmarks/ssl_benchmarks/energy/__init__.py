"""Energy of a block of code, by part of the machine: a counter where there is one, else samples, else a model, else a reason."""

from ssl_benchmarks.energy.meter import EnergyMeter
from ssl_benchmarks.energy.reading import EnergyReading, LiveReading

__all__ = ["EnergyMeter", "EnergyReading", "LiveReading"]
