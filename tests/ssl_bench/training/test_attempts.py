"""A run that was stopped and resumed has spent what all its attempts spent."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_bench.training.after_training import billed
from ssl_bench.training.attempts import Attempt, lost_cost, phase_cost, recovered, with_lost_work
from ssl_benchmarks.energy.phase_cost import PhaseCost
from ssl_benchmarks.record.quantity import Quantity, unavailable

NO_GPU = unavailable("J", "no GPU was metered")
NO_IDLE = unavailable("J", "idle power was not measured")


def cost(seconds: float, cpu: float, *, ci95: tuple[float, float] | None = None) -> PhaseCost:
    measured = Quantity(cpu, "J", "measured", ci95, note="RAPL")
    energy = {"gpu": NO_GPU, "cpu": measured, "dram": Quantity(1.0, "J", "modelled"), "machine": measured}
    return PhaseCost(seconds, energy, dict.fromkeys(energy, NO_IDLE))


quantities = st.one_of(
    st.builds(
        lambda value, half: Quantity(value, "J", "measured", (value - half, value + half), 3, "counter"),
        st.floats(0, 1e9), st.floats(0, 1e3),
    ),
    st.text(min_size=1).map(lambda reason: unavailable("J", reason)),
)  # fmt: skip
by_scope = st.fixed_dictionaries(dict.fromkeys(("gpu", "cpu", "dram", "machine"), quantities))
costs = st.builds(PhaseCost, st.floats(0, 1e6), by_scope, by_scope)
attempts = st.builds(
    Attempt,
    st.integers(1, 99),
    st.just("2026-11-20T08:00:00+00:00"),
    st.dictionaries(st.sampled_from(["targets", "training", "evaluation"]), costs),
    st.integers(0, 10**9),
    st.floats(0, 1e9),
    st.floats(0, 1e9),
    st.text(),
)


@given(attempts)
def test_an_attempt_comes_back_from_json_as_it_went(attempt: Attempt) -> None:
    assert Attempt.from_document(json.loads(json.dumps(attempt.document(), allow_nan=False))) == attempt


def test_an_older_record_has_the_machines_net_alone() -> None:
    """Before, net energy was one quantity, the machine's."""
    document = json.loads(json.dumps(Attempt(1, "t", {"training": cost(1.0, 2.0)}).document()))
    net = Quantity(1.5, "J", "measured", (1.0, 2.0))
    document["phases"]["training"]["energy_net"] = json.loads(json.dumps(asdict(net)))
    read = Attempt.from_document(document).phases["training"].energy_net
    assert read["machine"] == net
    assert all("before" in read[scope].note for scope in ("gpu", "cpu", "dram"))


def test_phases_add_up_over_the_attempts_that_reached_them() -> None:
    first = Attempt(1, "t", {"targets": cost(3.0, 30.0), "training": cost(10.0, 200.0, ci95=(190, 210))})
    second = Attempt(2, "t", {"training": cost(20.0, 300.0, ci95=(290, 310))})
    third = Attempt(3, "t")
    training = phase_cost([first, second, third], "training")
    targets = phase_cost([first, second, third], "targets")
    assert training is not None
    assert targets is not None
    assert (training.seconds, targets.seconds) == (30.0, 3.0)
    assert (training.energy["cpu"].value, training.energy["cpu"].ci95) == (500.0, (480, 520))
    assert training.energy["gpu"] == NO_GPU
    assert training.energy_net == dict.fromkeys(("gpu", "cpu", "dram", "machine"), NO_IDLE)
    assert targets.energy["cpu"].value == 30.0
    assert phase_cost([third], "training") is None
    assert first.seconds == 13.0
    assert first.joules("cpu") == 230.0
    assert first.joules("gpu") == 0.0


def line(attempt: int, seconds: float, steps: int, joules: float) -> dict[str, Any]:
    energy = {"gpu": NO_GPU, "cpu": Quantity(joules, "J", "measured"), "dram": NO_GPU}
    energy["machine"] = Quantity(joules, "J", "measured", note="cpu")
    return {
        "attempt": attempt, "seconds": seconds, "attempt_steps": steps, "attempt_audio_seconds": 8.0 * steps,
        "training_energy": json.loads(json.dumps({scope: asdict(q) for scope, q in energy.items()})),
    }  # fmt: skip


def test_a_killed_attempt_counts_up_to_its_last_line() -> None:
    """The line's seconds are the attempt's own from its start, so 3 s of targets leave 17 s of training."""
    killed = Attempt(2, "t", {"targets": cost(3.0, 30.0)})
    lines = [line(2, 10.0, 5, 70.0), line(2, 20.0, 10, 150.0), line(1, 99.0, 50, 999.0)]
    whole = recovered(killed, lines)
    assert whole.phases["targets"] == killed.phases["targets"]
    assert whole.phases["training"].seconds == pytest.approx(17.0)
    assert whole.phases["training"].energy["machine"].value == 150.0
    assert whole.phases["training"].energy["gpu"].value is None
    assert (whole.steps, whole.audio_seconds) == (10, 80.0)
    assert "killed" in whole.note
    assert "killed" in whole.phases["training"].energy["cpu"].note
    assert recovered(whole, lines) == whole, "once is enough"


def test_an_attempt_that_ended_well_stays_as_it_is() -> None:
    ended = Attempt(1, "t", {"training": cost(21.0, 160.0)}, steps=12, audio_seconds=96.0)
    assert recovered(ended, [line(1, 20.0, 10, 150.0)]) is ended
    assert recovered(ended, []) is ended
    assert recovered(ended, [line(2, 99.0, 10, 150.0)]) is ended


def test_a_kill_right_after_a_checkpoint_goes_back_to_no_earlier_line() -> None:
    """The record of step 12 is later than the line of step 10, although a line's clock also ran between the phases."""
    saved = Attempt(1, "t", {"targets": cost(3.0, 30.0), "training": cost(7.0, 70.0)}, steps=12, audio_seconds=96.0)
    assert recovered(saved, [line(1, 10.4, 10, 65.0)]) is saved


def test_what_a_killed_evaluation_cost_is_lost_and_on_the_bill(tmp_path: Path) -> None:
    """The training before it is kept: only what followed is done anew. No budget is spent on it."""
    trained = Attempt(2, "t", {"targets": cost(3.0, 30.0), "training": cost(7.0, 70.0)}, steps=12, audio_seconds=96.0)
    job: Any = SimpleNamespace(attempts=[trained], run=SimpleNamespace(bill_path=tmp_path / "bill.json"))
    joules = {
        scope: Quantity(40.0, "J", "sampled", note="power samples") for scope in ("gpu", "cpu", "dram", "machine")
    }
    meter = cast("Any", SimpleNamespace(live=lambda: SimpleNamespace(energy=joules)))
    with billed(job, meter):
        while not (tmp_path / "bill.json").is_file():
            pass
        assert job.attempts == [trained], "until then it is in the file alone"
    (stopped,) = job.attempts
    assert stopped.phases["evaluation"].energy == joules
    killed = recovered(trained, [], json.loads((tmp_path / "bill.json").read_text()))
    assert killed.phases["training"] == trained.phases["training"]
    assert "killed" in killed.phases["evaluation"].energy["cpu"].note
    for ended in (stopped, killed):
        assert (ended.seconds, ended.joules("cpu")) == (10.0, 100.0)
        known = with_lost_work(ended, trained)
        assert set(known.lost) == {"evaluation"}
        lost = lost_cost([Attempt(1, "t"), known], "evaluation")
        assert lost is not None
        assert lost.energy["machine"].value == 40.0
