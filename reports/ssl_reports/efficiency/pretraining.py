"""What a whole pretraining took, or would take: device-hours, energy and CO2e of each model's training, as rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ssl_benchmarks.comparing.projection import project, recipe_work
from ssl_benchmarks.energy.carbon import co2e
from ssl_benchmarks.record.details.projection import Work
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement
from ssl_reports.paper.tables import whole_run
from ssl_reports.reading.evidence import Evidence, Setting, settings
from ssl_reports.reading.repricing import grid_of

Account = Literal["spent", "projected"]
UNASKED = "no training of this model was measured in these runs"


@dataclass(frozen=True)
class Prices:
    """How a pretraining is accounted for.

    Attributes:
        account: what the runs themselves spent, or what each model's recipe would take at the measured rate.
        hours: of audio to project to; None for each model's own recipe.
        price_per_hour: of a device, in a currency of the user's; None for no price.
    """

    account: Account = "projected"
    hours: float | None = None
    price_per_hour: float | None = None


def was_spent(setting: Setting) -> bool:
    """Whether the setting is a whole training, not the window of a measurement; what was metered or imported is whole."""
    if setting.record.kind in {"meter", "import"}:
        return True
    seen = setting.find("audio_hours_seen")
    return seen is not None and seen.method == "measured"


def pretraining_rows(evidence: Evidence, prices: Prices) -> Iterator[Measurement]:
    """Rows of `device_hours`, `energy` (scope: that of the headline) and `co2e` in the phase `training`, some per setting."""
    for setting in settings(evidence, "training"):
        if prices.account == "projected":
            yield from _projected(setting, prices)
        elif was_spent(setting):
            yield from _spent(setting, prices)


def _spent(setting: Setting, prices: Prices) -> Iterator[Measurement]:
    """Targets, where there were any to fit, and training."""
    energy = whole_run(setting, "energy", setting.scope) or unavailable("J", "energy was not metered")
    carbon = whole_run(setting, "co2e", setting.scope)
    if carbon is None or carbon.value is None:
        carbon = co2e(energy, grid_of(setting.record), _pue(setting))
    hours = whole_run(setting, "device_hours", None) or unavailable("h", "device-hours were not recorded")
    yield from _rows(setting, prices, hours, energy, carbon)


def _projected(setting: Setting, prices: Prices) -> Iterator[Measurement]:
    """The measured rate times the audio of a recipe."""
    rate = setting.find("audio_seconds_per_second")
    if rate is None:
        return
    per_hour = setting.find("energy_per_audio_hour", setting.scope) or unavailable("J/h", "energy was not metered")
    work = recipe_work(setting.recipe)
    if prices.hours is not None:
        work = Work("stated", prices.hours, "stated")
    grid = grid_of(setting.record)
    found = project(setting.model, work, rate, per_hour, grid=grid, pue=_pue(setting), price_per_hour=None)
    yield from _rows(setting, prices, found.device_hours, found.energy, found.co2e)


def _pue(setting: Setting) -> float:
    return setting.conditions.pue or 1.0


def _rows(
    setting: Setting, prices: Prices, hours: Quantity, energy: Quantity, carbon: Quantity
) -> Iterator[Measurement]:
    """The figures under the setting's conditions, CO2e with its grid and PUE."""
    grid = grid_of(setting.record)
    priced = replace(setting.conditions, pue=_pue(setting), grid=None if grid is None else grid.label)
    found: list[tuple[str, Quantity, str | None, Conditions]] = [
        ("device_hours", hours, None, setting.conditions),
        ("energy", energy, setting.scope, setting.conditions),
        ("co2e", carbon, setting.scope, priced),
    ]
    if prices.price_per_hour is not None:
        found.append(("price", hours.scaled(prices.price_per_hour, "price units"), None, setting.conditions))
    for metric, quantity, scope, conditions in found:
        yield Measurement(setting.model, metric, quantity, "training", scope, conditions)
