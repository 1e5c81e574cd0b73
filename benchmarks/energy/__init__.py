"""Energy of a block of code, by part of the machine: a counter where there is one, else samples, else a model, else a reason."""

from benchmarks.energy.meter import EnergyMeter
from benchmarks.energy.reading import EnergyReading, LiveReading

__all__ = ["EnergyMeter", "EnergyReading", "LiveReading"]
