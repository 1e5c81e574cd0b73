"""Coverage of moderated ratios by simulation, and the residual variance against hand-worked and simulated numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from ssl_benchmarks.comparing.moderation import Residual, moderated, residual_of, residual_variance
from ssl_benchmarks.comparing.ratios import paired_ratio
from ssl_benchmarks.comparing.side_by_side import SideBySide, ratios
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Measurement

SPEED = "audio_seconds_per_second"


def test_the_residual_variance_is_that_of_a_two_way_layout() -> None:
    """By hand: of [[0, 2], [1, 1]] the means of rows, columns and all leave +-0.5, so 4 x 0.25 over one degree of freedom."""
    assert residual_variance([[0.0, 2.0], [1.0, 1.0]]) == pytest.approx(1.0)
    shifted = [[5.0, 17.0], [6.0, 16.0]]  # the same with a shift of each model and set
    assert residual_variance(shifted) == pytest.approx(1.0)


def test_the_residual_variance_is_the_processes_own() -> None:
    draw = np.random.default_rng(5)
    found = [
        residual_variance(
            (0.02 * draw.standard_normal((6, 3)) + draw.standard_normal((6, 1)) + draw.standard_normal(3)).tolist()
        )
        for _ in range(2000)
    ]
    assert np.mean(found) == pytest.approx(0.0004, rel=0.05)


def session(draw: np.random.Generator, apart: Sequence[float], sets: int) -> SideBySide:
    """Models of equal speed whose processes differ by `apart`, and sets that share a state of the machine of 10 %."""
    logs = np.asarray(apart)[:, None] * draw.standard_normal((len(apart), sets)) + 0.1 * draw.standard_normal(sets)
    names = tuple(f"m{i}" for i in range(len(apart)))
    rounds = [
        [
            Measurement(name, SPEED, Quantity(math.exp(log), "s/s", "measured"), "training")
            for name, log in zip(names, column, strict=True)
        ]
        for column in logs.T.tolist()
    ]
    return SideBySide(names, ("training",), "m0", "machine", rounds[0], rounds, "processes")


@pytest.mark.parametrize("sets", [2, 3, 5])
@pytest.mark.parametrize(
    "apart", [(0.03,) * 6, (0.03,) * 3, (0.01, 0.02, 0.03, 0.04, 0.02, 0.03)], ids=["alike", "three models", "unlike"]
)
def test_intervals_hold_the_truth_and_are_narrower_than_student_s(apart: Sequence[float], sets: int) -> None:
    draw, held, total = np.random.default_rng(7), 0, 0
    widths, students = [], []
    for _ in range(600):
        sides = session(draw, apart, sets)
        for each in ratios(sides):
            low, high = each.ratio.ci95 or (math.nan, math.nan)
            held, total = held + (low <= 1 <= high), total + 1
            widths.append(high - low)
            own = paired_ratio(
                sides.by_round(each.model, "training", SPEED), sides.by_round("m0", "training", SPEED), "processes"
            )
            assert own.ci95 is not None
            students.append(own.ci95[1] - own.ci95[0])
    assert 0.925 < held / total < 0.985
    if sets < 5:
        assert np.median(widths) < 0.9 * np.median(students)


def test_few_models_and_sets_say_little_of_the_others() -> None:
    logs = np.random.default_rng(0).standard_normal((6, 3))
    assert [
        residual_of(logs[:models, :sets].tolist()).freedom for models, sets in ((3, 2), (3, 3), (4, 2), (6, 3))
    ] == [1, 2, 2, 4]


def test_two_models_and_rounds_of_one_set_keep_student_s_interval() -> None:
    sides = session(np.random.default_rng(1), (0.03, 0.03), 3)
    (found,) = ratios(sides)
    assert (
        found.ratio.ci95
        == paired_ratio(sides.by_round("m1", "training", SPEED), sides.by_round("m0", "training", SPEED)).ci95
    )
    of_rounds = SideBySide(("m0", "m1", "m2"), ("training",), "m0", "machine", *reversed_rounds())
    assert all("moderated" not in each.ratio.note for each in ratios(of_rounds))


def reversed_rounds() -> tuple[list[Measurement], list[list[Measurement]]]:
    """The rows and rounds of a session of three models, as rounds of one set of processes."""
    sides = session(np.random.default_rng(2), (0.03,) * 3, 4)
    return list(sides.rows), [list(rows) for rows in sides.rounds]


def test_a_moderated_interval_by_hand() -> None:
    """Logs 0.1 and 0.3 (variance 0.02, one degree of freedom), residual 0.005: (4 x 0.01 + 0.02) / 5 = 0.012; t of 5 is 2.5706."""
    found = moderated(Quantity(math.exp(0.2), "1", "measured", (1.0, 2.0), 2), [0.1, 0.3], Residual(0.005, 4))
    half = 2.5706 * math.sqrt(0.012 / 2)
    assert found.ci95 == (pytest.approx(math.exp(0.2 - half), rel=1e-4), pytest.approx(math.exp(0.2 + half), rel=1e-4))
