"""Time and energy of a phase of work, and their sum over several attempts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ssl_benchmarks.energy import EnergyReading
from ssl_benchmarks.record.flaws import DISTURBED
from ssl_benchmarks.record.quantity import Quantity, added, joined, unavailable, weakest

SCOPES = ("gpu", "cpu", "dram", "machine")


@dataclass(frozen=True)
class PhaseCost:
    """Time and energy of a phase.

    Attributes:
        seconds: wall time in s.
        energy: gross energy in J by scope.
        energy_net: energy above idle in J by scope.
        flaw: why its figures may be wrong; empty if there is no reason.
    """

    seconds: float
    energy: dict[str, Quantity]
    energy_net: dict[str, Quantity]
    flaw: str = ""

    @classmethod
    def of(cls, reading: EnergyReading) -> PhaseCost:
        """The cost of a meter's window."""
        flaw = DISTURBED if reading.disturbances else ""
        return cls(reading.duration.value or 0.0, reading.by_scope(), reading.net_by_scope(), flaw)

    def since(self, earlier: PhaseCost) -> PhaseCost:
        """The cost added since `earlier`."""
        unknown = unavailable("J", "not metered at the start of the part")
        energy = {scope: _less(q, earlier.energy.get(scope, unknown)) for scope, q in self.energy.items()}
        seconds, net = max(0.0, self.seconds - earlier.seconds), not_net("not computed for part of a phase")
        return PhaseCost(seconds, energy, net, self.flaw)


def _less(whole: Quantity, part: Quantity) -> Quantity:
    """The part of a growing sum that was added later; such a running sum has no interval."""
    if whole.value is None or part.value is None:
        return whole if whole.value is None else part
    return Quantity(
        max(0.0, whole.value - part.value),
        whole.unit,
        weakest(whole.method, part.method),
        note=whole.note,
        flaw=whole.flaw,
    )


def by_scope(cost: Any) -> Any:  # noqa: ANN401 - a value from JSON
    """The document of a `PhaseCost` with every scope; older records only have the machine's net energy."""
    if not isinstance(cost, dict):
        return cost
    energy, net = cost.get("energy"), cost.get("energy_net")
    if isinstance(net, dict) and "unit" in net:
        net = _documents(not_net("recorded before net energy was kept by scope")) | {"machine": net}
    if isinstance(energy, dict):
        energy = _documents(dict.fromkeys(SCOPES, unavailable("J", "not in the record"))) | energy
    return {**cost, "energy": energy, "energy_net": net}


def _documents(quantities: dict[str, Quantity]) -> dict[str, Any]:
    return {scope: asdict(quantity) for scope, quantity in quantities.items()}


def not_net(reason: str) -> dict[str, Quantity]:
    """Net energy that is unavailable in every scope."""
    return {scope: unavailable("J", reason) for scope in SCOPES}


def total_cost(costs: Mapping[str, PhaseCost]) -> PhaseCost | None:
    """The sum of named costs, scope by scope; None if there are none."""
    if not costs:
        return None
    energy = _by_scope({name: cost.energy for name, cost in costs.items()})
    net = _by_scope({name: cost.energy_net for name, cost in costs.items()})
    flaw = joined(*dict.fromkeys(cost.flaw for cost in costs.values()))
    return PhaseCost(sum(cost.seconds for cost in costs.values()), energy, net, flaw)


def _by_scope(costs: Mapping[str, Mapping[str, Quantity]]) -> dict[str, Quantity]:
    """The sum for each scope, including scopes that only some machines have."""
    scopes = dict.fromkeys((*SCOPES, *(scope for cost in costs.values() for scope in cost)))
    return {
        scope: added(
            {n: cost.get(scope) or unavailable("J", f"{scope} was not metered") for n, cost in costs.items()}, "J"
        )
        for scope in scopes
    }
