"""What a killed attempt did is charged, what of it was lost is reported, and the curve is that of the steps that count."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ssl_bench.sessions.curve import standing
from ssl_bench.sessions.run_folder import RunFolder, TrainingState
from ssl_bench.training import ledger as ledger_module
from ssl_bench.training.attempts import Attempt, lost_cost, recovered, with_lost_work
from ssl_bench.training.ledger import Ledger
from ssl_bench.training.step_metrics import StepMetrics
from ssl_benchmarks.energy.phase_cost import SCOPES, PhaseCost, not_net
from ssl_benchmarks.record.quantity import Quantity, unavailable

NET = not_net("none here")


def cost(seconds: float, joules: float) -> PhaseCost:
    energy = dict.fromkeys(SCOPES, Quantity(joules, "J", "measured", note="RAPL"))
    return PhaseCost(seconds, energy | {"gpu": unavailable("J", "no GPU")}, NET)


def attempt(number: int, *, steps: int = 0, **phases: PhaseCost) -> Attempt:
    return Attempt(number, "t", phases, steps, audio_seconds=8.0 * steps)


def test_what_came_after_the_checkpoint_is_lost() -> None:
    whole = attempt(2, steps=30, targets=cost(3, 30), training=cost(20, 200))
    told = with_lost_work(whole, attempt(2, steps=18, targets=cost(3, 30), training=cost(12, 130)))
    assert set(told.lost) == {"training"}, "the targets are in the checkpoint"
    assert (told.lost["training"].seconds, told.lost["training"].energy["machine"].value) == (8, 70)
    assert told.lost["training"].energy["gpu"].value is None
    assert (told.lost_steps, told.lost_audio_seconds) == (12, 96.0)
    assert told.phases == whole.phases, "and is part of the bill"


def test_an_attempt_that_no_checkpoint_holds_is_lost_whole() -> None:
    whole = attempt(2, steps=4, targets=cost(3, 30), training=cost(5, 50))
    for kept in (None, attempt(1, steps=9, targets=cost(3, 30), training=cost(5, 50))):
        told = with_lost_work(whole, kept)
        assert told.lost == whole.phases
        assert told.lost_steps == 4


def test_an_attempt_that_ended_with_a_checkpoint_lost_nothing() -> None:
    whole = attempt(1, steps=30, targets=cost(3, 30), training=cost(20, 200))
    told = with_lost_work(whole, Attempt.from_document(json.loads(json.dumps(whole.document()))))
    assert told == whole


def test_losses_add_up_and_come_back_from_json() -> None:
    lost = [with_lost_work(attempt(n, steps=2, training=cost(n, 10 * n)), None) for n in (1, 2)]
    whole = lost_cost([*lost, attempt(3)], "training")
    assert whole is not None
    assert (whole.seconds, whole.energy["cpu"].value) == (3, 30)
    assert lost_cost(lost, "targets") is None
    assert [Attempt.from_document(json.loads(json.dumps(a.document()))) for a in lost] == lost


def test_a_record_of_before_has_no_lost_work() -> None:
    document = attempt(1, training=cost(1, 1)).document()
    for key in ("lost", "lost_steps", "lost_audio_seconds"):
        del document[key]
    assert Attempt.from_document(document) == attempt(1, training=cost(1, 1))


def test_the_last_bill_is_taken_where_it_is_the_latest() -> None:
    """A step may take minutes, and a line of metrics comes after many of them."""
    known = attempt(2, steps=5, targets=cost(3, 30), training=cost(7, 70))
    bill = attempt(2, steps=9, targets=cost(3, 30), training=cost(12, 120)).document()
    found = recovered(known, [], bill)
    assert (found.steps, found.seconds, found.joules("cpu")) == (9, 15, 150)
    assert "killed" in found.note
    assert found.phases["targets"] == known.phases["targets"], "these had ended"
    assert "killed" in found.phases["training"].energy["cpu"].note
    assert recovered(found, [], bill) == found
    assert recovered(known, [], {**bill, "number": 1}) == known
    assert recovered(replace(known, phases={"training": cost(99, 1)}), [], bill).seconds == 99


def test_a_bill_of_targets_that_were_never_done() -> None:
    found = recovered(attempt(1), [], attempt(1, targets=cost(40, 400)).document())
    assert found.joules("machine") == 400


def line(first: int, last: int, attempt_number: int) -> dict[str, Any]:
    return {"first_step": first, "step": last, "attempt": attempt_number}


def test_an_attempt_that_goes_on_from_a_checkpoint_writes_later_steps_anew() -> None:
    """Killed at step 22, its checkpoint at 12; then stopped at 18 and resumed."""
    lines = [line(1, 5, 1), line(6, 10, 1), line(11, 15, 1), line(16, 20, 1)]
    lines += [line(11, 15, 2), line(16, 18, 2), line(16, 20, 3), line(21, 25, 3)]
    assert [(x["step"], x["attempt"]) for x in standing(lines)] == [(5, 1), (10, 1), (15, 2), (20, 3), (25, 3)]
    assert standing(lines[:4]) == lines[:4]
    assert standing([{"step": 5}, {"step": 10}]) == [{"step": 5}, {"step": 10}], "an older run's"


@settings(deadline=None)
@given(
    st.lists(st.floats(-100, 100, width=32), min_size=1, max_size=60),
    st.integers(1, 9),
    st.sets(st.integers(1, 59)),
)
def test_a_run_that_was_cut_anywhere_logs_what_an_unbroken_one_logs(
    losses: list[float], every: int, cuts: set[int]
) -> None:
    def logged(begin: int, end: int, rest: list[list[float]]) -> tuple[list[Any], list[list[float]]]:
        metrics = StepMetrics(every, rest)
        groups = [g for step in range(begin, end) for g in metrics.add(step + 1, {"loss": torch.tensor(losses[step])})]
        groups += metrics.drain()
        left = json.loads(json.dumps(metrics.rest))
        return groups, left if end < len(losses) else metrics.flush(end, ("loss",))

    unbroken, last = logged(0, len(losses), [])
    ends = [*sorted(cut for cut in cuts if cut < len(losses)), len(losses)]
    found: list[Any] = []
    begin, rest = 0, []
    for end in ends:
        groups, rest = logged(begin, end, rest)
        found, begin = [*found, *groups], end
    assert (found, rest) == (unbroken, last), "to the last bit"


class Meter:
    """Tells joules as the test says."""

    def __init__(self) -> None:
        self.joules = 0.0

    def live(self) -> Any:
        energy = dict.fromkeys(SCOPES, Quantity(self.joules, "J", "measured", note="scripted"))
        return type("Live", (), {"energy": energy, "power": energy})()


@contextmanager
def no_thread(*_: Any) -> Iterator[None]:
    yield


def test_the_bill_of_an_attempt_is_that_of_the_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a scripted clock and meter: 10 s and 50 J of targets, then 4 s and 30 J of training, of which 2 steps came to an end."""
    now, meter = [0.0], Meter()
    monkeypatch.setattr(ledger_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(ledger_module, "Regularly", no_thread)
    config: Any = type("Config", (), {"device": "cpu", "steps": 10, "audio_hours": None, "minutes": None, "kwh": None})
    attempts, state = [Attempt(1, "t")], TrainingState()
    ledger = Ledger(attempts, config, meter, state)  # type: ignore[arg-type]
    with ledger.billed(tmp_path / "bill"):
        ledger.begin("targets")
        now[0], meter.joules = 6.0, 20.0
        assert ledger.so_far().phases["targets"].seconds == 6.0
        assert ledger.so_far().joules("cpu") == 20.0
        now[0], meter.joules = 10.0, 50.0
        ledger.spend("targets", cost(10, 50))
        ledger.begin("training")
        now[0], meter.joules = 14.0, 80.0
        state.step, state.audio_seconds = 2, 16.0
        ledger.progress(state)
    (billed,) = attempts
    assert (billed.phases["targets"].seconds, billed.phases["training"].seconds) == (10, 4.0)
    assert billed.phases["training"].energy["machine"].value == 30.0
    assert (billed.steps, billed.audio_seconds) == (2, 16.0)


def test_a_bill_is_read_back_and_goes_with_the_finished_run(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.bill() is None
    run.bill_path.write_text("{half")
    assert run.bill() is None
    run.bill_path.write_text(json.dumps(attempt(3).document()))
    bill = run.bill()
    assert bill is not None
    assert Attempt.from_document(bill) == attempt(3)
