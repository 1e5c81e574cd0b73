"""Numbers are rounded to their uncertainty as the Particle Data Group does, and those from elsewhere stand as they are printed there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.record.quantity import DERIVED, Method, Quantity
from ssl_reports.tables.numbers import plain_number, scaled
from ssl_reports.tables.table import times


def known(value: float, half: float, method: Method = "measured") -> Quantity:
    return Quantity(value, "h", method, (value - half, value + half))


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (123.456, 1.23, "123.5 ± 1.2"),
        (12.5, 2.98, "12.5 ± 3.0"),
        (80.76, 0.70, "80.8 ± 0.7"),
        (182_792.0, 39_000.0, "180000 ± 40000"),
        (0.409, 0.005, "0.409 ± 0.005"),
        (0.1667, 8.7e-5, "0.1667 ± 0.0001"),
        (0.1667, 1e-9, "0.1667 ± 0.0001"),
        (10.0, 0.0996, "10.00 ± 0.10"),
        (-5.0, 0.354, "-5.00 ± 0.35"),
    ],
)
def test_a_value_has_the_digits_that_its_interval_supports(value: float, half: float, text: str) -> None:
    """Two digits of a half-width up to 35, one beyond, and never more than four of the value."""
    assert plain_number(known(value, half)) == text


@given(st.floats(1e-6, 1e9), st.floats(1e-6, 0.99))
def test_what_is_shown_covers_nearly_what_is_known(value: float, share: float) -> None:
    """Rounding takes away at most a seventh of a half-width, and never all of it."""
    shown, half = map(float, plain_number(known(value, share * value)).split(" ± "))
    assert half > 0
    assert half >= share * value * 0.85
    assert abs(shown - value) <= half


@pytest.mark.parametrize(
    ("quantity", "factor", "text"),
    [
        (Quantity(0.08, "1", "published", note="Table 2"), 100.0, "8.0"),
        (Quantity(0.034, "1", "published", note="Table 2"), 100.0, "3.4"),
        (Quantity(95e6, "1", "published", note="Table 2"), 1e-6, "95"),
        (Quantity(1.62e6, "h", "published", note="x"), 1.0, "1620000"),
        (Quantity(2458.0, "h", "published", note=f"x; {DERIVED}64 V100 x 1.6 d"), 1.0, "2460"),
        (Quantity(7065.6, "h", "published", note=f"x; {DERIVED}128 V100 x 2.3 d"), 1.0, "7070"),
        (Quantity(1_620_000.0, "h", "stated", note=f"{DERIVED}x"), 1.0, "1620000"),
        (Quantity(1234.5, "h", "stated", note="an invoice"), 1.0, "1234.5"),
        (Quantity(1234.5, "h", "measured"), 1.0, "1230"),
    ],
)
def test_a_number_from_elsewhere_is_shown_as_printed_or_as_derived(
    quantity: Quantity, factor: float, text: str
) -> None:
    assert plain_number(quantity, factor) == text


def test_data_have_no_noise_of_binary_fractions() -> None:
    """0.034 x 100 is 3.4000000000000004."""
    assert scaled(Quantity(0.034, "1", "published", (0.034, 0.07)), 100.0) == (3.4, (3.4, 7.0))


def test_every_ratio_has_three_digits() -> None:
    """Whether or not its interval is known."""
    assert times(Quantity(1.2513, "1", "measured", (1.10, 1.41))) == "1.25×"
    assert times(Quantity(0.35111, "1", "measured", (0.264, 0.466))) == "0.351×"
    assert times(Quantity(4.0966, "1", "analytic")) == "4.10×"
