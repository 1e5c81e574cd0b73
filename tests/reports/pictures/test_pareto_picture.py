"""Pareto plots: who has a place and why not, where the line runs, and names that can be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ssl_benchmarks.record.quantity import Method, Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_reports.pictures.drawing import Drawing
from ssl_reports.pictures.pareto import pareto_picture
from ssl_reports.pictures.style import GREY, print_style
from ssl_reports.reading.axes import (
    COSTS,
    Axis,
    axis_unit,
    cost_axes,
    energy_axes,
    error_axes,
    flops_axes,
    memory_axes,
    metric_axis,
)
from ssl_reports.reading.frontier import Plot, best_plot, plot
from ssl_reports.reading.systems import System, arranged, published_systems, systems_of

RATED = Conditions(task="asr", head="linear", labels="1h", tested_on="dev")


@pytest.fixture(autouse=True)
def _style() -> Iterator[None]:
    with print_style():
        yield


def record(name: str, *rows: Measurement, device: str = "cpu") -> Record:
    return Record(name, "", "finished", "", {"device": device}, {}, rows, kind="evaluation")


def trained(model: str, joules: float, *, scope: str = "machine", method: Method = "measured") -> list[Measurement]:
    return [
        Measurement(model, "audio_hours_seen", Quantity(2.0, "h", "measured"), "training"),
        Measurement(model, "flops_per_audio_second", Quantity(5.0, "FLOP/s", "analytic"), "training"),
        Measurement(model, "energy", Quantity(10.0, "J", method, (9.0, 12.0)), "targets", scope),
        Measurement(model, "energy", Quantity(joules, "J", method, (joules - 1, joules + 1)), "training", scope),
    ]


def rated(model: str, error: float | None, metric: str = "cer") -> Measurement:
    quantity = unavailable("1", "out of memory") if error is None else Quantity(error, "1", "measured")
    return Measurement(model, metric, quantity, "evaluation", None, RATED)


def energy_plot(*records: Record) -> Plot:
    systems = systems_of(records)
    found = best_plot(systems, energy_axes(), error_axes(systems))
    assert found is not None
    return found


def at(found: Plot) -> dict[str, tuple[float, float]]:
    return {placed.point.name: placed.point.at for placed in found.placed}


def test_energy_is_that_of_targets_and_training_together() -> None:
    found = energy_plot(record("r", *trained("a", 100.0), rated("a", 0.2)))
    assert at(found) == {"a": (110.0, 0.2)}
    assert found.placed[0].point.x.ci95 == (108.0, 113.0)
    assert found.x.name == "energy of pretraining (whole machine)"
    assert found.y.name == "character error rate on dev (linear head on frozen features)"


def test_flops_of_the_hours_seen_by_hand() -> None:
    """5 FLOP a second, 2 h."""
    systems = systems_of([record("r", *trained("a", 1.0), rated("a", 0.2))])
    found = best_plot(systems, flops_axes(), error_axes(systems))
    assert found is not None
    assert at(found) == {"a": (36_000.0, 0.2)}


def test_a_cost_in_the_one_other_record_that_has_it_is_found() -> None:
    found = energy_plot(record("cost", *trained("a", 5.0)), record("gives", rated("a", 0.2)))
    assert at(found) == {"a": (15.0, 0.2)}
    assert (found.placed[0].run, found.placed[0].x_run) == ("gives", "cost")


def test_of_several_costs_elsewhere_none_is_chosen() -> None:
    several = [record(name, *trained("a", 5.0)) for name in ("one", "two")]
    found = energy_plot(*several, record("gives", rated("a", 0.2)))
    assert found.missing == {
        "a": "no energy of pretraining (GPU); character error rate on dev (linear head on frozen features) 20.0 %"
    }


def test_runs_of_one_model_are_told_apart() -> None:
    found = energy_plot(*(record(n, *trained("a", 5.0), rated("a", 0.2)) for n in ("x", "x", "y")))
    assert list(at(found)) == ["a (x #1)", "a (x #2)", "a (y)"]


def test_joules_of_a_gpu_never_share_an_axis_with_those_of_a_machine() -> None:
    on_gpu = record("g", *trained("b", 5.0, scope="gpu"), rated("b", 0.1), device="cuda")
    found = energy_plot(record("m", *trained("a", 5.0), rated("a", 0.2), *trained("c", 6.0), rated("c", 0.3)), on_gpu)
    assert set(at(found)) == {"a", "c"}
    assert found.missing == {
        "b": "no energy of pretraining (whole machine); character error rate on dev (linear head on frozen features) 10.0 %"
    }


def test_the_window_of_a_measurement_is_no_pretraining() -> None:
    window = [Measurement("a", "energy", Quantity(5.0, "J", "measured"), "training", "machine"), rated("a", 0.2)]
    assert energy_plot(record("r", *window)).placed == ()


def test_a_rate_per_hour_stands_in_where_more_models_have_one() -> None:
    rates = [
        Measurement(m, "energy_per_audio_hour", Quantity(7.0, "J/h", "measured"), "training", "machine") for m in "ab"
    ]
    found = energy_plot(record("r", *rates, *trained("a", 5.0), rated("a", 0.2), rated("b", 0.3)))
    assert found.x.name == "energy per audio hour of training (whole machine)"
    assert at(found) == {"a": (7.0, 0.2), "b": (7.0, 0.3)}


def test_error_rates_with_a_value_in_their_order() -> None:
    systems = systems_of([record("r", rated("a", None, "cer"), rated("a", 0.4, "per"), rated("a", 0.3, "wer"))])
    assert [axis.label for axis in error_axes(systems)] == ["Word error rate", "Phone error rate"]


def test_the_error_rate_that_most_models_have_first_cer_where_as_many_have_it() -> None:
    rows = [*trained("a", 5.0), rated("a", 0.2), rated("a", 0.4, "per"), *trained("b", 6.0), rated("b", 0.5, "per")]
    assert at(energy_plot(record("r", *rows))) == {"a": (15.0, 0.4), "b": (16.0, 0.5)}
    assert at(energy_plot(record("r", *rows, rated("b", 0.1)))) == {"a": (15.0, 0.2), "b": (16.0, 0.1)}


def test_each_model_without_a_place_has_its_reason_beside_the_caption() -> None:
    """For the folder's README; its error rate is in the table behind the figure."""
    rows = [*trained("a", 5.0), rated("a", 0.2), rated("b", 0.3), rated("log-mel", 0.4), rated("c", None)]
    drawing = pareto_picture("x", energy_plot(record("r", *rows)))
    assert "b, log-mel (no energy of pretraining (whole machine));" in drawing.omitted
    assert [str(row["left_out"])[-6:] for row in drawing.rows if row["left_out"]][:2] == ["30.0 %", "40.0 %"]
    assert "c (out of memory)" in drawing.omitted
    assert "out of memory" not in drawing.caption
    assert {row["model"]: row["left_out"] for row in drawing.rows if row["left_out"]}.keys() == {"b", "log-mel", "c"}


