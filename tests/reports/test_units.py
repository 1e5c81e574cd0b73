"""Numbers as people read them still are the numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_reports.units import duration, plain, shown, with_prefix

FACTORS = {"P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "": 1.0, "m": 1e-3, "µ": 1e-6}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3217, "3.22 kJ"), (999.4, "999 J"), (999.6, "1.00 kJ"), (1000, "1.00 kJ"), (0, "0 J"), (12.34, "12.3 J"),
        (0.0042, "4.20 mJ"), (5.9e12, "5.90 TJ"), (-2500, "-2.50 kJ"), (3e-9, "0.00300 µJ"), (2e18, "2.00 EJ"), (2e21, "2,000 EJ"),
    ],
)  # fmt: skip
def test_prefixes_by_hand(value: float, text: str) -> None:
    assert with_prefix(value, "J") == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (30900, 3, "30,900"), (12345, 3, "12,300"), (99.96, 3, "100"), (9.996, 3, "10.0"), (0.9996, 3, "1.00"),
        (0.00123456, 3, "0.00123"), (0.0999, 2, "0.10"), (1, 3, "1.00"), (-3.217, 3, "-3.22"), (1234567, 7, "1,234,567"),
        (0, 3, "0"),
    ],
)  # fmt: skip
def test_plain_numbers_by_hand(value: float, digits: int, text: str) -> None:
    assert plain(value, digits) == text


@given(st.floats(1e-12, 1e20) | st.floats(-1e20, -1e-12))
def test_three_digits_are_within_half_a_unit_of_the_third(value: float) -> None:
    assert float(plain(value).replace(",", "")) == pytest.approx(value, rel=0.0051)
    assert "e" not in plain(value)


@given(st.floats(1e-6, 9e17))
def test_a_prefix_stands_for_its_factor(value: float) -> None:
    number, unit = with_prefix(value, "W").split(" ")
    assert float(number.replace(",", "")) * FACTORS[unit.removesuffix("W")] == pytest.approx(value, rel=0.0051)
    assert 1 <= float(number.replace(",", "")) < 1000


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (42.4, "42 s"), (60, "1 min 00 s"), (185, "3 min 05 s"), (3599, "59 min 59 s"), (7800, "2 h 10 min")],
)
def test_durations_by_hand(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "unit", "wanted"),
    [
        (44_280.0, "J", ("12.3", "Wh")),
        (3.6e6, "J", ("1.00", "kWh")),
        (2.0**30 * 1.5, "B", ("1.50", "GiB")),
        (2.0**20 * 110, "B", ("110", "MiB")),
        (512.0, "B", ("512", "B")),
        (90.0, "s", ("90.0", "s")),
        (2.0e6, "1", ("2,000,000", "")),
        (0.0642, "1", ("0.0642", "")),
        (5.4e9, "FLOP", ("5.40", "GFLOP")),
        (2.7e9, "MAC", ("2.70", "GMAC")),
        (0.056, "g", ("0.0560", "g")),
        (0.00042, "g", ("420", "µg")),
        (1519.2, "J", ("0.422", "Wh")),
        (59.0, "J/h", ("59.0", "J per audio hour")),
        (2.091, "nat", ("2.09", "nat")),
        (36_000.0, "s/s", ("36,000", "s/s")),
    ],
)
def test_quantities_in_the_units_of_a_table(value: float, unit: str, wanted: tuple[str, str]) -> None:
    assert shown(Quantity(value, unit, "measured")) == wanted


def test_what_cannot_be_had_is_never_a_number() -> None:
    assert shown(unavailable("J", "no GPU")) == ("not available", "")
