"""The rows for the cost of a phase, and what follows from its hours of audio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ssl_benchmarks.energy.carbon import co2e
from ssl_benchmarks.record.flaws import flawed
from ssl_benchmarks.record.quantity import Quantity, joined, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement

if TYPE_CHECKING:
    from ssl_benchmarks.energy.carbon import GridIntensity
    from ssl_benchmarks.energy.phase_cost import PhaseCost


def cost_rows(
    model: str, phase: str, cost: PhaseCost, held: Conditions, grid: GridIntensity | None
) -> list[Measurement]:
    """Time, energy and carbon of a phase, one row per scope; `held` holds the PUE."""
    found: list[tuple[str, str | None, Quantity]] = [
        ("duration", None, Quantity(cost.seconds, "s", "measured")),
        ("device_hours", None, Quantity(cost.seconds / 3600, "h", "measured", note="one device")),
        *(("energy_net", scope, net) for scope, net in cost.energy_net.items()),
    ]
    for scope, energy in cost.energy.items():
        carbon = co2e(energy, grid, held.pue or 1.0)
        power = energy.scaled(1 / cost.seconds, "W") if cost.seconds else unavailable("W", "no time passed")
        found += [("energy", scope, energy), ("power_mean", scope, power), ("co2e", scope, carbon)]
    return [
        Measurement(model, metric, flawed(quantity, cost.flaw), phase, scope, held) for metric, scope, quantity in found
    ]


def per_audio_hour(
    hours: Quantity, seconds: Quantity, energy: Mapping[str, Quantity]
) -> dict[tuple[str, str | None], Quantity]:
    """What follows from hours of audio, by metric and scope: the speed, and the energy per hour; nothing from none.

    Args:
        hours: of audio, in h.
        seconds: that the work took, in s.
        energy: of the work, in J by scope.
    """
    if not hours.value:
        return {}
    found: dict[tuple[str, str | None], Quantity] = {}
    if seconds.value:
        note = joined(seconds.note, f"hours of audio {hours.note}")
        speed = Quantity(3600 * hours.value / seconds.value, "s/s", seconds.method, note=note, flaw=seconds.flaw)
        found["audio_seconds_per_second", None] = speed
    for scope, joules in energy.items():
        found["energy_per_audio_hour", scope] = joules.scaled(1 / hours.value, "J/h")
    return found
