"""How much speech an evaluation uses, against hand-worked values; and that it ends when time is up, whatever was planned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
import torch

from ssl_bench.evaluating import plan as evaluation_plan
from ssl_bench.evaluating.evaluation import evaluated
from ssl_bench.evaluating.forecast import FEATURES
from ssl_bench.evaluating.pace import Pace, WatchedForecast
from ssl_bench.evaluating.plan import EFFORTS, SHARES, fitted, limit_document
from ssl_bench.evaluating.speech import EvaluationSpeech
from ssl_bench.evaluating.subject import Evaluation, Finding, Subject, System
from ssl_bench.sessions.time_limit import TimeLimit
from ssl_bench.settings.evaluating import EvaluationSettings
from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.record.quantity import Quantity

HOURS = {"train": 1.0, "dev": 0.5, "test": 2.5}


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def system(name: str, control: str = "") -> System:
    return System(name, 0, lambda: None, lambda: None, control)


SYSTEMS = [system("m", "m (untrained)"), system("m (untrained)"), system("log-mel")]


def speech(share: float) -> EvaluationSpeech:
    """A share of four hours, in utterances of 36 s."""
    parts = {
        name: SimpleNamespace(
            hours=share * hours,
            planned_hours=hours,
            planned=round(100 * hours),
            spoken=[None] * round(100 * share * hours),
        )
        for name, hours in HOURS.items()
    }
    return EvaluationSpeech(cast("Any", parts), "1h", "", "test", final=False, share=share)


def evaluation(seconds: float, clock: Clock, tasks: tuple[str, ...] = ("asr",)) -> Evaluation:
    meter = cast("Any", SimpleNamespace(window=lambda _: torch.no_grad()))
    settings = EvaluationSettings(tasks, head="linear", hours=3.0)
    limit = TimeLimit.of(seconds, clock)
    return Evaluation(settings, speech(1e-9), torch.device("cpu"), "float32", meter, lambda _: None, limit=limit)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Features go at 100 × real time, learning at 1000 x; a system costs 0.5 s more however little it hears."""
    clock = Clock()

    def evaluate(systems: Sequence[System], evaluation: Evaluation) -> Iterator[Finding]:
        forecast, hours = evaluation.forecast, sum(part.hours for part in evaluation.speech.parts.values())
        forecast.begin()

        def hear(kind: str, hours: float, an_hour: float) -> None:
            for _ in range(20):
                clock.now += an_hour * hours / 20
                forecast.heard(kind, 3600 * hours / 20)

        for _ in systems:
            hear(FEATURES, hours, 36.0)
            clock.now += 0.5
            hear("asr, linear", forecast.planned["asr, linear"] or 0.0, 3.6)
        yield from ()

    monkeypatch.setattr(evaluation_plan, "evaluated", evaluate)
    return clock


def whole(share: float, effort: float = 1.0) -> float:
    """Seconds of three systems by hand: features, four hearings of each at least three passes, and what each costs at once."""
    learned = 4 * max(3.0 * share**0.5 * effort, 3 * share * HOURS["train"])
    return 3 * (36 * share * sum(HOURS.values()) + 3.6 * learned + 0.5)


@pytest.mark.parametrize("seconds", [80.0, 120.0, 300.0, 500.0])
def test_the_largest_share_is_taken_that_fits(machine: Clock, seconds: float) -> None:
    began = machine.now
    found = fitted(evaluation(seconds, machine), SYSTEMS, speech)
    left = seconds - (machine.now - began)
    share = found.speech.share
    assert share == next(s for s in SHARES if whole(s) <= 0.75 * left)
    assert 0 < share < 1
    assert found.settings.hours == pytest.approx(3.0 * share**0.5)
    assert machine.now - began < 0.3 * seconds, "the pilots took little of it"
    document = limit_document(found) or {}
    assert document["share"] == share
    assert f"{round(250 * share)} of 250 utterances of test" in document["taken"]


def test_where_there_is_time_for_all_all_is_taken_after_one_pilot(machine: Clock) -> None:
    began = machine.now
    found = fitted(evaluation(3600.0, machine), SYSTEMS, speech)
    assert (found.speech.share, found.settings.hours, found.speech.shortened) == (1.0, 3.0, "")
    assert machine.now - began < 5


def test_controls_that_are_known_have_no_pilot(machine: Clock) -> None:
    """On all the speech they cost nothing; on a part they may have to be rated again, and as slowly as the model."""
    systems = [SYSTEMS[0], replace(SYSTEMS[1], is_control=True), replace(SYSTEMS[2], is_control=True)]
    began = machine.now
    assert fitted(evaluation(300.0, machine), systems, speech, controls_known=True).speech.share == 1.0
    assert machine.now - began < whole(1.0) / 3 / 10
    some = fitted(evaluation(120.0, machine), systems, speech, controls_known=True).speech.share
    assert some == fitted(evaluation(120.0, machine), SYSTEMS, speech).speech.share
    began = machine.now
    assert fitted(evaluation(9.0, machine), systems[1:], speech, controls_known=True).speech.share == 1.0
    assert machine.now == began, "nothing is left to be rated"


