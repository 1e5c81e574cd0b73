"""Times of parts of a command against hand-worked values, by a clock that stands still until it is set."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ssl_bench.sessions.run_folder import TrainingState
from ssl_bench.sessions.time_limit import TimeIsUpError, TimeLimit, time_of_day
from ssl_bench.settings.studying import StudyConfig
from ssl_bench.settings.training import TrainAndMeasureConfig
from ssl_bench.studying.plan import Plan
from ssl_bench.studying.time import evaluation_seconds, study_seconds
from ssl_bench.training import ledger as ledger_module
from ssl_bench.training.after_training import seconds_after, untrained_because, without_report
from ssl_bench.training.attempts import Attempt
from ssl_bench.training.ledger import Ledger
from ssl_benchmarks.energy.phase_cost import PhaseCost
from ssl_benchmarks.record.quantity import unavailable

UNKNOWN = unavailable("J", "not metered")
SCOPES = ("gpu", "cpu", "dram", "machine")


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def spent(seconds: float) -> PhaseCost:
    return PhaseCost(seconds, dict.fromkeys(SCOPES, UNKNOWN), dict.fromkeys(SCOPES, UNKNOWN))


def test_a_limit_is_spent_and_over_by_its_clock() -> None:
    clock = Clock()
    limit = TimeLimit.of(20.0, clock)
    clock.now += 5
    assert (limit.left, limit.spent) == (15.0, 0.25)
    limit.check()
    clock.now += 15
    assert (limit.left, limit.spent) == (0.0, 1.0)
    with pytest.raises(TimeIsUpError):
        limit.check()
    assert TimeLimit.of(0.0, clock).spent == 1.0


def test_a_part_begins_now_and_ends_no_later_than_the_whole() -> None:
    clock = Clock()
    limit = TimeLimit(20.0, 90.0, clock)
    assert limit.part(4.0).left == 4.0
    assert limit.part(99.0).left == limit.left == 10.0
    clock.now += 11
    assert limit.part(4.0).left == 0.0


def test_the_time_of_day_is_that_of_the_clock_on_the_wall() -> None:
    before = datetime.now().astimezone()
    at = time_of_day(90.0)
    later = {(moment + timedelta(seconds=90)).strftime("%H:%M") for moment in (before, datetime.now().astimezone())}
    assert at in later


@pytest.mark.parametrize(
    ("asked", "trained", "seconds"),
    [
        ({"minutes": 3.0}, None, 180.0),
        ({"minutes": 3.0, "evaluate_minutes": 0.5}, None, 30.0),
        ({"steps": 9}, None, None),
        ({"steps": 9}, 5.0, 120.0),
        ({"steps": 9}, 700.0, 700.0),
        ({"minutes": 3.0, "evaluate": False}, None, 120.0),
        ({"minutes": 0.5, "evaluate": False}, None, 30.0),
    ],
    ids=["as long again", "asked for", "not known yet", "at least two minutes", "as it took", "no evaluation", "short"],
)
def test_what_follows_a_training_has_a_limit(asked: dict[str, Any], trained: float | None, seconds: float) -> None:
    assert seconds_after(TrainAndMeasureConfig(**asked).resolved(cuda=False), trained) == seconds


def test_the_report_keeps_some_of_the_time() -> None:
    """Three times what counting took, a fifth of all at most."""
    clock = Clock()
    limit = TimeLimit.of(100.0, clock)
    assert without_report(limit, 2.0).left == 94.0
    assert without_report(limit, 60.0).left == 80.0


def test_a_training_without_a_step_says_where_its_time_went() -> None:
    job = SimpleNamespace(start_up=7.2, attempts=[Attempt(1, "t", {"targets": spent(9.0)})])
    why = untrained_because(cast("Any", job))
    assert why.startswith("before the first step")
    assert "start-up took 7 s, targets 9 s" in why


def ledger(
    monkeypatch: pytest.MonkeyPatch, attempts: list[Attempt], state: TrainingState, clock: Clock, start_up: float = 12.0
) -> Ledger:
    """Two minutes, some of which the call had taken when its meter began."""
    monkeypatch.setattr(ledger_module, "time", SimpleNamespace(monotonic=clock))
    live = SimpleNamespace(energy=dict.fromkeys(SCOPES, UNKNOWN))
    meter = cast("Any", SimpleNamespace(live=lambda: live))
    config = TrainAndMeasureConfig(device="cpu", minutes=2.0)
    return Ledger(attempts, config, meter, state, began=clock.now - start_up)


def test_the_schedule_begins_with_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start-up took 12 s of 120, targets 18: of the 90 that are left half is over after 45 s of training."""
    clock, state = Clock(), TrainingState()
    found = ledger(monkeypatch, [Attempt(1, "t")], state, clock)
    assert found.progress(state) == pytest.approx(0.1)
    clock.now += 18
    found.begin_training(state)
    assert found.progress(state) == 0.0
    clock.now += 45
    assert found.progress(state) == pytest.approx(0.5)
    assert found.left(state)[0] == pytest.approx(45.0)
    clock.now += 45
    assert found.progress(state) == 1.0


