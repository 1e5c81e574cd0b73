"""A study's rows: means over seeds against numpy and scipy, and what cannot be averaged says so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_bench.studying.plan import spent
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_benchmarks.record.seed_rows import mean_over_seeds, study_rows


@given(st.lists(st.integers(-(10**6), 10**6).map(lambda n: n / 7), min_size=2, max_size=9, unique=True))
def test_the_mean_and_its_interval_are_scipys(values: list[float]) -> None:
    import scipy.stats

    quantity = mean_over_seeds({seed: Quantity(value, "J", "measured") for seed, value in enumerate(values)})
    error = scipy.stats.sem(values)
    low, high = scipy.stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=error)
    assert quantity.value == pytest.approx(np.mean(values), rel=1e-9, abs=1e-6)
    assert quantity.ci95 == pytest.approx((low, high), rel=1e-6, abs=1e-6)
    assert quantity.n == len(values)


def test_two_seeds_by_hand() -> None:
    """1 and 3: mean 2, standard error 1, Student's 12.706 of one degree of freedom; the weaker method counts."""
    quantity = mean_over_seeds({4: Quantity(1.0, "J", "measured", note="RAPL"), 5: Quantity(3.0, "J", "sampled")})
    assert quantity.value == 2.0
    assert quantity.ci95 == pytest.approx((2 - 12.7062, 2 + 12.7062), abs=1e-4)
    assert quantity.method == "sampled"
    assert quantity.note == "mean of 1 (seed 4), 3 (seed 5); RAPL"


@pytest.mark.parametrize("values", [(99.3, 100.2, 101.1), (1.0, 3.0), (5.0, 5.0)])
def test_a_modelled_figure_has_no_interval_over_seeds(values: tuple[float, ...]) -> None:
    """The error of its model is the same in every seed, so their scatter does not show it."""
    quantity = mean_over_seeds({seed: Quantity(value, "J", "modelled") for seed, value in enumerate(values)})
    assert (quantity.value, quantity.ci95) == (pytest.approx(sum(values) / len(values)), None)


def test_one_seed_and_equal_figures_keep_their_own_interval() -> None:
    own = Quantity(2.0, "J", "measured", (1.5, 2.5), 7, "counter")
    assert mean_over_seeds({0: own}) == own
    assert mean_over_seeds({0: own, 1: own, 2: own}) == own


def test_a_seed_without_a_figure_leaves_none() -> None:
    gone = unavailable("J", "counter lost")
    partly = mean_over_seeds({0: Quantity(2.0, "J", "measured"), 1: gone})
    assert (partly.value, partly.note) == (None, "of seed 1: counter lost")
    assert mean_over_seeds({0: gone, 1: gone}) == gone


def record(model: str, seed: int, loss: float, batch: float = 8.0) -> Record:
    """A run with two phases: 36 J in 90 s of targets and training, an hour processed at 2 GFLOP per second."""
    held = Conditions(device="cpu", batch_seconds=batch)
    rows = (
        Measurement(model, "loss", Quantity(loss, "nat", "measured"), "training", None, held),
        Measurement(model, "duration", Quantity(60.0, "s", "measured"), "training", None, held),
        Measurement(model, "duration", Quantity(30.0, "s", "measured"), "targets", None, held),
        Measurement(model, "audio_hours_seen", Quantity(1.0, "h", "measured"), "training", None, held),
        Measurement(model, "flops_per_audio_second", Quantity(2e9, "FLOP/s", "analytic"), "training", None, held),
    )
    phase = {"energy": {"machine": as_document(Quantity(18.0, "J", "modelled"))}, "energy_net": {}}
    attempt = {
        "number": 1, "started": "t", "steps": 3, "audio_seconds": 3600.0, "data_wait": 0.0, "note": "",
        "phases": {"targets": {"seconds": 30.0, **phase}, "training": {"seconds": 60.0, **phase}},
    }  # fmt: skip
    return Record(
        "r",
        "t",
        "finished",
        "c",
        {"device": "cpu", "seed": seed},
        {},
        rows,
        {},
        {"attempts": [attempt]},
        kind="training",
    )


def as_document(quantity: Quantity) -> dict[str, object]:
    from dataclasses import asdict

    return asdict(quantity)


def test_models_stand_apart_and_what_failed_is_said() -> None:
    finished = {("a", 0): record("a", 0, 2.0), ("b", 0): record("b", 0, 5.0), ("a", 1): record("a", 1, 4.0)}
    failed = {("b", 1): "out of memory", ("c", 0): "not built", ("c", 1): "not built"}
    rows = study_rows(("a", "b", "c"), finished, failed, "machine")
    losses = {row.model: row.quantity for row in rows if row.metric == "loss"}
    assert losses["a"].value == 3.0
    assert losses["b"].value == 5.0
    assert losses["b"].note == "seed 1 failed: out of memory"
    assert (losses["c"].value, losses["c"].note) == (None, "not built")
    lengths = {(row.model, row.phase): row.quantity.value for row in rows if row.metric == "duration"}
    assert lengths == {(m, p): s for m in "ab" for p, s in (("training", 60.0), ("targets", 30.0))} | {
        ("c", "training"): None
    }
    assert {row.scope for row in rows if row.model == "c" and row.metric == "energy"} == {"machine"}


def test_figures_under_other_conditions_are_not_averaged() -> None:
    rows = study_rows(("a",), {("a", 0): record("a", 0, 2.0), ("a", 1): record("a", 1, 4.0, batch=16.0)}, {}, "machine")
    assert [row.quantity.value for row in rows if row.metric == "loss"] == [2.0, 4.0]


@pytest.mark.parametrize(
    ("equal", "budget", "share"),
    [
        ("joules", 40.0, 0.9),
        ("minutes", 1.5, 1.0),
        ("audio-hours", 0.5, 2.0),
        ("flops", 7.2e12, 1.0),
        (None, None, None),
    ],
)
def test_what_a_run_spent_of_its_budget_by_hand(equal: str | None, budget: float | None, share: float | None) -> None:
    """36 J, 1.5 minutes, 1 h, 3600 x 2 GFLOP."""
    found = spent(record("a", 0, 2.0), equal, budget)  # type: ignore[arg-type]
    assert found["of_budget"] == (None if share is None else pytest.approx(share))
    assert (found["joules"], found["minutes"], found["audio_hours"], found["flops"]) == (36.0, 1.5, 1.0, 7.2e12)
    assert (found["joules_method"], found["steps"]) == ("modelled", 3)
