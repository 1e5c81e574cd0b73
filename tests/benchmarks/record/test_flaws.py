"""What speaks against a number travels with it into all that is made of it, and is left out where enough is without."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ssl_benchmarks.cells.rows import mfu
from ssl_benchmarks.comparing.life_cycle import break_even, life_cost
from ssl_benchmarks.comparing.projection import paper_work, projected_energy, projected_hours
from ssl_benchmarks.comparing.ratios import paired_ratio, ratio, ratio_of_largest
from ssl_benchmarks.comparing.rounds import largest, over_processes, over_rounds
from ssl_benchmarks.energy.carbon import GridIntensity, co2e
from ssl_benchmarks.record.details.life import Life
from ssl_benchmarks.record.flaws import DISTURBED, NOT_STEADY, flawed
from ssl_benchmarks.record.intervals import inverse
from ssl_benchmarks.record.quantity import Quantity, added, flaws, total, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record, read_record, write_record

GRID = GridIntensity(56.0, "FRA", 2024, "a table")


def joules(value: float, flaw: str = "") -> Quantity:
    return Quantity(value, "J", "measured", (0.9 * value, 1.1 * value), flaw=flaw)


def speed(value: float, flaw: str = "") -> Quantity:
    return Quantity(value, "s/s", "measured", (0.9 * value, 1.1 * value), flaw=flaw)


def per_hour(value: float, flaw: str = "") -> Quantity:
    return Quantity(value, "J/h", "measured", (0.9 * value, 1.1 * value), flaw=flaw)


def paid_back(use: Quantity) -> Quantity:
    """Break-even of a model that costs more before use, and `use` per hour of it."""
    costs = [
        life_cost(name, joules(before), per_hour(before), each, Life(1, 1.0, 10.0))
        for name, before, each in (("dearer", 100.0, use), ("cheaper", 10.0, per_hour(10.0)))
    ]
    return break_even(*costs)


COUNTED, CEILING = Quantity(2.0, "FLOP/s", "analytic"), Quantity(9.0, "FLOP/s", "measured")
MADE: dict[str, Callable[[str], Quantity]] = {
    "scaled": lambda flaw: joules(2.0, flaw).scaled(0.5, "W"),
    "a sum by parts": lambda flaw: total({"gpu": joules(2.0), "cpu": joules(1.0, flaw)}, "J"),
    "a sum": lambda flaw: added({"one": joules(2.0), "other": joules(1.0, flaw)}, "J"),
    "a rate from a time": lambda flaw: inverse(Quantity(2.0, "s", "measured", flaw=flaw), 4.0, "s/s"),
    "carbon": lambda flaw: co2e(joules(2.0, flaw), GRID, 1.0),
    "hours of a whole training": lambda flaw: projected_hours(speed(2.0, flaw), paper_work()),
    "joules of a whole training": lambda flaw: projected_energy(per_hour(2.0, flaw), paper_work()),
    "a ratio": lambda flaw: ratio(joules(2.0), joules(1.0, flaw)),
    "a ratio the other way": lambda flaw: ratio(joules(2.0, flaw), joules(1.0)),
    "a ratio without an interval": lambda flaw: ratio(Quantity(2.0, "J", "modelled"), joules(1.0, flaw)),
    "a ratio of one round": lambda flaw: paired_ratio([joules(2.0)], [joules(1.0, flaw)]),
    "a ratio by rounds": lambda flaw: paired_ratio([joules(2.0), joules(3.0)], [joules(1.0, flaw), joules(2.0)]),
    "a ratio of the largest": lambda flaw: ratio_of_largest([joules(2.0), joules(3.0)], [joules(1, flaw), joules(2)]),
    "one round": lambda flaw: over_rounds([speed(2.0, flaw)]),
    "few rounds": lambda flaw: over_rounds([speed(2.0, flaw), speed(2.5)]),
    "few processes": lambda flaw: over_processes([speed(2.0, flaw), speed(2.5)]),
    "the largest": lambda flaw: largest([joules(2.0, flaw), joules(1.0)]),
    "MFU": lambda flaw: mfu(speed(2.0, flaw), COUNTED, CEILING),
    "a break-even": lambda flaw: paid_back(per_hour(1.0, flaw)),
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE.keys())
@pytest.mark.parametrize("flaw", ["", DISTURBED, f"{DISTURBED}; {NOT_STEADY}"], ids=["none", "one", "two"])
def test_what_is_made_of_a_flawed_number_is_flawed(made: Callable[[str], Quantity], flaw: str) -> None:
    quantity = made(flaw)
    assert quantity.value is not None
    assert quantity.flaw == flaw


def test_a_flaw_is_told_once_and_of_values_alone() -> None:
    twice = flawed(flawed(joules(1.0, DISTURBED), DISTURBED), NOT_STEADY, "")
    assert twice.flaw == f"{DISTURBED}; {NOT_STEADY}"
    assert flaws([twice, None, joules(1.0, NOT_STEADY), joules(2.0)]) == twice.flaw
    missing = unavailable("J", "no sensor")
    assert flawed(missing, DISTURBED) is missing


@pytest.mark.parametrize("combine", [over_rounds, over_processes], ids=["rounds", "processes"])
def test_flawed_rounds_are_left_out_where_enough_are_without(combine: Callable[[list[Quantity]], Quantity]) -> None:
    """A neighbour halves the speed of one round of four: the other three decide, as if it had never been measured."""
    good = [speed(10.0), speed(10.2), speed(9.9)]
    found = combine([good[0], speed(5.0, DISTURBED), *good[1:]])
    without = combine(good)
    assert (found.value, found.ci95, found.n, found.flaw) == (without.value, without.ci95, 3, "")
    assert "1 of 4 left out (disturbed)" in found.note
    assert combine([speed(10.0), speed(5.0, DISTURBED)]).flaw == DISTURBED, "one alone cannot tell how rounds scatter"


def test_a_pair_of_which_one_is_flawed_is_left_out() -> None:
    ours = [speed(20.0), speed(21.0), speed(20.5), speed(4.0, DISTURBED)]
    theirs = [speed(10.0), speed(10.2, NOT_STEADY), speed(10.1), speed(10.0)]
    found, kept = paired_ratio(ours, theirs), paired_ratio([ours[0], ours[2]], [theirs[0], theirs[2]])
    assert found == replace(kept, note="paired in 2 rounds; 2 of 4 left out (flawed)")
    assert found.flaw == ""


SPEED, MEMORY = "audio_seconds_per_second", "peak_memory"


@pytest.mark.parametrize(
    ("part", "note", "expected"),
    [
        ("m training, round 2", "", {SPEED: DISTURBED, MEMORY: ""}),
        ("clip-seconds=5", "", {SPEED: DISTURBED, MEMORY: ""}),
        ("training, attempt 1", "", {SPEED: DISTURBED, MEMORY: ""}),
        ("m inference, round 2", "", {SPEED: "", MEMORY: ""}),
        ("batch-seconds=15", "", {SPEED: "", MEMORY: ""}),
        ("", "NOT STEADY after 4 calls", {SPEED: NOT_STEADY, MEMORY: NOT_STEADY}),
    ],
)
def test_an_older_record_tells_by_its_notes(part: str, note: str, expected: dict[str, str], tmp_path: Path) -> None:
    held = Conditions(clip_seconds=5.0, batch_seconds=5.0)
    rows = tuple(
        Measurement("m", metric, Quantity(1.0, unit, "measured", note=note), "training", None, held)
        for metric, unit in ((SPEED, "s/s"), (MEMORY, "B"))
    )
    path, seen = tmp_path / "run.json", {part: ["cpu: other processes"]} if part else {}
    write_record(Record("r", "t", "finished", "c", {}, {}, rows, {}, {"disturbances": seen}, kind="training"), path)
    assert read_record(path).measurements == rows, "a record of today has its flaws in its rows"
    document: dict[str, Any] = json.loads(path.read_text())
    for row in document["measurements"]:
        del row["flaw"]
    path.write_text(json.dumps(document))
    assert {row.metric: row.quantity.flaw for row in read_record(path).measurements} == expected
