"""What a number may and may not say of itself."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ssl_benchmarks.record.quantity import METHODS, Method, Quantity, added, total, unavailable, weakest

NUMBERS = st.floats(-1e15, 1e15)
KNOWN: tuple[Method, ...] = ("measured", "sampled", "modelled", "analytic", "projected", "published", "stated")
ORDER = [*KNOWN, "unavailable"]


@st.composite
def quantities(draw: st.DrawFn, unit: str = "J") -> Quantity:
    if draw(st.booleans()):
        return unavailable(unit, draw(st.sampled_from(["no counter", "no GPU"])))
    low, high = sorted((draw(NUMBERS), draw(NUMBERS)))
    ci95 = draw(st.sampled_from([None, (low, high)]))
    return Quantity(draw(NUMBERS), unit, draw(st.sampled_from(KNOWN)), ci95)


@pytest.mark.parametrize("method", KNOWN)
def test_a_known_method_needs_a_value(method: Method) -> None:
    assert Quantity(1.5, "J", method).value == 1.5
    with pytest.raises(ValueError, match="None exactly when"):
        Quantity(None, "J", method, note="lost")


def test_what_is_unavailable_has_a_reason_and_no_value() -> None:
    missing = unavailable("J", "no counter")
    assert (missing.value, missing.unit, missing.method, missing.note) == (None, "J", "unavailable", "no counter")
    with pytest.raises(ValueError, match="None exactly when"):
        Quantity(0.0, "J", "unavailable", note="no counter")
    with pytest.raises(ValueError, match="reason"):
        unavailable("J", "")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_only_finite_values(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        Quantity(value, "J", "measured")
    for ci95 in ((value, 2.0), (0.0, value), (value, value)):
        with pytest.raises(ValueError, match="interval"):
            Quantity(1.0, "J", "measured", ci95)


def test_an_interval_is_ordered() -> None:
    with pytest.raises(ValueError, match="interval"):
        Quantity(1.0, "J", "measured", (2.0, 1.0))
    assert Quantity(1.0, "J", "measured", (1.0, 1.0)).ci95 == (1.0, 1.0)


def test_only_known_methods() -> None:
    with pytest.raises(ValueError, match="guessed"):
        Quantity(1.0, "J", "guessed")  # type: ignore[arg-type]


def test_methods_from_the_strongest_to_the_weakest() -> None:
    assert list(METHODS) == ORDER


@given(st.lists(st.sampled_from(METHODS), min_size=1))
def test_the_weakest_comes_last_in_the_order(methods: list[Method]) -> None:
    assert ORDER.index(weakest(*methods)) == max(ORDER.index(m) for m in methods)


@pytest.mark.parametrize("pair", [("measured", "modelled"), ("modelled", "measured")])
def test_measured_and_modelled_make_modelled(pair: tuple[Method, Method]) -> None:
    assert weakest(*pair) == "modelled"


@given(quantities(), st.floats(1e-9, 1e9))
def test_scaling_by_hand(quantity: Quantity, factor: float) -> None:
    scaled = quantity.scaled(factor, "kWh")
    assert (scaled.unit, scaled.method, scaled.n, scaled.note) == ("kWh", quantity.method, quantity.n, quantity.note)
    if quantity.value is None:
        assert scaled.value is None
    else:
        assert scaled.value == quantity.value * factor
    assert scaled.ci95 == (None if quantity.ci95 is None else tuple(end * factor for end in quantity.ci95))


def test_a_sum_by_hand() -> None:
    parts = {
        "gpu": Quantity(10.0, "J", "measured", (9.0, 11.0), 3),
        "cpu": Quantity(5.0, "J", "modelled", (3.0, 8.0)),
        "dram": unavailable("J", "no counter"),
    }
    machine = total(parts, "J")
    assert (machine.value, machine.unit, machine.method, machine.ci95) == (15.0, "J", "modelled", (12.0, 19.0))
    assert machine.note == "gpu (measured) + cpu (modelled); without dram (no counter)"


def joules(value: float, *interval: float, method: Method = "measured", note: str = "") -> Quantity:
    return Quantity(value, "J", method, (interval[0], interval[1]) if interval else None, note=note)


def test_a_sum_of_named_parts_by_hand() -> None:
    first, second = joules(10.0, 9.0, 12.0, note="a"), joules(5.0, 4.0, 5.0, method="modelled", note="b")
    assert added({"targets": first, "training": second}, "J") == joules(
        15.0, 13.0, 17.0, method="modelled", note="a; b"
    )
    assert added({"one": first, "two": first}, "J").note == "a"
    assert added({"one": first, "two": joules(5.0)}, "J").ci95 is None, "a part without an interval leaves none"
    assert added({"one": first}, "J") is first
    with pytest.raises(ValueError, match="two is in W, not in J"):
        added({"one": first, "two": Quantity(1.0, "W", "measured")}, "J")


def test_a_sum_of_which_a_part_is_missing_is_missing_and_says_which() -> None:
    parts = {
        "targets": joules(1.0),
        "training": unavailable("J", "no counter"),
        "teacher": unavailable("J", "no record"),
    }
    assert added(parts, "J") == unavailable("J", "training: no counter; teacher: no record")
    same = unavailable("J", "no GPU")
    assert added({"targets": same, "training": same}, "J") == same, "one reason for all of it names no part"
    assert added({"training": same}, "J") == same
    assert added({}, "J") == unavailable("J", "no parts")


def test_a_part_without_an_interval_leaves_the_sum_without_one() -> None:
    parts = {"gpu": Quantity(1.0, "J", "measured", (0.9, 1.1)), "cpu": Quantity(1.0, "J", "measured")}
    assert total(parts, "J").ci95 is None


def test_a_sum_of_nothing_says_why() -> None:
    nothing = total({"gpu": unavailable("J", "no GPU"), "cpu": unavailable("J", "no counter")}, "J")
    assert (nothing.value, nothing.note) == (None, "gpu: no GPU; cpu: no counter")
    assert total({}, "J").method == "unavailable"


@given(st.dictionaries(st.sampled_from(["gpu", "cpu", "dram", "rest"]), quantities(), min_size=1))
def test_a_sum_counts_what_exists_and_claims_no_more_than_its_parts(parts: dict[str, Quantity]) -> None:
    known = [part for part in parts.values() if part.value is not None]
    assume(known)
    whole = total(parts, "J")
    assert whole.value == pytest.approx(math.fsum(part.value or 0.0 for part in known), rel=1e-9, abs=1)
    assert ORDER.index(whole.method) == max(ORDER.index(part.method) for part in known)
    assert (whole.ci95 is None) == any(part.ci95 is None for part in known)
    assert all(name in whole.note for name in parts)
