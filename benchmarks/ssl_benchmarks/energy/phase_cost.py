"""Time and energy of a phase of work, and their sum over several attempts at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ssl_benchmarks.energy import EnergyReading
from ssl_benchmarks.record.flaws import DISTURBED
from ssl_benchmarks.record.quantity import Quantity, added, joined, quantity_of, unavailable, weakest

SCOPES = ("gpu", "cpu", "dram", "machine")


@dataclass(frozen=True)
class PhaseCost:
    """Time and energy of a phase.

    Attributes:
        seconds: of wall time.
        energy: scope to gross joules.
        energy_net: scope to joules without the idle power.
        flaw: what speaks against its figures.
    """

    seconds: float
    energy: dict[str, Quantity]
    energy_net: dict[str, Quantity]
    flaw: str = ""

    @classmethod
    def of(cls, reading: EnergyReading) -> PhaseCost:
        """The cost that a meter's window read."""
        flaw = DISTURBED if reading.disturbances else ""
        return cls(reading.duration.value or 0.0, reading.by_scope(), reading.net_by_scope(), flaw)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> PhaseCost:
        """As it stands in a record."""
        energy = {scope: quantity_of(q) for scope, q in document["energy"].items()}
        return cls(document["seconds"], energy, _net(document["energy_net"]), document.get("flaw", ""))

    def since(self, earlier: PhaseCost) -> PhaseCost:
        """What was spent after `earlier` had been."""
        unknown = unavailable("J", "not metered at the start of the part")
        energy = {scope: _less(q, earlier.energy.get(scope, unknown)) for scope, q in self.energy.items()}
        seconds, net = max(0.0, self.seconds - earlier.seconds), not_net("the part of a phase")
        return PhaseCost(seconds, energy, net, self.flaw)


def _less(whole: Quantity, part: Quantity) -> Quantity:
    """What is left of a sum that grew; a running sum has no interval."""
    if whole.value is None or part.value is None:
        return whole if whole.value is None else part
    return Quantity(
        max(0.0, whole.value - part.value),
        whole.unit,
        weakest(whole.method, part.method),
        note=whole.note,
        flaw=whole.flaw,
    )


def _net(document: dict[str, Any]) -> dict[str, Quantity]:
    """Net energy by scope; an older record has the machine's alone."""
    if "unit" not in document:
        return {scope: quantity_of(q) for scope, q in document.items()}
    return not_net("recorded before net energy was kept by scope") | {"machine": quantity_of(document)}


def not_net(reason: str) -> dict[str, Quantity]:
    """No net energy of any scope."""
    return {scope: unavailable("J", reason) for scope in SCOPES}


def total_cost(costs: Mapping[str, PhaseCost]) -> PhaseCost | None:
    """The sum of named costs, scope by scope; None where there is none."""
    if not costs:
        return None
    energy = _by_scope({name: cost.energy for name, cost in costs.items()})
    net = _by_scope({name: cost.energy_net for name, cost in costs.items()})
    flaw = joined(*dict.fromkeys(cost.flaw for cost in costs.values()))
    return PhaseCost(sum(cost.seconds for cost in costs.values()), energy, net, flaw)


def _by_scope(costs: Mapping[str, Mapping[str, Quantity]]) -> dict[str, Quantity]:
    """The sum for each scope, for those too that only some machines have."""
    scopes = dict.fromkeys((*SCOPES, *(scope for cost in costs.values() for scope in cost)))
    return {
        scope: added(
            {n: cost.get(scope) or unavailable("J", f"{scope} was not metered") for n, cost in costs.items()}, "J"
        )
        for scope in scopes
    }
