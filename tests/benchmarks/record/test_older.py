"""Rows of older records are read as they would be written now: verdicts on learning, steps that were not steady, methods."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ssl_benchmarks.record.flaws import NOT_STEADY
from ssl_benchmarks.record.learned import BETTER, NOT_SHOWN, OLDER, WORSE
from ssl_benchmarks.record.measurement import Conditions, Measurement
from ssl_benchmarks.record.older import as_now, with_flaws
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import read_record

RESULTS = Path(__file__).parents[3] / "docs" / "results"
TEST = Conditions(task="pr", head="linear", labels="1h", tested_on="dev")
STEP = Conditions(clip_seconds=5.0, batch_seconds=5.0)


def rate(model: str, low: float, high: float, note: str) -> Measurement:
    return Measurement(
        model, "per", Quantity((low + high) / 2, "1", "measured", (low, high), 9, note), "evaluation", None, TEST
    )


@pytest.mark.parametrize(
    ("own", "random", "verdict"),
    [((0.5, 0.6), (0.55, 0.7), NOT_SHOWN), ((0.5, 0.6), (0.3, 0.4), WORSE)],
    ids=["overlapping", "worse"],
)
def test_a_verdict_follows_from_both_intervals(
    own: tuple[float, float], random: tuple[float, float], verdict: str
) -> None:
    twin = rate("m (untrained)", *random, "greedy")
    found = as_now((rate("m (run 1)", *own, f"{OLDER}; greedy"), rate("m", *own, f"{OLDER}; greedy"), twin))
    assert [row.quantity.note for row in found] == [f"{verdict}; greedy", f"{verdict}; greedy", "greedy"]


def test_without_a_control_nothing_is_shown() -> None:
    assert as_now((rate("m", 0.5, 0.6, OLDER),))[0].quantity.note == NOT_SHOWN


def test_of_several_seeds_the_differences_decide() -> None:
    """Each seed is 10 points better, while the means overlap, since random weights differ from each other."""
    own = rate("m", 0.4, 0.8, f"{OLDER}; mean of 3 seeds: 50.0, 60.0, 70.0 %; greedy")
    random = rate("m (untrained)", 0.5, 0.9, "mean of 3 seeds: 60.0, 70.0, 80.0 %; greedy")
    assert as_now((own, random))[0].quantity.note.startswith(f"{BETTER}, paired over 3 seeds; mean of 3 seeds")
    without = replace(random, quantity=replace(random.quantity, note="mean of 2 seeds: 60.0, 80.0 %; greedy"))
    assert as_now((own, without))[0].quantity.note.startswith(NOT_SHOWN)


def test_the_verdict_of_a_study_is_that_of_its_evaluation_worked_out_from_each_seed() -> None:
    """67.7, 68.1 and 69.9 % against 74.5, 80.3 and 80.3 %: better in each, by 9.8 points on average."""
    notes = {
        (row.model, row.metric): row.quantity.note
        for row in read_record(RESULTS / "three-seeds" / "run.json").measurements
        if row.metric in {"per", "wer", "cer"}
    }
    assert notes["efficient-tiny", "per"].startswith(BETTER)
    assert notes["efficient-tiny", "wer"].startswith(NOT_SHOWN)
    assert notes["efficient-tiny", "cer"].startswith("mean of 3 seeds")
    assert not any(OLDER in note for note in notes.values())


def test_a_step_that_was_not_steady_has_the_flaw_in_its_energy_and_projections_too() -> None:
    def row(metric: str, unit: str, note: str = "", phase: str = "training") -> Measurement:
        return Measurement("m", metric, Quantity(1.0, unit, "measured", note=note), phase, None, STEP)

    rows = (
        row("audio_seconds_per_second", "s/s", "warm-up NOT STEADY in 1 of 2 rounds"), row("energy_per_audio_hour", "J/h"),
        row("device_hours", "h"), row("mfu", "1"), row("peak_memory", "B"), row("flops", "FLOP"),
        row("energy_per_audio_hour", "J/h", phase="inference"),
    )  # fmt: skip
    assert [each.quantity.flaw for each in with_flaws(rows, ())] == [NOT_STEADY] * 4 + [""] * 3


def test_what_is_left_of_a_measured_peak_is_measured() -> None:
    rest = Measurement("m", "memory_activations", Quantity(1.0, "B", "analytic"), "training", None, STEP)
    weights = Measurement("m", "memory_weights", Quantity(1.0, "B", "analytic"), "training", None, STEP)
    assert [row.quantity.method for row in as_now((rest, weights))] == ["measured", "analytic"]
