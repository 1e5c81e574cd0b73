"""Carbon is energy times stated factors; nothing is guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.energy.carbon import GridIntensity, _energy_mix, co2e, country_intensity, given_intensity
from ssl_benchmarks.energy.country_names import ABSENT, ALPHA_3, ALSO, plain
from ssl_benchmarks.record.quantity import Method, Quantity, unavailable
from ssl_models.errors import BadInputError

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
    for word in ("measured", "PUE 1.5", "FRA 2023", "CodeCarbon"):
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


@pytest.mark.parametrize(
    ("code", "nearest"), [("FRB", "FRA"), ("Germany", "DEU"), ("xx", "code"), ("Swtzerland", "CHE")]
)
def test_an_unknown_country_is_refused_with_the_nearest(code: str, nearest: str) -> None:
    with pytest.raises(BadInputError, match=nearest):
        country_intensity(code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("FR", "FRA"), ("de", "DEU"), ("GB", "GBR"), ("UK", "GBR"), (" ch ", "CHE"), ("SE", "SWE"), ("el", "GRC"), ("kr", "KOR"),
        ("España", "ESP"), ("espana", "ESP"), ("DEUTSCHLAND", "DEU"), ("Österreich", "AUT"), ("日本", "JPN"), ("Россия", "RUS"),
        ("America", "USA"), ("U.S.", "USA"), ("the Netherlands", "NLD"), ("Holland", "NLD"), ("Côte d'Ivoire", "CIV"),
        ("GER", "DEU"), ("SUI", "CHE"), ("RSA", "ZAF"), ("South Korea", "KOR"), ("Türkiye", "TUR"), ("Royaume-Uni", "GBR"),
    ],
)  # fmt: skip
def test_a_country_by_another_name_is_told_the_code_that_is_meant_and_no_other(text: str, code: str) -> None:
    """Spelling would offer the British Virgin Islands for GB and Ukraine for UK."""
    with pytest.raises(BadInputError, match=rf"nearest: {code} \([^,]*\)$"):
        country_intensity(text)


@pytest.mark.parametrize("text", ["XKX", "xk", "Kosovo", "Liechtenstein", "MC", "Curaçao"])
def test_a_place_without_a_figure_is_offered_no_other_place(text: str) -> None:
    with pytest.raises(BadInputError, match=r"it has no intensity for .*--grid-intensity") as caught:
        country_intensity(text)
    assert "nearest" not in str(caught.value)


def test_every_name_leads_to_one_country() -> None:
    """Each country of the table has its two letters; what a name means does not hang on the order of a list."""
    mix = _energy_mix()
    assert set(mix) <= set(ALPHA_3.values())
    assert len(set(ALPHA_3.values())) == len(ALPHA_3) == 250
    assert set(ABSENT) == set(ALPHA_3.values()) - set(mix)
    meant: dict[str, set[str]] = {}
    for two, three in ALPHA_3.items():
        for name in (two, three):
            meant.setdefault(plain(name), set()).add(three)
    for three, names in (ALSO | ABSENT).items():
        for name in names.split(","):
            meant.setdefault(plain(name), set()).add(three)
    for three, entry in mix.items():
        meant.setdefault(plain(str(entry["country_name"])), set()).add(three)
    assert {name: codes for name, codes in meant.items() if len(codes) > 1} == {}
    assert all(meant)


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
