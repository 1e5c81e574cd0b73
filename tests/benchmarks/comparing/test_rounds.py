"""Figures over rounds and their ratios: coverage by simulation, numbers by hand, and what no round may hide."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from ssl_benchmarks.comparing.ratios import paired_ratio, ratio, ratio_of_largest
from ssl_benchmarks.comparing.round_plan import renewal_due
from ssl_benchmarks.comparing.rounds import (
    by_processes,
    combined,
    largest,
    order_of,
    over_processes,
    over_rounds,
    relative_half_width,
    student_on_logs,
)
from ssl_benchmarks.record.quantity import Method, Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement


def q(value: float, ci95: tuple[float, float] | None = None, method: Method = "measured", note: str = "") -> Quantity:
    return Quantity(value, "s/s", method, ci95, 1, note)


def test_the_mean_of_rounds_is_that_of_logs_with_students_interval() -> None:
    """Against scipy's own interval of the mean of the logs."""
    from scipy import stats

    values = [95.0, 100.0, 108.0]
    mean = over_rounds([q(v) for v in values])
    logs = np.log(values)
    low, high = stats.t.interval(0.95, 2, loc=logs.mean(), scale=stats.sem(logs))
    assert mean.value == pytest.approx(stats.gmean(values))
    assert mean.ci95 == pytest.approx((math.exp(low), math.exp(high)))
    assert mean.n == 3


def test_a_counters_own_error_stays_in_the_interval() -> None:
    """Three rounds that agree to a hair, each with 2 % of its own: the mean is not known better than 2 %."""
    mean = over_rounds([q(v, (0.98 * v, 1.02 * v)) for v in (100.0, 100.001, 99.999)])
    assert mean.ci95 == pytest.approx((98.0, 102.0), rel=1e-4)
    assert relative_half_width(mean) == pytest.approx(0.02, rel=1e-3)


def test_one_round_has_its_own_interval_and_says_so() -> None:
    only = over_rounds([q(100.0, (99.0, 101.0)), unavailable("s/s", "killed")])
    assert only.ci95 == (99.0, 101.0)
    assert "one round" in only.note
    assert over_rounds([unavailable("s/s", "killed")]).note == "killed"


def test_a_modelled_energy_has_no_interval_however_well_rounds_agree() -> None:
    mean = over_rounds([q(100.0, method="modelled"), q(110.0, method="modelled")])
    assert (mean.ci95, mean.method) == (None, "modelled")
    assert "standard deviation of rounds 6.7 %" in mean.note


def test_a_modelled_energy_of_processes_has_none_either() -> None:
    mean = over_processes([q(100.0, method="modelled"), q(110.0, method="modelled")])
    assert (mean.ci95, mean.method) == (None, "modelled")
    assert (
        mean.note
        == "geometric mean of 2 processes; standard deviation of processes 6.7 %; the model's own error is unknown"
    )


def test_the_rounds_own_ends_are_averaged_as_shares_by_hand() -> None:
    """Own ends of 0.9 and 1.2, and of 0.7 and 1.4, of the same 100: 80 and 130. One without leaves only the scatter."""
    mean = over_rounds([q(100.0, (90.0, 120.0)), q(100.0, (70.0, 140.0))])
    assert mean.ci95 == pytest.approx((80.0, 130.0))
    assert over_rounds([q(100.0, (90.0, 120.0)), q(100.0)]).ci95 == pytest.approx((100.0, 100.0))


def test_notes_keep_what_every_round_says() -> None:
    notes = ["cpu (modelled); 1 of at least 3 repeats; steady", "cpu (modelled); NOT STEADY after 3"]
    mean = over_rounds([q(1.0, note=notes[0]), q(1.1, note=notes[1])])
    assert mean.note == "geometric mean of 2 rounds; cpu (modelled); warm-up NOT STEADY in 1 of 2 rounds"


