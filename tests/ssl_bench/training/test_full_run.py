"""What a whole pretraining would take, from a training's first minutes, by numbers worked by hand."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from ssl_bench.settings.training import TrainAndMeasureConfig
from ssl_bench.training import progress
from ssl_bench.training.attempts import Attempt
from ssl_bench.training.full_run import full_run, training_rate
from ssl_bench.training.progress import Progress
from ssl_benchmarks.energy.carbon import given_intensity
from ssl_benchmarks.energy.phase_cost import SCOPES, PhaseCost
from ssl_benchmarks.record.details.projection import FullRun
from ssl_benchmarks.record.quantity import Method, Quantity, unavailable
from ssl_reports.summaries.full_run import full_run_lines, full_run_table


def attempt(number: int, seconds: float, audio: float, joules: float, method: Method = "measured") -> Attempt:
    energy = dict.fromkeys(SCOPES, Quantity(joules, "J", method, (0.9 * joules, 1.1 * joules)))
    cost = PhaseCost(seconds, energy, dict.fromkeys(SCOPES, unavailable("J", "no idle")))
    targets = PhaseCost(1e6, energy, cost.energy_net)
    return Attempt(number, "now", {"targets": targets, "training": cost}, 10, audio)


def lines(rates: list[float]) -> list[dict[str, Any]]:
    """Groups of steps of ten seconds at these rates."""
    found = [{"attempt": 1, "seconds": 0.0, "attempt_audio_seconds": 0.0}]
    for rate in rates:
        last = found[-1]
        found.append({"attempt": 1, "seconds": last["seconds"] + 10, "attempt_audio_seconds": last["attempt_audio_seconds"] + 10 * rate})  # fmt: skip
    return found


def made(model: str, attempts: list[Attempt], metrics: list[dict[str, Any]], **options: Any) -> FullRun:
    config = TrainAndMeasureConfig(model=model, **options)
    return full_run(config, attempts, metrics, given_intensity(100.0))


def test_a_minute_gives_the_whole_run() -> None:
    """Two attempts of 30 s hear 60,000 s: 1,000 x. 18,000 h take 18 h. 600 J for 16.7 h are 36 J an hour, 648 kJ = 0.18 kWh,
    with a PUE of 2 and 100 g/kWh 36 g; 2 a GPU-hour make 36. The targets' million seconds are in none of it."""
    attempts = [attempt(1, 30.0, 30_000.0, 300.0), attempt(2, 30.0, 30_000.0, 300.0)]
    found = made("essl", attempts, [], pue=2.0, price_per_gpu_hour=2.0)
    (only,) = found.projections
    values = {name: getattr(only, name).value for name in ("device_hours", "energy", "co2e", "price")}
    assert values == pytest.approx({"device_hours": 18.0, "energy": 648e3, "co2e": 36.0, "price": 36.0})
    assert only.energy.ci95 == pytest.approx((0.9 * 648e3, 1.1 * 648e3))
    assert (found.method, only.energy.method) == ("measured", "projected")
    (line,) = full_run_lines(found)
    assert line == (
        "18,000 h of audio would take 18.0 device-hours, 0.180 ± 0.018 kWh (machine, measured), 36 ± 4 g CO2e, "
        "36.0 price units"
    )


def test_a_published_recipe_stands_beside_the_papers_hours() -> None:
    """wav2vec 2.0 base saw 640,000 h; essl's own recipe is the paper's, and is reported once."""
    found = made("wavlm-base", [attempt(1, 30.0, 3_000.0, 300.0)], [])
    (line,) = full_run_lines(found)
    assert line.startswith("18,000 h of audio would take 180 device-hours")
    assert "not reported" in full_run_table(found)
    assert "could not be looked up" in full_run_table(found)


def test_before_the_first_step_there_is_nothing_to_say() -> None:
    found = made("essl", [Attempt(1, "now")], [])
    assert found.projections[0].device_hours.note == "no step was done"
    assert full_run_lines(found) == []
    assert full_run_table(None) == ""


def test_the_interval_is_that_of_the_rate() -> None:
    """8 groups about 1,000 with a deviation of 10: 1.96 x 10.7 / root 8 = 7.4 to either side."""
    rates = [990.0, 1010.0] * 4
    rate = training_rate([attempt(1, 80.0, 80_000.0, 1.0)], lines(rates))
    assert rate.ci95 == pytest.approx((1000 - 7.41, 1000 + 7.41), abs=0.01)
    hours = made("essl", [attempt(1, 80.0, 80_000.0, 1.0)], lines(rates)).projections[0].device_hours
    assert hours.ci95 == pytest.approx((18_000 / 1007.41, 18_000 / 992.59), rel=1e-5)
    wild = made("essl", [attempt(1, 80.0, 80_000.0, 1.0)], lines([1.0, 8_000.0] * 4))
    assert wild.projections[0].device_hours.ci95 is None, "a rate that may be none leaves no interval"


def test_a_modelled_energy_is_said_to_be_one_and_a_missing_one_is_missing() -> None:
    assert "kWh (machine, modelled)" in full_run_lines(made("essl", [attempt(1, 30.0, 3e4, 300.0, "modelled")], []))[0]
    blind = attempt(1, 30.0, 3e4, 300.0)
    cost = blind.phases["training"]
    none = PhaseCost(cost.seconds, dict.fromkeys(SCOPES, unavailable("J", "no counter")), cost.energy_net)
    found = made("essl", [Attempt(1, "now", {"training": none}, 10, 3e4)], [])
    assert full_run_lines(found) == ["18,000 h of audio would take 18.0 device-hours"]
    assert "no counter" in full_run_table(found)


def test_it_is_told_after_a_minute_and_then_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    """At 60, 120, 240 and 480 s of ten minutes."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    out = io.StringIO()
    say = Progress(Console(file=out, width=200), "machine", None, 1.0)
    monkeypatch.setattr(say, "_parts", lambda *_: ["a step"])
    found, told = made("essl", [attempt(1, 30.0, 3e4, 300.0)], []), []
    step: Any = None
    for second in range(0, 601, 5):
        now[0] = 1000.0 + second
        say.step(step, step, 1.0, (1.0, 1.0))
        if say.full_run_due:
            told.append(second)
            say.full_run(found)
    assert told == [60, 120, 240, 480]
    line = r"at the current rate, 18,000 h of audio (would )?take 18\.0 device-hours"
    assert len(re.findall(line, out.getvalue())) == 4
