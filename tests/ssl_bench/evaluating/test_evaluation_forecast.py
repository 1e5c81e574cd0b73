"""Time left in an evaluation against hand-worked values, and what counts as processed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from ssl_bench.evaluating.forecast import FEATURES, Forecast, forecast_of
from ssl_bench.evaluating.subject import Heard, Waves, telling
from ssl_bench.settings.evaluating import EvaluationSettings
from ssl_benchmarks.downstream.spoken import Spoken


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def spoken(seconds: float) -> Spoken:
    samples = round(seconds * 16_000)
    return Spoken(lambda: np.zeros(samples, np.float32), samples, "a")


def test_before_the_first_finding_it_is_hours_over_speed() -> None:
    """Three systems hear 2 h each by one head; an hour took 30 s, so the other five take 150 s."""
    clock = Clock()
    forecast = Forecast(3, {"asr": 2.0}, clock)
    forecast.begin()
    assert forecast.left() is None, "no speed is known"
    for _ in range(4):
        clock.now += 7.5
        forecast.heard("asr", 900.0)
    assert forecast.left() == pytest.approx(150.0)


def test_work_that_was_not_begun_goes_at_the_speed_of_all_so_far() -> None:
    """Features of an hour for two systems, then 4 h for each: half an hour in 10 s leaves 1.5 h and 8 h at 180 x."""
    clock = Clock()
    forecast = Forecast(2, {FEATURES: 1.0, "pr": 4.0}, clock)
    forecast.begin()
    clock.now += 10
    forecast.heard(FEATURES, 1800.0)
    assert forecast.left() == pytest.approx((1.5 + 8) * 3600 / 180)


def test_after_findings_it_is_what_the_systems_before_took() -> None:
    """One of four systems took 60 s and another 20 s, whatever they heard: 40 s each, 10 of which have passed."""
    clock = Clock()
    forecast = Forecast(4, {"asr": 1.0}, clock)
    forecast.begin()
    clock.now += 60
    forecast.ended("asr")
    assert forecast.left() == pytest.approx(180.0)
    clock.now += 20
    forecast.ended("asr")
    clock.now += 10
    forecast.heard("asr", 1.0)
    assert forecast.left() == pytest.approx(2 * 40 - 10)
    forecast.spared("asr")
    assert forecast.left() == pytest.approx(40 - 10)
    forecast.ended("asr")
    assert forecast.left() == pytest.approx(0.0)


def test_a_learner_that_hears_more_than_planned_leaves_nothing_below_none() -> None:
    clock = Clock()
    forecast = Forecast(1, {"asr": 1.0}, clock)
    forecast.begin()
    clock.now += 9
    forecast.heard("asr", 2 * 3600.0)
    assert forecast.left() == 0.0


def test_keywords_are_not_known_before_they_are_read() -> None:
    clock = Clock()
    forecast = Forecast(2, {"ks": None}, clock)
    forecast.begin()
    clock.now += 9
    forecast.heard(FEATURES, 60.0)
    assert forecast.left() is None
    clock.now += 1
    forecast.ended("ks")
    assert forecast.left() == pytest.approx(1.0), "what passed in the extraction is not of it"


def test_the_plan_by_hand() -> None:
    """An hour of labels heard for 4 h: at three rates, and by the control: 16 h. Features of 2 h once."""
    parts = {name: SimpleNamespace(hours=hours) for name, hours in (("train", 1.0), ("dev", 0.0), ("test", 1.0))}
    speech = cast("Any", SimpleNamespace(parts=parts))
    settings = EvaluationSettings(("asr", "asr-finetune", "asv"), hours=4.0, head="linear", heads=2)
    forecast = forecast_of(settings, speech, "cpu", 3)
    assert dict(forecast.planned) == pytest.approx(
        {
            FEATURES: 2.0,
            "asr, linear": 16.0,
            "asr, deep": 16.0,
            "asr-finetune, linear": 16.0,
            "asr-finetune, deep": 16.0,
            "asv": 0.0,
        }
    )
    assert forecast.hours == pytest.approx(3 * 66.0)
    few = forecast_of(EvaluationSettings(("pr",), hours=0.1, head="linear"), speech, "cpu", 1)
    assert few.planned["pr, linear"] == pytest.approx(3 * 4.0), "at least three passes"
    assert dict(forecast_of(EvaluationSettings(("ks",)), cast("Any", SimpleNamespace(parts={})), "cpu", 1).planned) == {
        "ks": None
    }


def test_what_is_taken_is_told_with_its_length() -> None:
    utterances, told = [spoken(2.0), spoken(0.5)], list[float]()
    heard = Heard(Waves(utterances), utterances, told.append)
    assert len(heard) == 2
    assert torch.equal(heard[1], torch.zeros(8_000))
    heard[0]
    assert told == [0.5, 2.0]
    again = telling(utterances[0], told.append)
    assert len(again.read()) == 32_000
    assert told[2:] == [2.0]
    assert (again.key, again.samples) == (utterances[0].key, 32_000)