def coverage(between: float, rounds: int, *, paired: bool) -> float:
    """How often the interval of a ratio of 2 holds it: rounds drift by 10 % together, cells scatter by `between` each."""
    draw = np.random.default_rng(rounds)
    hits = 0
    for _ in range(2000):
        drift = np.exp(0.1 * draw.standard_normal(rounds))
        ours, theirs = (m * drift * np.exp(between * draw.standard_normal(rounds)) for m in (200.0, 100.0))
        a, b = [q(v) for v in ours], [q(v) for v in theirs]
        found = paired_ratio(a, b) if paired else ratio(over_rounds(a), over_rounds(b))
        assert found.ci95 is not None
        hits += found.ci95[0] <= 2 <= found.ci95[1]
    return hits / 2000


@pytest.mark.parametrize("rounds", [2, 3, 6])
def test_paired_ratios_cover(rounds: int) -> None:
    assert 0.93 <= coverage(0.02, rounds, paired=True) <= 0.97


def test_unpaired_ratios_cover_and_are_wider() -> None:
    """The drift that the two share is not separated from scatter, so the interval is too wide rather than too narrow."""
    assert coverage(0.02, 4, paired=False) >= 0.95
    ours, theirs = [q(v) for v in (200.0, 220.0, 240.0)], [q(v) for v in (100.0, 110.5, 119.5)]
    paired, apart = paired_ratio(ours, theirs), ratio(over_rounds(ours), over_rounds(theirs))
    assert paired.value == pytest.approx(apart.value)
    assert (relative_half_width(paired) or 1) < 0.1 * (relative_half_width(apart) or 0)


def test_independent_ratio_by_hand_and_by_simulation() -> None:
    """Half-widths of 3 % and 4 % make 5 % in logs; normal draws with these 95 % ends are covered."""
    a, b = (q(v, (v * math.exp(-h), v * math.exp(h))) for v, h in ((200.0, 0.03), (100.0, 0.04)))
    found = ratio(a, b)
    assert found.value == 2
    assert found.ci95 == pytest.approx((2 * math.exp(-0.05), 2 * math.exp(0.05)))
    draw = np.random.default_rng(0)
    errors = draw.standard_normal((2, 5000)) * np.array([[0.03], [0.04]]) / 1.96
    assert 0.93 <= np.mean(np.abs(errors[0] - errors[1]) <= 0.05) <= 0.97


def test_ratios_without_an_interval() -> None:
    assert ratio(q(6.0, method="analytic"), q(3.0, method="analytic")) == Quantity(2.0, "1", "analytic")
    modelled = paired_ratio([q(2.0, method="modelled")] * 2, [q(1.0, method="modelled")] * 2)
    assert (modelled.value, modelled.ci95, modelled.method) == (2.0, None, "modelled")
    missing = paired_ratio([unavailable("J/h", "killed"), None], [q(1.0), q(1.0)])
    assert (missing.value, missing.note) == (None, "killed")
    assert "no number in common" in paired_ratio([q(1.0), None], [None, q(1.0)]).note


def test_the_ratio_of_peaks_is_that_of_the_largest_and_in_its_interval() -> None:
    found = ratio_of_largest([q(4.0), q(5.0)], [q(2.0), q(2.0)])
    assert found.value == 2.5
    assert found.ci95 is not None
    assert found.ci95[0] <= 2.5 <= found.ci95[1]


def test_rows_of_rounds_become_one_by_metric_and_conditions() -> None:
    """Speed is averaged, memory the largest, counts the first; joules of a window stay in the rounds; a batch of one is apart."""
    held, alone = Conditions(batch_seconds=10.0), Conditions(batch_seconds=5.0)

    def rows(speed: float, peak: float) -> list[Measurement]:
        return [
            Measurement("m", "audio_seconds_per_second", q(speed), "inference", None, held),
            Measurement("m", "peak_memory", Quantity(peak, "B", "measured"), "inference", None, held),
            Measurement("m", "latency_p50", Quantity(0.1, "s", "measured"), "inference", None, alone),
            Measurement("m", "flops", Quantity(8.0, "FLOP", "analytic"), "inference", None, held),
            Measurement("m", "energy", Quantity(8.0, "J", "measured"), "inference", "gpu", held),
        ]

    found = {(row.metric, row.conditions): row.quantity for row in combined([rows(90, 7), rows(160, 9), rows(90, 8)])}
    assert {metric for metric, _ in found} == {"audio_seconds_per_second", "peak_memory", "latency_p50", "flops"}
    assert found["audio_seconds_per_second", held].value == pytest.approx((90 * 160 * 90) ** (1 / 3))
    assert found["peak_memory", held].value == 9
    assert found["flops", held].value == 8
    assert ("latency_p50", alone) in found