@pytest.mark.parametrize(
    ("models", "said"),
    [([], "no model has both values."), (["a"], "one model has both values; see the tables."),
     (["a", "b"], "2 of the models have both values; see the tables.")],
    ids=["none", "one", "two"],
)  # fmt: skip
def test_fewer_than_three_points_are_no_figure(models: list[str], said: str) -> None:
    rows = [row for model in models for row in (*trained(model, 5.0), rated(model, 0.2))]
    drawing = pareto_picture("x", energy_plot(record("r", rated("z", 0.2), *rows)))
    assert drawing.canvas is None
    assert drawing.caption.startswith("No figure of character error rate")
    assert said in drawing.caption
    assert len(drawing.rows) == len(models) + 1


def drawn(*models: tuple[str, float, float], method: Method = "measured") -> Drawing:
    rows = [row for name, x, y in models for row in (*trained(name, x, method=method), rated(name, y))]
    return pareto_picture("x", energy_plot(record("r", *rows)))


def test_the_line_is_a_staircase_through_the_frontier() -> None:
    """At 3,600, 7,200 and 10,800 J, the targets' 10 J included; the second has the higher error of its neighbours."""
    drawing = drawn(("a", 3590.0, 0.30), ("b", 10790.0, 0.10), ("c", 7190.0, 0.35))
    assert drawing.canvas is not None
    (axes,) = drawing.canvas.axes
    (line,) = (each for each in axes.lines if each.get_label() == "frontier")
    x, y = (list(map(float, data)) for data in (line.get_xdata(), line.get_ydata()))
    assert x == pytest.approx([1.0, 1.0, 1.0, 3.0, 3.0, axes.get_xlim()[1]])
    assert y == pytest.approx([axes.get_ylim()[1], axes.get_ylim()[1], 30.0, 30.0, 10.0, 10.0])
    assert [row["on_frontier"] for row in drawing.rows] == ["yes", "yes", "no"]