def test_a_resumed_training_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Targets took 20 s and training 40 before; with a start-up of 12 s there are 48 of the 100 s for training."""
    clock, state = Clock(), TrainingState(7, 0, 70.0)
    before = Attempt(1, "t", {"targets": spent(20.0), "training": spent(40.0)})
    found = ledger(monkeypatch, [before, Attempt(2, "t")], state, clock)
    found.begin_training(state)
    assert found.progress(state) == pytest.approx((60 + 12 - 20) / 100)
    clock.now += 24
    assert found.left(state)[0] == pytest.approx(24.0)


def test_a_step_that_would_not_fit_by_half_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of 16 s: 12 s hold more than half of one, 7 s do not."""
    clock, state = Clock(), TrainingState()
    found = ledger(monkeypatch, [Attempt(1, "t")], state, clock)
    found.begin_training(state)
    clock.now += 96
    state.step = 6
    assert found.progress(state) == pytest.approx(96 / 108)
    clock.now += 5
    state.step = 7
    assert found.progress(state) == 1.0


def test_a_slow_start_up_leaves_half_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, state = Clock(), TrainingState()
    assert ledger(monkeypatch, [Attempt(1, "t")], state, clock, 300.0).progress(state) == pytest.approx(0.5)


def test_a_budget_that_start_up_took_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, state = Clock(), TrainingState()
    found = ledger(monkeypatch, [Attempt(1, "t")], state, clock)
    clock.now += 200
    found.begin_training(state)
    assert found.progress(state) == 1.0


def test_a_study_takes_what_its_runs_and_its_evaluation_may() -> None:
    """Four runs of three minutes, two at most for what follows each, one ended; then twelve, or what was asked for."""
    config = StudyConfig(("a", "b"), seeds=2, evaluation=cast("Any", object()))
    shared = TrainAndMeasureConfig(minutes=3.0)
    plans = {name: Plan({}, 1.0) for name in ("a", "b")}
    assert study_seconds(config, shared, plans, {("a", 0)}) == 3 * (180 + 120) + 4 * 180
    asked = TrainAndMeasureConfig(minutes=3.0, evaluate_minutes=1.0)
    assert study_seconds(config, asked, plans, ()) == 4 * (180 + 120) + 60
    equal = {name: Plan({"minutes": 1.0}, 1.0) for name in ("a", "b")}
    assert study_seconds(config, shared, equal, ()) == 4 * (60 + 60) + 4 * 60


def test_a_study_of_joules_tells_no_end_and_evaluates_as_long_as_it_trained() -> None:
    config = StudyConfig(("a",), seeds=2, evaluation=cast("Any", object()))
    shared, plans = TrainAndMeasureConfig(minutes=2.0), {"a": Plan({"kwh": 1.0}, 1.0)}
    assert study_seconds(config, shared, plans, ()) is None
    attempt = Attempt(1, "t", {"targets": spent(40.0), "training": spent(160.0)}).document()
    records = {("a", seed): cast("Any", SimpleNamespace(details={"attempts": [attempt]})) for seed in (0, 1)}
    assert evaluation_seconds(config, shared, plans, records) == 400.0
    assert evaluation_seconds(config, shared, plans, {}) == 120.0
