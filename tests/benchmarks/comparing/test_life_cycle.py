"""Projections and ledgers by hand, and the hours at break-even."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.comparing.life_cycle import before_use, break_even, break_even_of, life_cost
from ssl_benchmarks.comparing.projection import paper_work, project, projected_hours, recipe_work
from ssl_benchmarks.energy.carbon import given_intensity
from ssl_benchmarks.record.details.life import Life, LifeCost
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_models.recipes import RECIPES

LIFE = Life(finetunings=2, finetuning_hours=10.0, inference_hours=1000.0)


def joules(value: float, half: float = 0.0) -> Quantity:
    return Quantity(value, "J/h", "measured", (value - half, value + half))


def cost(model: str, before: float, use: float, half: float = 0.0) -> LifeCost:
    pretraining = Quantity(before, "J", "projected", (before - half, before + half))
    return life_cost(model, pretraining, joules(0.0), joules(use), Life(0, 0.0, 100.0))


def test_a_projection_by_hand() -> None:
    """18,000 h at 1,000 × real time [900, 1125] are 18 h [16, 20] on the device, 3.6 MJ = 1 kWh at 200 J an hour, 56 g, 36 units."""
    rate = Quantity(1000.0, "s/s", "measured", (900.0, 1125.0), 3)
    per_hour = Quantity(200.0, "J/h", "measured", (190.0, 210.0))
    found = project("m", paper_work(), rate, per_hour, grid=given_intensity(56.0), pue=2.0, price_per_hour=2.0)
    assert found.device_hours.value == pytest.approx(18.0)
    assert found.device_hours.ci95 == pytest.approx((16.0, 20.0))
    assert found.energy.value == pytest.approx(3.6e6)
    assert found.energy.ci95 == pytest.approx((3.42e6, 3.78e6))
    assert found.co2e.value == pytest.approx(112.0)
    assert found.price is not None
    assert found.price.value == pytest.approx(36.0)
    assert found.price.unit == "price units"
    assert {found.device_hours.method, found.energy.method, found.co2e.method, found.price.method} == {"projected"}
    assert "18,000 h of audio" in found.device_hours.note


def test_no_projection_without_a_recipe_or_a_rate() -> None:
    rate, per_hour = Quantity(1000.0, "s/s", "measured"), joules(200.0)
    for recipe, words in ((None, "no recipe"), (RECIPES["wavlm-base"], "could not be looked up")):
        found = project("m", recipe_work(recipe), rate, per_hour, grid=None, pue=1.0, price_per_hour=1.0)
        for quantity in (found.device_hours, found.energy, found.co2e, found.price):
            assert quantity is not None
            assert quantity.value is None
            assert words in quantity.note
    dead = unavailable("s/s", "out of memory")
    found = project(
        "m", paper_work(), dead, unavailable("J/h", "out of memory"), grid=None, pue=1.0, price_per_hour=None
    )
    assert (found.device_hours.value, found.device_hours.note, found.price) == (None, "out of memory", None)


def test_a_modelled_rate_has_no_interval_when_projected() -> None:
    per_hour = Quantity(200.0, "J/h", "modelled")
    found = project(
        "m", paper_work(), Quantity(1.0, "s/s", "measured"), per_hour, grid=None, pue=1.0, price_per_hour=None
    )
    assert found.energy.ci95 is None
    assert "modelled rate, which has no interval" in found.energy.note
    assert found.co2e.value is None


@pytest.mark.parametrize(
    ("ends", "hours"),
    [
        ((0.0, 2.0), None), ((-0.5, 2.0), None), ((0.5, 2.0), (9_000.0, 36_000.0)), ((1.0, 1.0), (18_000.0, 18_000.0)),
    ],
)  # fmt: skip
def test_a_rate_that_may_be_none_at_all_leaves_the_projected_hours_without_an_interval(
    ends: tuple[float, float], hours: tuple[float, float] | None
) -> None:
    """18,000 h at once real time, or at half or twice that."""
    found = projected_hours(Quantity(1.0, "s/s", "measured", ends), paper_work())
    assert (found.value, found.ci95) == (18_000.0, hours)
    assert ("which has no interval" in found.note) == (hours is None)


def test_a_life_by_hand() -> None:
    """1000 J + 2 x 10 h x 5 J/h + 1000 h x 1 J/h = 2100 J; the ends add up."""
    pretraining = Quantity(1000.0, "J", "projected", (900.0, 1100.0))
    found = life_cost("m", pretraining, joules(5.0, 1.0), joules(1.0, 0.1), LIFE)
    parts = (found.pretraining, found.finetuning, found.inference, found.total)
    assert [part.value for part in parts] == [1000.0, 100.0, 1000.0, 2100.0]
    assert found.total.ci95 == (900 + 80 + 900, 1100 + 120 + 1100)
    assert found.total.method == "projected"


def test_a_teachers_share_is_paid_before_use() -> None:
    """500 J of it on the 2100 J of before; who taught unrecorded leaves no sum."""
    pretraining, teacher = Quantity(1000.0, "J", "measured"), Quantity(500.0, "J", "measured")
    found = life_cost("m", pretraining, joules(5.0), joules(1.0), LIFE, teacher=teacher)
    assert (found.total.value, before_use(found).value) == (2600.0, 1600.0)
    lost = life_cost(
        "m", pretraining, joules(5.0), joules(1.0), LIFE, teacher=unavailable("J", "no record of its teacher")
    )
    assert (lost.total.value, lost.total.note) == (None, "teacher: no record of its teacher")


def test_a_life_with_a_missing_part_has_no_total() -> None:
    found = life_cost("m", unavailable("J", "no recipe"), joules(5.0), joules(1.0), LIFE)
    assert (found.total.value, found.total.note) == (None, "pretraining: no recipe")
    assert found.inference.value == 1000.0


def test_break_even_by_hand() -> None:
    """300 J more to train, 3 J an hour less to use: after 100 h. With 30 J of doubt about each training: 80 to 120 h."""
    who, hours = break_even_of(cost("dear", 400.0, 1.0, 30.0), cost("cheap", 100.0, 4.0, 30.0))
    assert who == "dear"
    assert hours.value == pytest.approx(100.0)
    assert hours.ci95 == pytest.approx((80.0, 120.0))


def test_break_even_by_hand_with_doubts_in_both_differences() -> None:
    """300 J [200, 360] owed at 3 J an hour [2, 5] saved: 100 h, at the least 200 / 5, at the most 360 / 2."""
    one, other = (
        life_cost("m", Quantity(before, "J", "projected", ci95), joules(0.0), Quantity(use, "J/h", "measured", ends), Life(0, 0.0, 1.0))
        for before, ci95, use, ends in (
            (400.0, (320.0, 450.0), 1.0, (0.0, 1.5)), (100.0, (90.0, 120.0), 4.0, (3.5, 5.0)),
        )
    )  # fmt: skip
    assert break_even(one, other).ci95 == pytest.approx((200 / 5, 360 / 2))
    assert break_even(one, other).note == ""


@pytest.mark.parametrize(("before", "use"), [((100.0, 450.0), (0.0, 1.0)), ((320.0, 450.0), (0.0, 3.5))])
def test_a_difference_that_may_just_be_none_leaves_no_interval(
    before: tuple[float, float], use: tuple[float, float]
) -> None:
    """100 J against 100 J before use, or 3.5 J against 3.5 J an hour."""
    dear = life_cost("m", Quantity(400.0, "J", "projected", before), joules(0.0), Quantity(0.5, "J/h", "measured", use), Life(0, 0.0, 1.0))  # fmt: skip
    cheap = life_cost("m", Quantity(90.0, "J", "projected", (80.0, 100.0)), joules(0.0), Quantity(4.0, "J/h", "measured", (3.5, 5.0)), Life(0, 0.0, 1.0))  # fmt: skip
    hours = break_even(dear, cheap)
    assert hours.value == pytest.approx(310 / 3.5)
    assert hours.ci95 is None
    assert "may be zero" in hours.note


@pytest.mark.parametrize("unknown", ["before", "use"])
def test_a_difference_of_which_no_interval_is_known_leaves_none(unknown: str) -> None:
    before = Quantity(400.0, "J", "projected", None if unknown == "before" else (390.0, 410.0))
    use = Quantity(1.0, "J/h", "measured", None if unknown == "use" else (0.9, 1.1))
    dear = life_cost("m", before, joules(0.0), use, Life(0, 0.0, 1.0))
    hours = break_even(dear, cost("cheap", 100.0, 4.0))
    assert (hours.value, hours.ci95, hours.note) == (
        pytest.approx(100.0),
        None,
        "no interval: not known for both differences",
    )


def test_differences_below_one_have_an_interval_like_any_other() -> None:
    """0.8 J [0.4, 1.2] owed at 0.5 J an hour [0.5, 0.5] saved."""
    hours = break_even(cost("dear", 1.0, 0.5, 0.2), cost("cheap", 0.2, 1.0, 0.2))
    assert hours.ci95 == pytest.approx((0.8, 2.4))


def test_a_part_that_is_missing_keeps_the_ledgers_unit_and_its_reason() -> None:
    found = life_cost("m", Quantity(1.0, "J", "measured"), unavailable("J/h", "no step"), joules(1.0), LIFE)
    assert (found.finetuning.unit, found.finetuning.note) == ("J", "no step")
    assert (found.total.unit, found.total.note) == ("J", "fine-tuning: no step")


def test_flaws_of_both_models_come_along_before_use_first() -> None:
    dear, cheap = cost("dear", 400.0, 1.0), cost("cheap", 100.0, 4.0)
    dear = replace(dear, per_hour=replace(dear.per_hour, flaw="not steady"))
    cheap = replace(cheap, pretraining=replace(cheap.pretraining, flaw="disturbed"))
    assert break_even(dear, cheap).flaw == "disturbed; not steady"
    assert break_even(replace(dear, pretraining=replace(dear.pretraining, flaw="stopped")), cheap).flaw == "stopped; disturbed; not steady"  # fmt: skip


def test_no_hours_cost_nothing_and_fine_tuning_is_counted_by_its_hours() -> None:
    found = life_cost("m", Quantity(10.0, "J", "projected", (9.0, 11.0)), joules(5.0, 1.0), joules(1.0, 0.1), Life(3, 0.0, 0.0))  # fmt: skip
    assert (found.finetuning.value, found.finetuning.ci95) == (0.0, (0.0, 0.0))
    assert (found.inference.value, found.inference.ci95) == (0.0, (0.0, 0.0))
    assert (found.total.value, found.total.ci95) == (10.0, (9.0, 11.0))


def test_costs_that_are_equal_before_use_or_in_use_are_never_paid_back() -> None:
    assert break_even(cost("a", 100.0, 1.0), cost("b", 100.0, 4.0)).value is None
    assert break_even(cost("a", 400.0, 1.0), cost("b", 100.0, 1.0)).value is None
    assert (
        "does not make up for its higher training cost" in break_even(cost("a", 400.0, 1.0), cost("b", 100.0, 1.0)).note
    )


def test_a_model_that_costs_nothing_before_use_is_overtaken_too() -> None:
    """Half a joule more before use, a quarter less an hour: two hours, whichever is named first."""
    cheap, dear = (
        life_cost("m", joules(before), joules(0.0), joules(use), Life(0, 0.0, 1.0))
        for before, use in ((0.0, 1.25), (0.5, 1.0))
    )
    cheap, dear = replace(cheap, model="cheap"), replace(dear, model="dear")
    for pair in ((cheap, dear), (dear, cheap)):
        who, hours = break_even_of(*pair)
        assert (who, hours.value) == ("dear", 2.0)


def test_a_life_is_a_thousand_hours_heard_once_and_a_million_in_use() -> None:
    """Fine-tuning at 5 J an hour and use at 2 J: 5 kJ and 2 MJ, unless the user says otherwise."""
    found = life_cost("m", joules(0.0), joules(5.0), joules(2.0), Life())
    assert (found.finetuning.value, found.inference.value) == (5e3, 2e6)


def test_a_model_that_is_cheaper_all_along_is_never_overtaken() -> None:
    who, hours = break_even_of(cost("good", 100.0, 1.0), cost("bad", 400.0, 4.0))
    assert (who, hours.value) == (None, None)
    assert "none: good costs no more" in hours.note
    who, hours = break_even_of(
        cost("good", 100.0, 1.0), life_cost("x", unavailable("J", "no recipe"), joules(1), joules(1), LIFE)
    )
    assert (who, hours.value, hours.note) == (None, None, "pretraining: no recipe")


def test_two_that_may_be_equal_have_no_interval() -> None:
    _, hours = break_even_of(cost("dear", 400.0, 1.0, 300.0), cost("cheap", 100.0, 4.0, 300.0))
    assert hours.value == pytest.approx(100.0)
    assert hours.ci95 is None


@given(*[st.floats(1.0, 1e9) for _ in range(4)])
def test_at_break_even_both_have_cost_the_same(t1: float, u1: float, t2: float, u2: float) -> None:
    one, other = cost("one", t1, u1), cost("other", t2, u2)
    who, hours = break_even_of(one, other)
    assert break_even_of(other, one)[1].value == hours.value or t1 == t2
    if who is None:
        assert (t1 - t2) * (u1 - u2) >= 0
    else:
        assert hours.value is not None
        assert t1 + hours.value * u1 == pytest.approx(t2 + hours.value * u2)
