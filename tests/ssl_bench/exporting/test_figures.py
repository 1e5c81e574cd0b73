"""Rows and curves under names that trackers accept: none is lost, none is renamed into another, nothing missing is a number."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_bench.exporting.figures import Figure, curve_moments, figures_of, part, settings_of, start_of
from ssl_bench.sessions.run_folder import RunFolder
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, read_run

RESULTS = Path(__file__).parents[3] / "docs" / "results"
ACCEPTED = re.compile(r"[/\w.\- ]{1,250}", re.ASCII)
"""By MLflow, the strictest of the trackers."""


@pytest.mark.parametrize("path", sorted(RESULTS.rglob("run.json")), ids=lambda path: path.parent.name)
def test_each_row_of_a_real_record_is_a_figure_of_its_own(path: Path) -> None:
    record = read_run(path)
    found = figures_of(record.measurements)
    assert len({figure.name for figure in found}) == len(found) == len(record.measurements)
    for figure, row in zip(found, record.measurements, strict=True):
        assert ACCEPTED.fullmatch(figure.name)
        assert figure.quantity == row.quantity
        assert figure.about["model"] == row.model
        for name, value in row.row().items():  # every column is in the number, its ends, or what is known of it
            if value not in (None, "") and name not in {"value", "ci95"}:
                assert figure.words[name] == value


def test_rows_of_one_name_are_told_apart_by_what_differs() -> None:
    one = Measurement(
        "m", "energy", Quantity(1.0, "J", "modelled"), "inference", "machine", Conditions(clip_seconds=5.0, dtype="x")
    )
    other = replace(one, conditions=Conditions(clip_seconds=10.0, dtype="x"))
    names = [figure.name for figure in figures_of([one, other, other])]
    assert names == ["m/inference/energy/machine/clip_seconds 5.0", "m/inference/energy/machine/clip_seconds 10.0",
                     "m/inference/energy/machine/clip_seconds 10.0 2"]  # fmt: skip
    assert figures_of([one])[0].name == "m/inference/energy/machine"


def test_what_is_unavailable_has_a_reason_and_no_number() -> None:
    figure = Figure("x", unavailable("J", "no counter"))
    assert figure.numbers == {}
    assert figure.words == {"unit": "J", "method": "unavailable", "note": "no counter"}


def test_an_interval_is_two_numbers_beside_the_value() -> None:
    figure = Figure("x", Quantity(2.0, "s", "measured", (1.0, 3.0), 5))
    assert figure.numbers == {"x": 2.0, "x/ci95_low": 1.0, "x/ci95_high": 3.0}


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_is_accepted(text: str) -> None:
    assert ACCEPTED.fullmatch(part(text))
    assert part(text) not in {".", ".."}


@given(st.lists(st.text(min_size=120, max_size=140), min_size=2, max_size=2, unique=True))
def test_long_names_stay_apart(texts: list[str]) -> None:
    assert part(texts[0]) != part(texts[1])


def test_a_curve_has_its_rate_its_costs_and_their_methods(run: Path) -> None:
    record, lines = read_run(run), RunFolder(run).metrics()
    first, second, *_ = list(curve_moments(record, lines, {}))
    values = {figure.name: figure.quantity for figure in second.figures}
    assert (second.step, values["training/loss"].value) == (10, 2.0)
    assert values["training/audio_seconds_per_second"].value == pytest.approx(40.0)
    assert "training/audio_seconds_per_second" not in {figure.name for figure in first.figures}
    assert (values["training/energy/machine"].value, values["training/energy/machine"].method) == (56.0, "modelled")
    assert values["training/co2e/machine"].value == pytest.approx(56.0 / 3.6e6 * 56.039)
    assert (values["training/power/machine"].value, values["training/power/machine"].unit) == (28.0, "W")
    assert values["training/energy/gpu"].value is None
    assert "training/power/gpu" not in values
    assert second.time_s == pytest.approx((start_of(record.details["attempts"][0]["started"]) or 0) + 2.0)


@pytest.mark.parametrize("spoilt", [{"step": 2**70}, {"seconds": 1e300}, {"step": -1}], ids=str)
def test_a_line_that_no_tracker_holds_is_left_out(run: Path, spoilt: dict[str, float]) -> None:
    record, lines = read_run(run), RunFolder(run).metrics()
    lines[1] |= spoilt
    assert [moment.step for moment in curve_moments(record, lines, {})] == [5, 15, 20]


def test_odd_values_of_a_line_are_left_out(run: Path) -> None:
    """What is no number, or has no name of ours."""
    odd = json.loads('{"step": 5, "loss": true, "A b": 1, "note": "text", "own_metric": 2.5}')
    (moment,) = curve_moments(read_run(run), [odd], {})
    assert {figure.name: figure.quantity.value for figure in moment.figures} == {"training/own_metric": 2.5}


@pytest.mark.parametrize("text", ["", "yesterday", "9999-99-99", None, "0001-01-01T00:00:00"])
def test_what_is_no_time_is_none(text: str | None) -> None:
    assert start_of(text) is None


def test_settings_are_flat_texts(run: Path) -> None:
    found = settings_of(read_run(run))
    assert (found["minutes"], found["country"]) == ("10.0", "FRA")
    assert "steps" not in found
    record = replace(read_run(run), config={"a": {"b": {"c": 1}}, "n": None, "": 3})
    assert settings_of(record)["a.b.c"] == "1"
