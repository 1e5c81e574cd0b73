"""Projected cost of a full pretraining on this device: a measured rate times the audio hours of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ssl_benchmarks.energy.carbon import GridIntensity, co2e
from ssl_benchmarks.record.details.projection import Projection, Work
from ssl_benchmarks.record.intervals import inverse
from ssl_benchmarks.record.quantity import Quantity, flaws, joined, unavailable
from ssl_benchmarks.record.stated import recipe_of
from ssl_models.recipes import Recipe

PAPER_HOURS = 18_000.0
"""Audio hours of the paper's pretraining, which it says takes less than a day on one GPU (arXiv:2406.07696)."""
NONE: Mapping[str, Recipe] = {}
PAPER = "the paper's 18,000 h (arXiv:2406.07696)"


def recipe_work(recipe: Recipe | None) -> Work:
    """The audio of a recipe."""
    if recipe is None:
        return Work("recipe", None, "no recipe; --recipe FILE.toml states one")
    if recipe.audio_hours is None:
        return Work("recipe", None, f"audio hours unknown: {recipe.cited}")
    return Work("recipe", recipe.audio_hours, recipe.cited)


def paper_work() -> Work:
    """The audio of claim C3."""
    return Work("paper", PAPER_HOURS, PAPER)


def works(model: str, stated: Mapping[str, Recipe] = NONE) -> list[Work]:
    """The model's own recipe, the stated one first, and the paper's hours where they differ."""
    own, paper = recipe_work(recipe_of(model, stated)), paper_work()
    return [own] if own.hours == paper.hours else [own, paper]


def pretraining_flops(rate: Quantity | None, hours: Quantity | None) -> Quantity | None:
    """FLOPs of a full pretraining: training FLOPs per audio second (FLOP/s) times the audio hours seen (h).

    Projected if the hours are stated rather than measured. A run's own `flops` are those of one step. None if a record
    has no row for one of the two.
    """
    if rate is None or hours is None:
        return None
    if rate.value is None or not hours.value:
        return unavailable("FLOP", hours.note or "no audio was seen" if rate.value is not None else rate.note)
    whole = rate.scaled(3600 * hours.value, "FLOP")
    method = rate.method if hours.method == "measured" else "projected"
    return replace(whole, method=method, flaw=flaws((hours, rate)))


def projected_hours(rate: Quantity, work: Work) -> Quantity:
    """Device-hours from a rate in audio seconds per second; no interval if the rate may be zero."""
    if work.hours is None or not rate.value:
        return unavailable("h", work.source if work.hours is None else rate.note)
    if rate.ci95 is not None and rate.ci95[0] <= 0:
        rate = replace(rate, ci95=None)
    return _as_projected(inverse(rate, work.hours, "h"), work, rate)


def projected_energy(per_hour: Quantity, work: Work, unit: str = "J") -> Quantity:
    """Energy in J from J per audio hour, or another cost per audio hour in its `unit`."""
    if work.hours is None or per_hour.value is None:
        return unavailable(unit, work.source if work.hours is None else per_hour.note)
    return _as_projected(per_hour.scaled(work.hours, unit), work, per_hour)


def project(
    model: str,
    work: Work,
    rate: Quantity,
    per_hour: Quantity,
    *,
    grid: GridIntensity | None,
    pue: float,
    price_per_hour: float | None,
) -> Projection:
    """Device-hours, energy, carbon and price of the work, with the uncertainty of the measured rates, not of the recipe.

    Args:
        model: its name.
        work: the audio to pretrain on.
        rate: of training, in audio seconds per second.
        per_hour: of training, in J per audio hour.
        grid: for CO2e, or None.
        pue: power usage effectiveness.
        price_per_hour: of the device, in any currency.
    """
    hours, energy = projected_hours(rate, work), projected_energy(per_hour, work)
    carbon = co2e(energy, grid, pue)
    price = None if price_per_hour is None else hours.scaled(price_per_hour, "price units")
    return Projection(model, work, hours, energy, carbon, price)


def _as_projected(quantity: Quantity, work: Work, measured: Quantity) -> Quantity:
    note = f"{work.amount} h of audio ({work.source}) at the {measured.method} rate"
    if quantity.ci95 is None:
        note = f"{note}, which has no interval"
    return replace(quantity, method="projected", note=joined(note, measured.imported))
