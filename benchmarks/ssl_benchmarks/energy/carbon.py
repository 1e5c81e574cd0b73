"""Carbon from energy: joules times overhead of the building times the grid's intensity, never looked up, never guessed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from typing import Any

from ssl_benchmarks.energy.country_names import ABSENT, called, plain
from ssl_benchmarks.energy.sources.modelled import quiet_codecarbon
from ssl_benchmarks.record.quantity import JOULES_PER_KWH, Quantity, unavailable, weakest
from ssl_models.errors import BadInputError


@dataclass(frozen=True)
class GridIntensity:
    """Grams of CO2 equivalent for a kilowatt-hour of a grid, and whose figure it is.

    Attributes:
        g_per_kwh: g/kWh, finite and not negative.
        country: ISO 3166 alpha-3 code, or None where the figure was given by hand.
        year: which the figure is of, or None.
        source: where it is from.

    Raises:
        BadInputError: for an intensity that cannot be.
    """

    g_per_kwh: float
    country: str | None
    year: int | None
    source: str

    @property
    def label(self) -> str:
        """What tells two grids apart in a record's conditions."""
        where = " ".join(str(part) for part in (self.country, self.year) if part is not None)
        return f"{where or self.source}: {self.g_per_kwh:g} g/kWh"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.g_per_kwh) and self.g_per_kwh >= 0):
            raise BadInputError(f"a grid intensity of {self.g_per_kwh} g/kWh cannot be: give a number of at least 0")


@lru_cache(maxsize=1)
def _energy_mix() -> dict[str, dict[str, Any]]:
    with quiet_codecarbon():
        tables = import_module("codecarbon.input")
        mix: dict[str, dict[str, Any]] = tables.DataSource().get_global_energy_mix_data()
    return mix


def country_intensity(iso3: str) -> GridIntensity:
    """The yearly mean of a country in codecarbon's offline table; hour and region may differ from it by a factor.

    Args:
        iso3: ISO 3166 alpha-3 code such as FRA, in either case.

    Raises:
        BadInputError: for a code that is not in the table, naming the one that is meant or the nearest, or whose figure there is 0.
    """
    mix = _energy_mix()
    code = iso3.strip().upper()
    if code not in mix:
        raise BadInputError(f"no country {iso3!r} in codecarbon's table; {_lacking(iso3, mix)}")
    entry = mix[code]
    grams, year = float(entry["carbon_intensity"]), int(entry["year"])
    if grams <= 0:
        raise BadInputError(
            f"codecarbon's table gives 0 g/kWh for {code}, which no grid has; give the intensity yourself"
        )
    source = f"codecarbon {version('codecarbon')}, offline table of national energy mixes ({entry['country_name']})"
    return GridIntensity(grams, code, year, source)


def _lacking(text: str, mix: dict[str, dict[str, Any]]) -> str:
    """What to write for a country that is not in the table as it was written."""
    names = {plain(str(entry["country_name"])): code for code, entry in mix.items()}
    meant = names.get(plain(text)) or called(text)
    if meant is not None and meant not in mix:
        return f"it has no figure for {ABSENT.get(meant, meant)}: give the intensity yourself (--grid-intensity G, in g/kWh)"
    codes = [meant] if meant else [names[name] for name in get_close_matches(plain(text), names, n=2, cutoff=0.7)]
    if not codes and len(text.strip()) == len("FRA"):
        codes = get_close_matches(text.strip().upper(), mix, n=3, cutoff=0.6)
    listed = ", ".join(f"{code} ({mix[code]['country_name']})" for code in codes)
    return f"nearest: {listed}" if listed else "give a three-letter code such as FRA"


def given_intensity(g_per_kwh: float) -> GridIntensity:
    """An intensity in g/kWh that the user states.

    Raises:
        BadInputError: for one that is negative or not finite.
    """
    return GridIntensity(g_per_kwh, None, None, "given by hand")


def chosen_intensity(country: str | None, g_per_kwh: float | None) -> GridIntensity | None:
    """That of a country, or the one given, or none.

    Raises:
        BadInputError: as `country_intensity` and `given_intensity`.
    """
    if country is not None:
        return country_intensity(country)
    return None if g_per_kwh is None else given_intensity(g_per_kwh)


def co2e(energy: Quantity, intensity: GridIntensity | None, pue: float = 1.0) -> Quantity:
    """Grams of CO2 equivalent of an energy in J: energy x PUE x grid intensity / 3.6e6.

    The interval is the energy's, scaled: the table's own error, which is larger, has no figure. Without an intensity
    there is no figure at all.

    Args:
        energy: in J.
        intensity: of the grid, or None.
        pue: power usage effectiveness of the building, at least 1.

    Raises:
        BadInputError: for a PUE below 1 or not finite.
        ValueError: for an energy that is not in J.
    """
    if not (math.isfinite(pue) and pue >= 1):
        raise BadInputError(f"a PUE of {pue} cannot be: it is total power over computing power, so at least 1")
    if energy.unit != "J":
        raise ValueError(f"carbon is counted from J, got {energy.unit!r}")
    if energy.value is None:
        return unavailable("g", energy.note)
    if intensity is None:
        return unavailable("g", "no grid intensity: add --country FRA (ISO code) or --grid-intensity G (g/kWh)")
    factor = pue * intensity.g_per_kwh / JOULES_PER_KWH
    ci95 = None if energy.ci95 is None else (energy.ci95[0] * factor, energy.ci95[1] * factor)
    where = " ".join(str(part) for part in (intensity.country, intensity.year) if part is not None)
    grid = f"{intensity.g_per_kwh:g} g/kWh ({', '.join(part for part in (where, intensity.source) if part)})"
    note = f"energy {energy.method}; PUE {pue:g}; {grid}"
    return Quantity(energy.value * factor, "g", weakest("modelled", energy.method), ci95, energy.n, note, energy.flaw)