@pytest.mark.parametrize("seconds", [35.0, 45.0])
def test_where_the_least_share_does_not_fit_recognisers_learn_less(machine: Clock, seconds: float) -> None:
    """At least a tenth of an hour: of four hours the last step above 1 / 40 is a thirty-second."""
    began = machine.now
    found = fitted(evaluation(seconds, machine), SYSTEMS, speech)
    left = seconds - (machine.now - began)
    effort = next(e for e in EFFORTS if whole(2**-5, e) <= 0.75 * left)
    assert (found.speech.share, found.speech.effort) == (2**-5, effort)
    assert whole(2**-5) > 0.75 * left
    assert found.settings.hours == pytest.approx(3.0 * 2**-2.5 * effort)
    assert (
        f"recognisers heard {effort:.2g} times the usual hours for this much speech"
        in (limit_document(found) or {})["taken"]
    )
    assert found.speech.how.endswith(found.speech.shortened)
    assert found.speech.labels_taken == f"1.9min ({effort:.2g} of the passes)", (
        "no row to hold against one that heard all"
    )


def test_where_the_pilots_come_to_nothing_the_least_is_taken(machine: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work of unknown cost is not assumed to cost nothing."""

    def too_slow(*_: object) -> Iterator[Finding]:
        machine.now += 60.0
        yield from ()

    monkeypatch.setattr(evaluation_plan, "evaluated", too_slow)
    found = fitted(evaluation(200.0, machine), SYSTEMS, speech)
    assert (found.speech.share, found.speech.effort) == (2**-5, EFFORTS[-1])


def test_where_nothing_fits_the_least_is_taken(machine: Clock) -> None:
    found = fitted(evaluation(3.0, machine), SYSTEMS, speech)
    assert (found.speech.share, found.speech.effort) == (2**-5, EFFORTS[-1])


def test_without_a_limit_or_time_there_is_no_pilot(machine: Clock) -> None:
    free = evaluation(9.0, machine)
    free.limit = None
    assert fitted(free, SYSTEMS, speech) is free
    assert limit_document(free) is None
    late = evaluation(0.0, machine)
    assert fitted(late, SYSTEMS, speech) is late


def test_keywords_alone_have_no_speech_to_shorten(machine: Clock) -> None:
    began = machine.now
    assert fitted(evaluation(9.0, machine, ("ks",)), SYSTEMS, speech).speech.share == 1.0
    assert machine.now == began


def test_rows_of_a_part_are_held_apart_from_those_of_all() -> None:
    some, all_of_it = speech(0.1), speech(1.0)
    assert (some.labels_taken, some.test_taken) == ("6min", "test (25 of 250 utterances)")
    assert (all_of_it.labels_taken, all_of_it.test_taken) == ("1h", "test")


def test_a_pace_goes_through_its_pilots() -> None:
    """2 s at once and 10 s per hour; a single pilot is used as it is, and a second that heard no more has a pace too."""
    assert Pace.through([0.1, 0.4], [3.0, 6.0]) == Pace(pytest.approx(2.0), pytest.approx(10.0))
    assert Pace.through([0.1], [3.0]) == Pace(pytest.approx(0.0), pytest.approx(30.0))
    assert Pace.through([0.1, 0.4], [3.0, 2.0]) == Pace(pytest.approx(2.5), pytest.approx(5.0))


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_what_is_done_once_is_in_no_pace(batch: int) -> None:
    """12 s before the first of 60 utterances, 3 s after each 15 of them, and 0.2 s per utterance, `batch` of them at a time."""
    clock = Clock()
    watched = WatchedForecast(1, {}, clock)
    watched.begin()
    clock.now += 12
    for number in range(60):
        watched.heard("asr", 6.0)
        clock.now += 0.2 * batch if number % batch == batch - 1 else 0.0
        clock.now += 3.0 if number % 15 == 14 else 0.0
        if number == 10:
            assert watched.an_hour("asr") is None, "too little to tell"
    watched.ended("asr")
    an_hour = watched.an_hour("asr")
    assert an_hour == pytest.approx(0.2 * 600, rel=0.25)
    pace = Pace.through([0.1], [watched.seconds("asr")], an_hour)
    assert pace.seconds(0.1) == pytest.approx(watched.seconds("asr")), "the rest was done at once"
    assert pace.seconds(10.0) == pytest.approx(12 + 4 * 3 + 10 * 600 * 0.2, rel=0.25)


def test_what_time_does_not_reach_has_a_reason_for_a_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each system takes 40 s of 60, which the second shows when it hears more; the third is not begun."""
    clock, begun, parts = Clock(), list[str](), list[float]()

    def run(subject: Subject, head: object) -> list[Finding]:
        begun.append(subject.system.name)
        assert subject.limit is not None
        parts.append(subject.limit.left)
        clock.now += 40
        subject.evaluation.in_time()
        rate = Quantity(0.5, "1", "measured")
        return [Finding(subject.system, "asr", str(head), Outcome({"cer": rate, "wer": rate}, converged=True))]

    monkeypatch.setattr("ssl_bench.evaluating.tasks.asr", run)
    found = list(evaluated(SYSTEMS, evaluation(60.0, clock)))
    assert [(f.system.name, f.outcome.rates["cer"].value) for f in found] == [
        ("m", 0.5), ("m (untrained)", None), ("log-mel", None),
    ]  # fmt: skip
    assert begun == ["m", "m (untrained)"]
    assert parts == [20.0, 10.0], "a third of 60 s, then half of 20"
    assert "the time limit of 1 min 00 s was reached" in found[2].outcome.rates["wer"].note
