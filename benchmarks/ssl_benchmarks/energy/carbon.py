"""Carbon from energy: joules times PUE times grid intensity, which is never looked up online and never guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from typing import Any

from ssl_benchmarks.energy.country_names import ABSENT, called, plain
from ssl_benchmarks.energy.sources.machine_model import quiet_codecarbon
from ssl_benchmarks.record.quantity import JOULES_PER_KWH, Quantity, joined, unavailable, weakest
from ssl_models.errors import BadInputError


@dataclass(frozen=True)
class GridIntensity:
    """Grid intensity in grams of CO2 equivalent per kilowatt-hour, with its source.

    Attributes:
        g_per_kwh: g/kWh, finite and not negative.
        country: ISO 3166 alpha-3 code, or None if the figure was given by hand.
        year: the year of the figure, or None.
        source: where the figure is from.

    Raises:
        BadInputError: if the intensity is negative or not finite.
    """

    g_per_kwh: float
    country: str | None
    year: int | None
    source: str

    @property
    def label(self) -> str:
        """The grid's label in a record's conditions, which distinguishes it from others."""
        where = " ".join(str(part) for part in (self.country, self.year) if part is not None)
        return f"{where or self.source}: {self.g_per_kwh:g} g/kWh"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.g_per_kwh) and self.g_per_kwh >= 0):
            raise BadInputError(f"a grid intensity of {self.g_per_kwh} g/kWh is invalid: give a number of at least 0")


@lru_cache(maxsize=1)
def _energy_mix() -> dict[str, dict[str, Any]]:
    with quiet_codecarbon():
        tables = import_module("codecarbon.input")
        mix: dict[str, dict[str, Any]] = tables.DataSource().get_global_energy_mix_data()
    return mix


def country_intensity(iso3: str) -> GridIntensity:
    """The yearly mean of a country from CodeCarbon's offline table; hourly or regional values may differ by a factor.

    Args:
        iso3: ISO 3166 alpha-3 code such as FRA, in upper or lower case.

    Raises:
        BadInputError: if the code is not in the table (the message suggests the intended or nearest ones), or has the
            figure 0.
    """
    mix = _energy_mix()
    code = iso3.strip().upper()
    if code not in mix:
        raise BadInputError(f"country {iso3!r} is not in CodeCarbon's table; {_lacking(iso3, mix)}")
    entry = mix[code]
    grams, year = float(entry["carbon_intensity"]), int(entry["year"])
    if grams <= 0:
        raise BadInputError(
            f"CodeCarbon's table gives 0 g/kWh for {code}, which no grid has; give the intensity yourself (--grid-intensity G, in g/kWh)"
        )
    source = f"CodeCarbon {version('codecarbon')}, offline table of national energy mixes ({entry['country_name']})"
    return GridIntensity(grams, code, year, source)


def _lacking(text: str, mix: dict[str, dict[str, Any]]) -> str:
    """Advice for a country that is not in the table as written."""
    names = {plain(str(entry["country_name"])): code for code, entry in mix.items()}
    meant = names.get(plain(text)) or called(text)
    if meant is not None and meant not in mix:
        return f"it has no intensity for {ABSENT.get(meant, meant)}: give the intensity yourself (--grid-intensity G, in g/kWh)"
    codes = [meant] if meant else [names[name] for name in get_close_matches(plain(text), names, n=2, cutoff=0.7)]
    if not codes and len(text.strip()) == len("FRA"):
        codes = get_close_matches(text.strip().upper(), mix, n=3, cutoff=0.6)
    listed = ", ".join(f"{code} ({mix[code]['country_name']})" for code in codes)
    return f"nearest: {listed}" if listed else "give a three-letter code such as FRA"


def given_intensity(g_per_kwh: float) -> GridIntensity:
    """A user-supplied intensity in g/kWh.

    Raises:
        BadInputError: if it is negative or not finite.
    """
    return GridIntensity(g_per_kwh, None, None, "given by hand")


def chosen_intensity(country: str | None, g_per_kwh: float | None) -> GridIntensity | None:
    """The intensity of a country, or the given one, or None.

    Raises:
        BadInputError: as for `country_intensity` and `given_intensity`.
    """
    if country is not None:
        return country_intensity(country)
    return None if g_per_kwh is None else given_intensity(g_per_kwh)


def co2e(energy: Quantity, intensity: GridIntensity | None, pue: float = 1.0) -> Quantity:
    """Grams of CO2 equivalent for an energy in J: energy × PUE × grid intensity / 3.6e6.

    The interval is that of the energy, scaled: the table's own error is larger but unknown. Without an intensity the
    result is unavailable.

    Args:
        energy: in J.
        intensity: of the grid, or None.
        pue: power usage effectiveness of the building, at least 1.

    Raises:
        BadInputError: if the PUE is below 1 or not finite.
        ValueError: if the energy is not in J.
    """
    if not (math.isfinite(pue) and pue >= 1):
        raise BadInputError(f"a PUE of {pue} is invalid: it is total power divided by computing power, so at least 1")
    if energy.unit != "J":
        raise ValueError(f"carbon is computed from J, got {energy.unit!r}")
    if energy.value is None:
        return unavailable("g", energy.note)
    if intensity is None:
        return unavailable("g", "no grid intensity: add --country FRA (ISO code) or --grid-intensity G (g/kWh)")
    factor = pue * intensity.g_per_kwh / JOULES_PER_KWH
    ci95 = None if energy.ci95 is None else (energy.ci95[0] * factor, energy.ci95[1] * factor)
    where = " ".join(str(part) for part in (intensity.country, intensity.year) if part is not None)
    grid = f"{intensity.g_per_kwh:g} g/kWh ({', '.join(part for part in (where, intensity.source) if part)})"
    note = joined(f"energy {energy.method}; PUE {pue:g}; {grid}", energy.imported)
    return Quantity(energy.value * factor, "g", weakest("modelled", energy.method), ci95, energy.n, note, energy.flaw)
