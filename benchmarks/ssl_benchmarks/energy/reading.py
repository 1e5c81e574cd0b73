"""Readings: energy by part of the machine, over a block or a window, and live."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.sources.parts import MODULE, of_machine
from ssl_benchmarks.energy.sources.trace import Samples, framed
from ssl_benchmarks.record.quantity import Quantity, total, unavailable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LiveReading:
    """Energy so far and current power.

    Every scope ("gpu", "cpu", "dram", "machine") has an entry, possibly unavailable, and "module" if GPUs share one
    with a CPU.

    Attributes:
        duration_s: s since the meter was started.
        energy: J, gross, up to the last sample.
        power: W, the last sample.
    """

    duration_s: float
    energy: dict[str, Quantity]
    power: dict[str, Quantity]


@dataclass(frozen=True, eq=False, repr=False)
class EnergyReading:
    """Energy of a metered block, or of all windows of one name added up.

    Attributes:
        duration: s, wall clock.
        energy_gpu: J, all metered GPUs; unavailable if any of them is.
        per_gpu: J by device ("gpu0" as in nvidia-smi, or a MIG instance: its UUID, or "instance of gpu0").
        energy_cpu: J, all packages.
        energy_dram: J.
        energy_net: J, the machine's measured and sampled parts minus idle power times duration.
        net: the same by scope; see `net_by_scope`.
        power_idle: W, for the same parts.
        samples: the power samples; see `trace`.
        integral_gpu: J, the integral of the GPUs' power samples, kept for comparison with the counter.
        energy_module: J, of the modules that the GPUs share with a CPU and its memory (GH200); None if they share none.
        disturbances: disturbances of the whole metered block (also for a window's reading): other processes on the
            GPUs or the CPU, throttling, a changed power limit or clock setting; those of the CPU are known once the
            block has ended.
        remarks: effects of a setting (a GPU at its power limit), and what could not be watched.
    """

    duration: Quantity
    energy_gpu: Quantity
    per_gpu: dict[str, Quantity]
    energy_cpu: Quantity
    energy_dram: Quantity
    energy_net: Quantity
    power_idle: Quantity
    samples: Samples
    integral_gpu: Quantity = field(default_factory=lambda: unavailable("J", "no GPU was metered"))
    energy_module: Quantity | None = None
    net: dict[str, Quantity] = field(default_factory=dict)
    disturbances: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        shown = ", ".join(f"{scope} {_short(q, 'J')}" for scope, q in self.by_scope().items())
        disturbed = f"; disturbed: {'; '.join(self.disturbances)}" if self.disturbances else ""
        return f"<energy over {_short(self.duration, 's')}: {shown}{disturbed}>"

    @property
    def trace(self) -> pd.DataFrame:
        """The power samples: time_s (since the block began), device, power_w (W), temperature_c, sm_clock_mhz,
        utilisation (0 to 1) and method; NaN where a device does not report it.
        """  # noqa: D205 - the columns are the summary
        return framed(self.samples)

    @property
    def parts(self) -> dict[str, Quantity]:
        """Energy in J of "gpu", "cpu" and "dram", and of the "module" that contains them, if there is one."""
        alone = {"gpu": self.energy_gpu, "cpu": self.energy_cpu, "dram": self.energy_dram}
        return alone | ({} if self.energy_module is None else {MODULE: self.energy_module})

    @property
    def energy_machine(self) -> Quantity:
        """J, all available parts added up, or the module that contains them; the note names them and what is missing."""
        return total(of_machine(self.parts), "J")

    def by_scope(self) -> dict[str, Quantity]:
        """Gross energy in J of all `parts` and of "machine"."""
        return self.parts | {"machine": self.energy_machine}

    def net_by_scope(self) -> dict[str, Quantity]:
        """Energy in J of all `parts` and of "machine" minus idle power times duration, for the metered parts."""
        return {**self.net, "machine": self.energy_net}

    def power_mean(self, scope: str) -> Quantity:
        """Mean power in W of a scope over the duration.

        Raises:
            KeyError: if the scope is neither one of `parts` nor "machine".
        """
        energy = self.by_scope()[scope]
        if not self.duration.value:
            return unavailable("W", self.duration.note or "no time passed")
        return energy.scaled(1 / self.duration.value, "W")


def _short(quantity: Quantity, unit: str) -> str:
    return "n/a" if quantity.value is None else f"{quantity.value:.4g} {unit} ({quantity.method})"


def add_devices(devices: dict[str, Quantity], unit: str) -> Quantity:
    """Sum over devices of one kind; unavailable if any is, since a partial sum would pass for the whole."""
    missing = [device for device in devices.values() if device.value is None]
    if missing:
        return unavailable(unit, "; ".join(device.note for device in missing))
    if len(devices) == 1:
        return next(iter(devices.values()))
    whole = total(devices, unit)
    notes = "; ".join(device.note for device in devices.values() if device.note)
    return Quantity(whole.value, unit, whole.method, whole.ci95, note=notes or whole.note, flaw=whole.flaw)