def test_orders_are_drawn_by_the_seed_and_differ_between_rounds() -> None:
    cells = [(m, p) for m in "abcd" for p in ("inference", "training")]
    orders = [order_of(cells, 3, number) for number in range(1, 6)]
    assert orders == [order_of(cells, 3, number) for number in range(1, 6)]
    assert all(sorted(order) == cells for order in orders)
    assert len({tuple(order) for order in orders}) == 5
    assert order_of(cells, 4, 1) != orders[0]


def held(within: float, between: float, processes: int, *, level: float = 1.0) -> float:
    """How often the interval of one run holds the middle of all runs, 1: processes scatter by `within`, runs by `between`.

    `level` widens or narrows the interval, to show that the test would see it.
    """
    draw, hits = np.random.default_rng(processes), 0
    for _ in range(3000):
        run = between * draw.standard_normal() + within * draw.standard_normal(processes)
        found = over_processes([q(float(np.exp(v))) for v in run])
        assert found.ci95 is not None
        assert found.value is not None
        low, high = (found.value * (end / found.value) ** level for end in found.ci95)
        hits += low <= 1 <= high
    return hits / 3000


@pytest.mark.parametrize("processes", [2, 3, 5, 10])
def test_the_interval_over_processes_holds_the_middle_of_all_runs(processes: int) -> None:
    """Where runs differ by as much as processes within one, 95 %; where they differ by less, more."""
    assert 0.935 <= held(0.05, 0.05, processes) <= 0.965
    assert held(0.05, 0.0, processes) >= 0.95


def test_a_narrower_interval_over_processes_would_be_seen() -> None:
    assert held(0.05, 0.05, 5, level=1 / math.sqrt(6)) < 0.8


def test_the_interval_over_processes_by_hand() -> None:
    """Logs 0 and 0.1: mean 0.05, deviation 0.0707, t of one degree 12.706, sqrt(1 + 1/2): 1.100."""
    found = over_processes([q(1.0), q(math.exp(0.1))])
    half = 12.7062 * 0.0707107 * math.sqrt(1.5)
    assert found.ci95 == pytest.approx((math.exp(0.05 - half), math.exp(0.05 + half)), rel=1e-4)
    assert "geometric mean of 2 processes" in found.note
    alone = over_processes([q(100.0, (99.0, 101.0))])
    assert alone.ci95 == (99.0, 101.0)
    assert alone.note == "one process only: the interval excludes variance between repeated runs"


def test_energy_of_repeats_adds_up_with_its_errors_and_misses_what_a_part_misses() -> None:
    rows = [Measurement("m", "energy", q(value), "inference", "gpu") for value in (1.0, 2.0)]
    assert [m.quantity.value for m in combined([[row] for row in rows], repeats=True)] == [3.0]
    lacking = [*rows, replace(rows[0], quantity=unavailable(rows[0].quantity.unit, "no counter"))]
    assert [m.quantity.note for m in combined([[row] for row in lacking], repeats=True)] == ["repeat 3: no counter"]
    assert combined([[row] for row in rows]) == []


def test_a_repeat_without_a_figure_is_passed_over() -> None:
    """As if it had not been made; of nothing but such there is the first one's reason."""
    made = [Quantity(value, "s/s", "measured", (0.99 * value, 1.01 * value)) for value in (10.0, 10.5, 9.8)]
    missing = unavailable("s/s", "the cell was killed")
    assert over_processes([made[0], missing, *made[1:]]) == over_processes(made)
    assert over_processes([missing, missing]).value is None


@pytest.mark.parametrize("nothing", [0.0, -1.0])
def test_a_round_that_is_not_positive_is_passed_over(nothing: float) -> None:
    """It has no logarithm; as if it had not been made."""
    made = [q(10.0), q(10.5), q(9.8)]
    assert over_rounds([q(nothing), *made]) == over_rounds(made)
    assert over_processes([q(nothing), *made]) == over_processes(made)
    assert over_rounds([q(nothing, note="first"), q(nothing)]) == q(nothing, note="first")


