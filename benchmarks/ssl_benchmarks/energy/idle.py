"""Idle power, and energy above idle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.sources.parts import of_machine
from ssl_benchmarks.record.quantity import Quantity, flaws, total, unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

NOT_MEASURED = "idle power was not measured (EnergyMeter.measure_idle() does it before a run, --no-idle skips it)"
NOTHING_METERED = "no part of this machine has a counter or power samples, and idle power cannot be modelled"
METERED = ("measured", "sampled")


@dataclass(frozen=True)
class IdlePower:
    """Idle power in W of the measured and sampled parts, by scope, with none of our work running; it is not modelled.

    Attributes:
        parts: by scope.
        disturbances: disturbances while it was measured.
    """

    parts: dict[str, Quantity]
    disturbances: tuple[str, ...] = ()

    @property
    def machine(self) -> Quantity:
        """W, all parts added up."""
        if not self.parts:
            return unavailable("W", NOTHING_METERED)
        return total(of_machine(self.parts), "W")


def metered(parts: Mapping[str, Quantity]) -> dict[str, Quantity]:
    """The parts that are read from hardware."""
    return {scope: part for scope, part in parts.items() if part.method in METERED}


def net_by_scope(parts: Mapping[str, Quantity], duration_s: float, idle: IdlePower | None) -> dict[str, Quantity]:
    """`net_energy` of each part separately, and of the machine."""
    alone = {scope: _net_of_part(scope, part, duration_s, idle) for scope, part in parts.items()}
    at_rest = None if idle is None else IdlePower(of_machine(idle.parts), idle.disturbances)
    return alone | {"machine": net_energy(of_machine(parts), duration_s, at_rest)}


def _net_of_part(scope: str, part: Quantity, duration_s: float, idle: IdlePower | None) -> Quantity:
    if part.value is None:
        return unavailable("J", part.note)
    if part.method not in METERED:
        return unavailable("J", f"{scope}: energy is {part.method}, and idle power cannot be modelled")
    own = None if idle is None else IdlePower({key: power for key, power in idle.parts.items() if key == scope})
    return net_energy({scope: part}, duration_s, own)


def net_energy(parts: Mapping[str, Quantity], duration_s: float, idle: IdlePower | None) -> Quantity:
    """Gross energy minus idle power times duration, in J, of the parts that are read from hardware.

    The ends of intervals are added. There is no net energy if idle power was measured for other parts than the run.
    """
    gross = metered(parts)
    if not gross and not (idle and idle.parts):
        return unavailable("J", NOTHING_METERED)
    if idle is None:
        return unavailable("J", NOT_MEASURED)
    if gross.keys() != idle.parts.keys():
        return unavailable("J", f"idle power was measured for {_names(idle.parts)}, the run for {_names(gross)}")
    run, rest = total(gross, "J"), idle.machine.scaled(max(duration_s, 1e-9), "J")
    if run.value is None or rest.value is None:
        return unavailable("J", run.note or rest.note)
    ci95 = (run.ci95[0] - rest.ci95[1], run.ci95[1] - rest.ci95[0]) if run.ci95 and rest.ci95 else None
    note = f"{run.note}; minus {rest.value / max(duration_s, 1e-9):.4g} W idle"
    return Quantity(run.value - rest.value, "J", run.method, ci95, note=note, flaw=flaws((run, rest)))


def _names(parts: Mapping[str, Quantity]) -> str:
    return " + ".join(parts) or "nothing"
