"""The plots of the page in a real browser: axes, frontier, cards, names, power."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import pytest

from ssl_benchmarks.record.quantity import Quantity
from ssl_reports.reading.axes import energy_axes, memory_axes, metric_axis, rate_axes
from ssl_reports.reading.evidence import Evidence
from ssl_reports.reading.frontier import frontier, plot
from ssl_reports.reading.systems import systems_of

pytestmark = [pytest.mark.slow, pytest.mark.chromium]


def chosen_axes(page: Any, x: str, y: str) -> None:
    page.select_option("#axis-x", label=x)
    page.select_option("#axis-y", label=y)


@pytest.mark.ci
def test_any_two_axes_have_the_points_and_the_frontier_of_the_paper(opened: Any, evidence: Evidence) -> None:
    """Held against `ssl_reports.reading.frontier`, higher and lower being better, and with a size that stands in the other record alone."""
    systems = systems_of(evidence.records, evidence.labels)
    axes = [
        metric_axis("flops_per_audio_second", "training"), metric_axis("audio_seconds_per_second", "inference"),
        metric_axis("parameters", "inference"), *energy_axes()[2:3], *memory_axes(), *rate_axes(systems, "cer"),
    ]  # fmt: skip
    page = opened.page
    page.locator("#as-table summary").click()
    for x, y in permutations(axes, 2):
        chosen_axes(page, x.name, y.name)
        found = plot(systems, x, y)
        best = {id(point) for point in frontier([p.point for p in found.placed], high_x=x.high, high_y=y.high)}
        wanted = {(p.y.model.strip(), p.run, "yes" if id(p.point) in best else "no") for p in found.placed}
        rows = page.locator("#pareto-table tbody tr").evaluate_all(
            "rows => rows.map(row => [...row.children].map(cell => cell.textContent.trim()))"
        )
        assert {(row[0], row[1], row[-1]) for row in rows} == wanted
        assert len(rows) == len(found.placed) > 10
        drawn = page.evaluate("() => ['x', 'y'].map(side => [...document.getElementById('pareto').data[2][side]])")
        for shown, held in zip(drawn, zip(*(p.point.at for p in found.placed), strict=True), strict=True):
            # In other units, so as shares of the largest.
            assert [value / max(shown) for value in sorted(shown)] == pytest.approx(
                [value / max(held) for value in sorted(held)], rel=1e-6
            )


def test_the_plots_table_marks_the_source_of_each_number(opened: Any) -> None:
    """Modelled energy has the paper's sign, and the legend says what it means."""
    page = opened.page
    page.locator("#as-table summary").click()
    assert "m" in page.locator("#pareto-table sup").all_inner_texts()
    assert "modelled: an estimate, not metered" in page.locator("#as-table > p").inner_text()


def test_axes_switch_to_logarithmic_and_back(opened: Any) -> None:
    page = opened.page
    chosen_axes(page, "peak memory of training", "parameters")
    kinds = "() => ['xaxis', 'yaxis'].map(axis => document.getElementById('pareto').layout[axis].type)"
    assert page.evaluate(kinds) == ["log", "log"]
    page.locator("#log-x").uncheck()
    assert page.evaluate(kinds) == ["linear", "log"]
    page.locator("#swap").click()
    assert "Parameters" in page.locator("#pareto .xtitle").text_content()


def test_a_point_under_the_mouse_shows_its_card(opened: Any) -> None:
    page = opened.page
    page.locator("#pareto").scroll_into_view_if_needed()
    names = page.locator("#points option").all_inner_texts()
    at = page.locator("#pareto .scatterlayer .trace .points path").first.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2 - 30, at["y"] + at["height"] / 2 - 30)
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2, steps=4)
    page.wait_for_selector("#card h3")
    card = page.locator("#card").inner_text()
    assert any(card.splitlines()[0] in name for name in names)
    assert "energy per audio hour of training (GPU)" in card
    assert re.search(r"^run\n(first|second)$", card, re.MULTILINE)
    assert re.search(r"measured|modelled", card)


def test_points_side_by_side_are_both_named_and_ticks_are_whole_numbers(
    open_page: Callable[..., Any], write_page: Callable[..., Path], evidence: Evidence, tmp_path: Path
) -> None:
    """A logarithmic axis reads 20, 50, 100, and not 2, 5, 100."""
    first = evidence.records[0]
    memory = {"model-0": 1.00, "model-1": 1.01, "model-2": 20.0}
    rows = tuple(
        replace(row, quantity=Quantity(memory[row.model] * 2.0**30, "B", "measured"))
        if row.metric == "peak_memory"
        else row
        for row in first.measurements
        if row.model in memory
    )
    file = write_page(Evidence((replace(first, measurements=rows),)), tmp_path / "near.html")
    opened = open_page(file)
    chosen_axes(opened.page, "peak memory of training", "peak memory of inference")
    names = opened.page.evaluate("() => document.getElementById('pareto').data[2].text")
    assert sorted(names) == sorted(memory)
    ticks = [float(text.replace(",", "")) for text in opened.page.locator("#pareto .xtick text").all_text_contents()]
    assert ticks == sorted(set(ticks))
    assert len(ticks) >= 3
    opened.end(file)