def test_an_interval_of_logs_has_an_end_however_far_two_values_are_apart() -> None:
    """exp(700) is the largest round power that a float holds."""
    low, high = student_on_logs([1.0, 1e300])
    assert (low, high) == (0.0, math.exp(700))
    assert student_on_logs([1.0, 1.0]) == (1.0, 1.0)
    assert over_processes([q(1.0), q(1e300)]).ci95 == (0.0, math.exp(700))


def test_the_largest_of_rounds_says_of_how_many() -> None:
    peaks = [q(5.0, note="allocator"), q(7.0, note="allocator"), q(6.0)]
    assert largest(peaks) == replace(q(7.0), n=3, note="largest of 3 rounds; allocator")
    assert largest(peaks[:2]).note == "largest of 2 rounds; allocator"
    assert largest([peaks[0], unavailable("B", "killed")]) == peaks[0]
    assert largest([unavailable("B", "killed"), unavailable("B", "no time")]).note == "killed"


def test_what_has_no_interval_has_no_half_width() -> None:
    known = Quantity(4.0, "s", "measured", (3.0, 5.0))
    assert relative_half_width(known) == 0.25
    without = (None, replace(known, ci95=None), replace(known, value=0.0, ci95=(0.0, 1.0)), unavailable("s", "none"))
    assert [relative_half_width(quantity) for quantity in without] == [None] * 4


def test_processes_are_the_observations_where_there_are_several_sets() -> None:
    """Coverage, simulated: processes differ by 3 %, rounds by 2 %; four sets of four rounds."""
    draw, held, by_rounds, runs = np.random.default_rng(3), 0, 0, 1500
    sets = np.repeat(np.arange(4), 4)
    for _ in range(runs):
        logs = 0.03 * draw.standard_normal((2, 4))[:, sets] + 0.02 * draw.standard_normal((2, 16))
        models = [
            [
                Measurement(
                    name, "audio_seconds_per_second", Quantity(float(np.exp(log)), "s/s", "measured"), "training"
                )
                for log in own
            ]
            for name, own in zip("ab", logs, strict=True)
        ]
        rounds = [list(both) for both in zip(*models, strict=True)]
        observed = by_processes(rounds, [int(number) for number in sets])
        of_sets = paired_ratio(*([rows[i].quantity for rows in observed] for i in (0, 1)), "processes").ci95
        of_rounds = paired_ratio(*([rows[i].quantity for rows in rounds] for i in (0, 1))).ci95
        assert of_sets is not None
        assert of_rounds is not None
        held += of_sets[0] <= 1 <= of_sets[1]
        by_rounds += of_rounds[0] <= 1 <= of_rounds[1]
    assert 0.935 < held / runs < 0.965
    assert by_rounds / runs < 0.75


def test_one_set_of_processes_leaves_the_rounds_as_they_are() -> None:
    row = Measurement("a", "audio_seconds_per_second", Quantity(1.0, "s/s", "measured"), "training")
    assert by_processes([[row], [row]], [1, 1]) == [[row], [row]]


@pytest.mark.parametrize(
    ("rounds", "left", "due"),
    [
        ([(1, 9.0)], 1000.0, False),  # how long a round takes is not known yet
        ([(1, 9.0), (1, 3.0)], 1000.0, True),  # building took 6 s, two rounds
        ([(1, 12.0), (1, 3.0)], 1000.0, False),  # three rounds
        ([(1, 12.0), (1, 3.0), (1, 3.0)], 1000.0, True),
        ([(1, 12.0), (1, 3.0), (1, 3.0)], 29.0, False),  # two more sets take 30 s
        ([(1, 12.0), (1, 3.0), (1, 3.0)], 30.0, True),
        ([(1, 9.0), (1, 3.0), (2, 9.0)], 1000.0, False),
        ([(1, 9.0), (1, 3.0), (2, 9.0), (2, 3.0)], 12.0, True),  # the third set takes 12 s
        ([(1, 9.0), (1, 3.0), (2, 9.0), (2, 3.0)], 11.0, False),
    ],
    ids=str,
)
def test_when_fresh_processes_are_due(rounds: list[tuple[int, float]], left: float, due: bool) -> None:  # noqa: FBT001 - a case
    assert renewal_due(rounds, left) is due