def test_more_is_better_for_some_metrics() -> None:
    speed = [Measurement(m, "audio_seconds_per_second", Quantity(v, "s/s", "measured"), "inference") for m, v in
             (("slow", 1.0), ("fast", 9.0), ("slower", 0.5))]  # fmt: skip
    systems = systems_of([record("r", *speed, *(rated(name, 0.2) for name in ("slow", "fast", "slower")))])
    found = plot(systems, metric_axis("audio_seconds_per_second", "inference"), error_axes(systems)[0])
    drawing = pareto_picture("x", found)
    assert {row["model"]: row["on_frontier"] for row in drawing.rows} == {"slow": "no", "fast": "yes", "slower": "no"}
    assert "Higher is better on the x axis, lower on the y axis" in drawing.caption


FAR = (("m", 500.0, 0.9), ("n", 500.0, 0.92))
"""Two points far from the one in question."""


def test_a_model_is_no_measurement() -> None:
    drawing = drawn(("a", 5.0, 0.3), *FAR, method="modelled")
    assert drawing.canvas is not None
    mark = next(line for line in drawing.canvas.axes[0].lines if line.get_label() == "modelled")
    assert mark.get_markerfacecolor() == "white"
    assert "against the energy of pretraining (whole machine, modelled)." in drawing.caption


def names(drawing: Drawing) -> list[str]:
    assert drawing.canvas is not None
    return [text.get_text() for text in drawing.canvas.axes[0].texts if text.get_text()]


@settings(max_examples=8)
@given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(0.01, 1.0)), min_size=3, max_size=15))
def test_names_as_drawn_lie_apart(places: list[tuple[float, float]]) -> None:
    """By the extents that matplotlib itself gives to the texts, at the resolution of the written picture."""
    assume(max(x for x, _ in places) > 2 * min(x for x, _ in places) + 10)  # where all cost the same, nothing is drawn
    drawing = drawn(*((f"model number {n}", x, y) for n, (x, y) in enumerate(places)))
    assert drawing.canvas is not None
    assert len(names(drawing)) == len(places)
    drawing.canvas.set_dpi(300)
    drawing.canvas.draw_without_rendering()
    boxes = [text.get_window_extent() for text in drawing.canvas.axes[0].texts if text.get_text()]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def barred() -> Drawing:
    """Three points, one of which has intervals each way that are worth avoiding."""
    error = replace(rated("a-long-name", 0.2), quantity=Quantity(0.2, "1", "measured", (0.1, 0.3)))
    rows = [row for name, x, y in FAR for row in (*trained(name, x), rated(name, y))]
    return pareto_picture("x", energy_plot(record("r", *trained("a-long-name", 100.0), error, *rows)))


def test_a_name_does_not_lie_on_the_bar_of_its_point() -> None:
    """Bars as matplotlib drew them, two each way; there is room at their sides."""
    drawing = barred()
    assert drawing.canvas is not None
    drawing.canvas.draw_without_rendering()
    (axes,) = drawing.canvas.axes
    text = next(text for text in axes.texts if text.get_text() == "a-long-name")
    name = text.get_window_extent()
    bars = [axes.transData.transform(stroke) for bars in axes.collections for stroke in bars.get_segments()]
    assert len(bars) == 4
    for (left, bottom), (right, top) in bars:
        assert name.x1 < left or name.x0 > right or name.y1 < bottom or name.y0 > top