def test_two_points_have_no_frontier(
    open_page: Callable[..., Any], write_page: Callable[..., Path], evidence: Evidence, tmp_path: Path
) -> None:
    first = evidence.records[0]
    rows = tuple(row for row in first.measurements if row.model in {"model-0", "model-1"})
    file = write_page(Evidence((replace(first, measurements=rows),)), tmp_path / "two.html")
    opened = open_page(file)
    assert "Fewer than three points" in opened.page.locator("#pareto-said").inner_text()
    assert opened.page.evaluate("() => document.getElementById('pareto').data[1].x.length") == 0
    opened.end(file)


def test_figures_of_others_are_context(
    open_page: Callable[..., Any], write_page: Callable[..., Path], evidence: Evidence, tmp_path: Path
) -> None:
    """A published model that costs nothing and errs never is grey, and takes nobody's place on the frontier."""
    first = evidence.records[0]
    best = {"energy_per_audio_hour": 1e-3, "cer": 1e-4}
    rows = [
        replace(
            row, model="theirs", quantity=Quantity(best[row.metric], row.quantity.unit, "published", note="a paper")
        )
        for row in first.measurements
        if row.model == "model-0" and row.metric in best and row.phase in {"training", "evaluation"}
    ]
    opened = [
        open_page(write_page(Evidence((each,)), tmp_path / f"{number}.html"))
        for number, each in enumerate((first, replace(first, measurements=(*first.measurements, *rows))))
    ]
    frontiers = []
    for each in opened:
        chosen_axes(
            each.page,
            "energy per audio hour of training (GPU)",
            "character error rate on dev (linear head on frozen features)",
        )
        each.page.locator("#as-table summary").click()
        lines = each.page.locator("#pareto-table tbody tr").all_inner_texts()
        frontiers.append([line for line in lines if line.endswith("yes")])
    assert any(line.startswith("theirs") and line.endswith("no") for line in lines)
    assert frontiers[0] == frontiers[1] != []
    for each in opened:
        each.context.close()


def test_names_in_the_plot_do_not_cover_each_other(opened: Any) -> None:
    boxes = [
        text.bounding_box() for text in opened.page.locator("#pareto .textpoint text").all() if text.text_content()
    ]
    assert len(boxes) > 5
    for one, two in combinations(boxes, 2):
        apart = one["x"] + one["width"] <= two["x"] or two["x"] + two["width"] <= one["x"]
        assert apart or one["y"] + 14 <= two["y"] or two["y"] + 14 <= one["y"]


def test_intervals_lie_under_the_points(opened: Any) -> None:
    """The trace of the intervals is drawn before that of the points, whose markers are not transparent."""
    first, *_, points, _ring = opened.page.evaluate("() => document.getElementById('pareto')._fullData")
    assert first["error_x"]["visible"]
    assert first["error_y"]["visible"]
    assert "array" not in points["error_x"]
    assert points["marker"]["opacity"] == 1


def test_a_plot_is_downloaded_as_svg(opened: Any) -> None:
    page = opened.page
    page.locator("#pareto").hover()
    with page.expect_download() as download:
        page.locator("#pareto .modebar-btn").first.click()
    assert "<svg" in Path(download.value.path()).read_text(encoding="utf-8")
    opened.requests[:] = opened.requests[:1]


def test_power_zooms(opened: Any) -> None:
    """By plotly's own buttons, and by dragging."""
    page = opened.page
    span = "() => { const [low, high] = document.getElementById('power').layout.xaxis.range; return high - low; }"
    whole = page.evaluate(span)
    page.locator("#power").hover()
    page.locator("#power [data-title='Zoom in']").click()
    assert page.evaluate(span) == pytest.approx(whole / 2)
    page.locator("#power [data-title='Reset axes']").click()
    assert page.evaluate(span) == pytest.approx(whole)
    box = page.locator("#power .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 50, steps=4)
    page.mouse.up()
    assert page.evaluate(span) == pytest.approx(whole / 4, rel=0.05)
    assert "Thinned for display: 6,000 samples" in page.locator("#power-said").inner_text()
    page.select_option("#power-run", label="second")
    assert page.evaluate(span) == pytest.approx(whole)
    assert page.locator("#power-table th", has_text="second").count() == 2
