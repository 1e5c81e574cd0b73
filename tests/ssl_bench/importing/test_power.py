"""Integrals of sampled power, against hand-worked sums and numpy's trapezoids; gaps add nothing and are said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_bench.importing.power import counted, integrated
from ssl_benchmarks.record.flaws import PARTLY_SAMPLED
from ssl_models.errors import BadInputError

SAID = "imported from x"


def ramp(start: float, count: int, watts: float = 100.0, slope: float = 0.0) -> list[tuple[float, float]]:
    """A sample every 10 s."""
    return [(start + 10 * k, watts + slope * k) for k in range(count)]


def test_samples_over_the_whole_time_are_trapezoids() -> None:
    """100, 110, ..., 150 W at 0, 10, ..., 50 s: 50 s at 125 W on average."""
    found = integrated({"gpu": ramp(0, 6, slope=10.0)}, (0.0, 50.0), SAID)
    assert (found.value, found.method, found.flaw) == (pytest.approx(6250.0), "sampled", "")
    assert found.note == "imported from x: 6 samples of gpu, 10 s apart, over 100 % of the time"


def test_the_ends_are_held_for_an_interval_and_no_longer() -> None:
    """Samples from 8 s to 58 s of 65 s: 8 s and 7 s at the ends are within an interval; of 30 s before, 10 s count."""
    assert integrated({"gpu": ramp(8, 6)}, (0.0, 65.0), SAID).value == pytest.approx(6500.0)
    late = integrated({"gpu": ramp(30, 6)}, (0.0, 80.0), SAID)
    assert (late.value, late.flaw) == (pytest.approx(6000.0), PARTLY_SAMPLED)
    assert "over 75 % of the time" in late.note


@pytest.mark.parametrize(("pause", "counts"), [(30.0, 30.0), (30.1, 10.0), (3600.0, 10.0)])
def test_a_long_gap_counts_as_one_interval(pause: float, counts: float) -> None:
    """Three usual intervals are bridged; in a longer pause nobody knows the power."""
    samples = [*ramp(0, 6), *ramp(50 + pause, 6)]
    found = integrated({"gpu": samples}, (0.0, 100 + pause), SAID)
    assert found.value == pytest.approx(100.0 * (100 + counts))
    assert bool(found.flaw) == ((100 + counts) / (100 + pause) < 0.95)


def test_devices_add_up_and_the_least_sampled_is_said() -> None:
    found = integrated({"gpu 0": ramp(0, 11), "gpu 1": ramp(0, 6, watts=50.0)}, (0.0, 100.0), SAID, "all of them")
    assert found.value == pytest.approx(10_000 + 50 * 60)
    assert "6 samples of each of 2 devices, 10 s apart, over 60 % of the time; all of them" in found.note
    assert found.flaw == PARTLY_SAMPLED


@pytest.mark.parametrize(
    "samples",
    [[], [(5.0, 100.0)], [(5.0, 100.0), (6.0, math.nan)], [(-5.0, 1.0), (200.0, 1.0)], [(5.0, 1.0), (5.0, 2.0)]],
    ids=["none", "one", "one number", "outside", "at once"],
)
def test_too_few_samples_are_no_energy(samples: list[tuple[float, float]]) -> None:
    for of in (integrated, counted):
        assert of({"gpu": samples}, (0.0, 100.0), SAID).note == "imported from x: too few samples of gpu"
    assert integrated({"a": ramp(0, 11), "b": samples}, (0.0, 100.0), SAID).value is None
    assert integrated({}, (0.0, 100.0), SAID).value is None


@pytest.mark.parametrize("watts", [-1.0, math.inf])
def test_powers_that_cannot_be_are_refused(watts: float) -> None:
    with pytest.raises(BadInputError, match=r"gpu: (-1|inf) is not a finite number"):
        integrated({"gpu": [*ramp(0, 3), (40.0, watts)]}, (0.0, 100.0), SAID)


def test_a_counter_is_its_difference_and_no_more() -> None:
    """500 J to 1,500 J between 5 s and 95 s of 100 s; a counter that starts anew has no difference."""
    samples = [(5.0, 500.0), (50.0, 1200.0), (95.0, 1500.0)]
    found = counted({"a": samples, "b": samples}, (0.0, 100.0), SAID)
    assert (found.value, found.method, found.flaw) == (2000.0, "measured", PARTLY_SAMPLED)
    assert "over 90 % of the time" in found.note
    assert counted({"a": [*samples, (96.0, 3.0)]}, (0.0, 100.0), SAID).value is None


@given(st.lists(st.floats(0, 1e4), min_size=2, max_size=30), st.permutations(range(30)))
def test_regular_samples_in_any_order_agree_with_numpy(watts: list[float], order: list[int]) -> None:
    samples = [(float(k), power) for k, power in enumerate(watts)]
    shuffled = [samples[k] for k in order if k < len(samples)]
    found = integrated({"gpu": shuffled}, (0.0, float(len(watts) - 1)), SAID)
    assert found.value == pytest.approx(float(np.trapezoid(watts)))