def test_bars_lie_under_the_points_and_over_the_frontier() -> None:
    drawing = barred()
    assert drawing.canvas is not None
    (axes,) = drawing.canvas.axes
    bars = [each.get_zorder() for each in axes.collections]
    caps = [line.get_zorder() for line in axes.lines if line.get_marker() in {"|", "_"}]
    points = [line.get_zorder() for line in axes.lines if line.get_marker() in {"o", "s", "^", "D"}]
    (staircase,) = (line.get_zorder() for line in axes.lines if line.get_label() == "frontier")
    assert len(caps) == 3
    assert staircase < min(bars + caps) <= max(bars + caps) < min(points)


def test_published_models_are_context() -> None:
    """They are drawn, named apart from the records' own model of that name, and dominate nothing."""
    own = [
        row
        for m, x, y in (("a", 3.0, 0.5), ("b", 2.0, 0.6), ("hubert-base", 1.0, 0.9))
        for row in (*trained(m, x), rated(m, y))
    ]
    better = [Measurement("hubert-base", "energy", Quantity(1e-3, "J", "published"), "training", "machine"),
              replace(rated("hubert-base", 0.1), quantity=Quantity(0.1, "1", "published"))]  # fmt: skip
    rows = {(row.metric, row.phase, row.scope): [row] for row in better}
    context = System("published", "hubert-base", "machine", rows, elsewhere=True)
    systems = [*systems_of([record("r", *own)]), context]
    found = best_plot(systems, energy_axes(), error_axes(systems))
    assert found is not None
    drawing = pareto_picture("x", found)
    assert drawing.canvas is not None
    assert {row["model"] for row in drawing.rows if row["on_frontier"] == "yes"} == {"a", "b", "hubert-base"}
    assert set(names(drawing)) == {"a", "b", "hubert-base", "hubert-base (published)"}
    assert "the line is the frontier (3 of 3)" in drawing.caption
    assert "Published numbers are context" in drawing.caption
    (mark,) = (line for line in drawing.canvas.axes[0].lines if line.get_label() == "published")
    assert mark.get_color() == GREY


def test_published_models_fill_no_gap_and_are_never_left_out() -> None:
    systems = [*systems_of([record("r", rated("hubert-base", 0.5, "wer"))]), *published_systems()]
    found = plot(systems, *_device_hours_and_wer(systems))
    assert set(found.missing) == {"hubert-base"}
    assert all(placed.point.elsewhere for placed in found.placed)


def _device_hours_and_wer(systems: list[System]) -> tuple[Axis, Axis]:
    return cost_axes("device-hours")[0], next(axis for axis in error_axes(systems) if axis.label.startswith("Word"))


@pytest.mark.parametrize("cost", COSTS)
def test_any_cost_is_an_axis(cost: str) -> None:
    """Of each cost a record with every metric has a value."""
    units = {"energy": "J", "co2e": "g", "device_hours": "h", "peak_memory": "B", "parameters": "1", "audio_hours_seen": "h",
             "flops_per_audio_second": "FLOP/s", "audio_seconds_per_second": "s/s", "latency_p50": "s", "energy_per_audio_hour": "J/h"}  # fmt: skip
    rows = [
        Measurement("a", metric, Quantity(2.0, unit, "measured"), phase, "machine" if metric in {"energy", "co2e", "energy_per_audio_hour"} else None)
        for metric, unit in units.items() for phase in ("training", "inference")
    ]  # fmt: skip
    (system,) = systems_of([record("r", *rows)])
    assert any(axis.find(system) is not None for axis in cost_axes(cost))


def test_names_and_order_are_the_user_s() -> None:
    systems = systems_of([record("r", rated("a", 0.1), rated("b", 0.2)), record("s", rated("a", 0.3))])
    found = arranged(systems, {"a (s)": "Ours", "b": "Theirs"}, ("a (s)", "b"))
    assert [(system.run, system.model) for system in found] == [("s", "Ours"), ("r", "Theirs"), ("r", "a")]


def test_of_many_points_only_the_frontier_is_named() -> None:
    drawing = drawn(("best", 1.0, 0.01), *((f"m{n}", 2.0 + n, 0.5) for n in range(40)))
    assert names(drawing) == ["best"]
    assert "Only points on the frontier are named, at most 12" in drawing.caption


