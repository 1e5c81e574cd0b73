"""Carbon is energy times stated factors; nothing is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.carbon import GridIntensity, co2e, country_intensity, given_intensity
from benchmarks.quantity import Method, Quantity, unavailable
from models.errors import BadInputError

KWH = Quantity(3.6e6, "J", "measured", (3.5e6, 3.7e6), 4)


def test_a_kilowatt_hour_in_france() -> None:
    """The table of codecarbon 3.3 has 56.039 g/kWh for 2023, read off by hand."""
    grid = country_intensity("fra")
    assert (grid.country, grid.year) == ("FRA", 2023)
    assert grid.g_per_kwh == pytest.approx(56.039)
    carbon = co2e(KWH, grid, pue=1.5)
    assert carbon.value == pytest.approx(1.5 * 56.039)
    assert carbon.ci95 == pytest.approx((1.5 * 56.039 * 3.5 / 3.6, 1.5 * 56.039 * 3.7 / 3.6))
    assert (carbon.unit, carbon.method, carbon.n) == ("g", "modelled", 4)
    for word in ("measured", "PUE 1.5", "FRA 2023", "codecarbon"):
        assert word in carbon.note


@given(st.floats(0, 1e12), st.floats(0, 2000), st.floats(1, 3))
def test_carbon_is_the_product(joules: float, grams: float, pue: float) -> None:
    carbon = co2e(Quantity(joules, "J", "sampled"), given_intensity(grams), pue)
    assert carbon.value == pytest.approx(joules / 3_600_000 * grams * pue)


@pytest.mark.parametrize(
    ("energy", "carbon"), [("measured", "modelled"), ("modelled", "modelled"), ("projected", "projected")]
)
def test_the_method_is_the_weaker_one(energy: Method, carbon: Method) -> None:
    assert co2e(Quantity(1.0, "J", energy), given_intensity(100)).method == carbon


def test_without_a_country_there_is_no_figure() -> None:
    missing = co2e(KWH, None)
    assert missing.value is None
    assert "--country" in missing.note


def test_a_missing_energy_keeps_its_reason() -> None:
    assert co2e(unavailable("J", "no counter"), given_intensity(10)) == unavailable("g", "no counter")


@pytest.mark.parametrize(("code", "nearest"), [("FRB", "FRA"), ("Germany", "DEU"), ("xx", "code")])
def test_an_unknown_country_is_refused_with_the_nearest(code: str, nearest: str) -> None:
    with pytest.raises(BadInputError, match=nearest):
        country_intensity(code)


def test_a_zero_in_the_table_is_not_believed() -> None:
    with pytest.raises(BadInputError, match="CAF"):
        country_intensity("CAF")


@pytest.mark.parametrize("grams", [-1.0, float("nan"), float("inf")])
def test_an_impossible_intensity_is_refused(grams: float) -> None:
    with pytest.raises(BadInputError, match="g/kWh"):
        given_intensity(grams)
    with pytest.raises(BadInputError, match="g/kWh"):
        GridIntensity(grams, "FRA", 2023, "test")


@pytest.mark.parametrize("pue", [0.9, float("nan"), float("inf")])
def test_an_impossible_pue_is_refused(pue: float) -> None:
    with pytest.raises(BadInputError, match="PUE"):
        co2e(KWH, given_intensity(10), pue)


def test_carbon_is_counted_from_joules_alone() -> None:
    with pytest.raises(ValueError, match="J"):
        co2e(Quantity(1.0, "kWh", "measured"), given_intensity(10))
