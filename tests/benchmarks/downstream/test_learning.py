"""One rule for every learning rate: on a valley it finds the bottom, with as few tries as the climb needs."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.downstream.learning import climbed

STEPS = range(-4, 5)


def valley(bottom: int, slopes: list[float]) -> dict[int, float]:
    """Losses by step, rising to both sides of the bottom."""
    return {step: sum(slopes[: abs(step - bottom)]) + 1.0 for step in range(-9, 10)}


class Trial:
    """Gives the losses of a table by the step that a rate is of, and counts."""

    def __init__(self, losses: dict[int, float], start: float) -> None:
        self.losses, self.start, self.asked = losses, start, list[int]()

    def __call__(self, rate: float) -> float:
        step = round(2 * math.log10(rate / self.start))
        assert rate == pytest.approx(self.start * 10 ** (step / 2))
        self.asked.append(step)
        return self.losses[step]


@given(st.integers(-6, 6), st.lists(st.floats(0.01, 9), min_size=16, max_size=16), st.sampled_from([1e-2, 3e-4, 1.0]))
def test_the_bottom_of_a_valley_is_found(bottom: int, slopes: list[float], start: float) -> None:
    """The best of the nine rates within two powers of ten, after the climb to it, one rate beyond and one to turn."""
    losses = valley(bottom, slopes)
    trial = Trial(losses, start)
    rate, tried = climbed(trial, start)
    best = min(STEPS, key=losses.__getitem__)
    assert rate == pytest.approx(start * 10 ** (best / 2))
    assert tried[rate] == losses[best] == min(tried.values())
    needed = set(range(min(best + 1, 4) + 1)) if best > 0 else set(range(max(best - 1, -4), 2))
    assert sorted(trial.asked) == sorted(needed), "each once"
    assert [tried[r] for r in sorted(tried)] == [losses[step] for step in sorted(needed)]


@given(
    st.integers(-4, 4),
    st.integers(-4, 6),
    st.sampled_from([math.nan, math.inf]),
    st.lists(st.floats(0.01, 9), min_size=16, max_size=16),
)
def test_a_loss_that_is_not_finite_never_wins(bottom: int, first: int, broken: float, slopes: list[float]) -> None:
    """From some rate on learning diverges, be it below the start: the best of the rates that are left is found."""
    losses = {step: broken if step >= first else loss for step, loss in valley(bottom, slopes).items()}
    rate, tried = climbed(Trial(losses, 1.0), 1.0)
    finite = [step for step in STEPS if step < first]
    if finite:
        assert rate == pytest.approx(10 ** (min(finite, key=losses.__getitem__) / 2))
        assert math.isfinite(tried[rate])
    assert not any(math.isnan(loss) for loss in tried.values())


def test_equal_losses_stay_with_the_start() -> None:
    assert climbed(lambda _: 2.0, 0.1)[0] == 0.1


@pytest.mark.parametrize(("bottom", "asked"), [(3, [0, 1]), (-3, [0, 1]), (0, [0, 1])])
def test_without_time_for_more_the_better_of_two_is_taken(bottom: int, asked: list[int]) -> None:
    trial = Trial(valley(bottom, [1.0] * 16), 1.0)
    rate, tried = climbed(trial, 1.0, lambda: False)
    assert sorted(trial.asked) == asked
    assert tried[rate] == min(tried.values())