def test_a_long_frontier_is_named_from_end_to_end() -> None:
    drawing = drawn(*((f"m{n}", 1.0 + n, 0.9 - n / 100) for n in range(60)))
    assert drawing.canvas is not None
    assert {row["on_frontier"] for row in drawing.rows} == {"yes"}
    assert len(names(drawing)) == 12
    assert {"m0", "m59"} <= set(names(drawing))


def test_a_name_that_looks_like_mathematics_is_a_name() -> None:
    assert names(drawn(("a_$x^2$", 5.0, 0.3), *FAR))[0] == "a_$x^2$"


def test_what_differs_between_costs_is_said() -> None:
    held = [
        replace(row, conditions=Conditions(device=d)) for n, d in enumerate("abc") for row in trained(d, 5.0 + 9 * n)
    ]
    drawing = pareto_picture("x", energy_plot(record("r", *held, *(rated(name, 0.2) for name in "abc"))))
    assert "Costs were measured under different conditions (device)." in drawing.caption


@pytest.mark.parametrize(
    ("values", "unit", "percent", "expected"),
    [
        ([3.6e6, 7.2e6], "J", False, (1 / 3.6e6, "kWh")),
        ([1e14, 1e21], "FLOP", False, (1.0, "FLOP")),
        ([2.0**30], "B", False, (2.0**-30, "GiB")),
        ([2.0**20], "B", False, (2.0**-20, "MiB")),
        ([0.5], "1", True, (100.0, "%")),
        ([0.5], "1", False, (1.0, "")),
        ([3.0], "h", False, (1.0, "h")),
        ([2e6, 9e6], "1", False, (1e-6, "M")),
    ],
)
def test_units_by_hand(values: list[float], unit: str, percent: bool, expected: tuple[float, str]) -> None:  # noqa: FBT001
    factor, name = axis_unit(values, unit, percent=percent)
    assert (factor, name) == (pytest.approx(expected[0]), expected[1])


def test_memory_of_training_comes_before_that_of_inference() -> None:
    memory = [Measurement("a", "peak_memory", Quantity(v, "B", "measured"), p) for p, v in
              (("inference", 1.0), ("training", 2.0))]  # fmt: skip
    systems = systems_of([record("r", *memory, rated("a", 0.2))])
    found = best_plot(systems, memory_axes(), error_axes(systems))
    assert found is not None
    assert at(found) == {"a": (2.0, 0.2)}


def test_a_cost_that_a_budget_set_is_no_axis() -> None:
    """At 3,600 J each, what an hour of audio costs is drawn instead; without it there is no figure."""
    per_hour = {"a": 500.0, "b": 600.0, "c": 2000.0}
    rows = [
        row
        for name, error in (("a", 0.2), ("b", 0.3), ("c", 0.4))
        for row in (*trained(name, 3600.0), rated(name, error))
    ]
    level = energy_plot(record("r", *rows))
    assert level.level
    assert pareto_picture("x", level).caption.endswith("all models cost about the same; see the tables.")
    more = [
        Measurement(m, "energy_per_audio_hour", Quantity(v, "J/h", "measured"), "training", "machine")
        for m, v in per_hour.items()
    ]
    found = energy_plot(record("r", *rows, *more))
    assert found.x.name == "energy per audio hour of training (whole machine)"
    assert not found.level
    assert pareto_picture("x", found).canvas is not None


def test_one_test_is_named_by_its_labels_only_where_two_differ_in_nothing_else() -> None:
    other = replace(rated("a", 0.3), conditions=replace(RATED, labels="10min"))
    tuned = replace(rated("a", 0.1), conditions=replace(RATED, task="asr-finetune"))
    names = [axis.name for axis in error_axes(systems_of([record("r", rated("a", 0.2), other, tuned)]))]
    assert names == [
        "character error rate on dev (linear head on frozen features, 1h of labels)",
        "character error rate on dev (linear head on frozen features, 10min of labels)",
        "character error rate on dev (fine-tuned with a linear head)",
    ]
