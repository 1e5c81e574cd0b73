"""The page in a real browser: sorting, filters, units, axes, cards, keys, themes; nothing is asked of any network."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Record
from ssl_reports.page.page import report_page
from ssl_reports.reading.axes import energy_axes, memory_axes, metric_axis, rate_axes
from ssl_reports.reading.claims import claims
from ssl_reports.reading.evidence import Evidence
from ssl_reports.reading.frontier import frontier, plot
from ssl_reports.reading.systems import systems_of
from ssl_reports.report import paper_tables, table_forms
from ssl_reports.tables.table import Column, plain_number

if TYPE_CHECKING:
    import pandas as pd

pytestmark = [pytest.mark.slow, pytest.mark.chromium]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


def write(evidence: Evidence, path: Path, traces: dict[int, pd.DataFrame] | None = None) -> Path:
    found = claims(evidence)
    tables = paper_tables(evidence, found)
    page = report_page("Report", evidence, tables[:-1], found, traces or {}, forms=table_forms(tables))
    path.write_text(page, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def file(evidence: Evidence, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import pandas as pd

    trace = pd.DataFrame(
        {
            "time_s": [number / 10 for number in range(3000)] * 2, "device": ["gpu"] * 3000 + ["cpu"] * 3000,
            "power_w": [float(number % 90) for number in range(6000)], "method": ["sampled"] * 3000 + ["modelled"] * 3000,
            "part": ["a"] * 6000,
        }
    )  # fmt: skip
    return write(evidence, tmp_path_factory.mktemp("page") / "report.html", {0: trace, 1: trace})


class Opened:
    """A page, with what it asked for and what it complained of."""

    def __init__(self, browser: Any, file: Path, **context: Any) -> None:
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("html[data-ready]", state="attached", timeout=120_000)

    def column(self, name: str) -> list[str]:
        """The texts of a column of the results."""
        heads = self.page.locator("#results thead th").all_inner_texts()
        (number,) = (n for n, head in enumerate(heads) if head.startswith(name))
        return [
            text.strip()
            for text in self.page.locator(
                f"#results tbody tr:not(.details) > :nth-child({number + 1})"
            ).all_inner_texts()
        ]

    def press(self, name: str) -> None:
        """The head of a column, until it has sorted."""
        head = self.page.locator("#results thead th", has_text=name).first
        before = head.get_attribute("aria-sort")
        head.click()
        self.page.wait_for_function(
            "([head, before]) => head.getAttribute('aria-sort') !== before", arg=[head.element_handle(), before]
        )

    def end(self, file: Path) -> None:
        """Only the page itself was asked for, and nothing was complained of."""
        assert self.requests == [file.as_uri()]
        assert self.complaints == []
        self.context.close()


@pytest.fixture
def opened(browser: Any, file: Path) -> Iterator[Opened]:
    opened = Opened(browser, file, viewport={"width": 1300, "height": 900}, color_scheme="light")
    yield opened
    opened.end(file)


def choose_table(page: Any, caption: str) -> None:
    page.locator("#tables label", has_text=caption).click()


def numbers(texts: list[str]) -> list[float]:
    """The first number of each, or none where there is none."""
    found = [re.match(r"[-\d.,]+(e-?\d+)?", text) for text in texts]
    return [float(each[0].replace(",", "")) for each in found if each]


def test_a_column_sorts_both_ways_and_says_so(opened: Opened) -> None:
    choose_table(opened.page, "Cost of inference")
    opened.press("speed")
    up = numbers(opened.column("speed"))
    assert up == sorted(up)
    assert len(up) == 15
    head = opened.page.locator("#results thead th", has_text="speed")
    assert head.get_attribute("aria-sort") == "ascending"
    opened.press("speed")
    assert numbers(opened.column("speed")) == sorted(up, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    assert opened.page.locator("#results [aria-sort]").count() == 1
    opened.press("model")
    models = opened.column("model")
    assert models.index("model-2") < models.index("model-10")


def test_what_has_no_value_is_last_with_its_reason(opened: Opened) -> None:
    choose_table(opened.page, "Every measurement")
    opened.page.select_option("#results .dt-length select", label="All")
    for _ in range(2):
        opened.press("value")
        last = opened.column("value")[-30:]
        assert len(last) == 30
        assert all("not available: no clock for" in text for text in last)


def test_filters(opened: Opened, evil: str) -> None:
    choose_table(opened.page, "Every measurement")
    opened.page.fill("#filter", "peak training")
    assert opened.page.locator("#results .dt-info").inner_text() == "15 of 209 rows"
    assert {*opened.column("metric"), *opened.column("phase")} == {"peak memory", "training"}
    opened.page.select_option("#model", evil)
    assert opened.column("model") == [evil]
    opened.page.fill("#filter", "")
    opened.page.select_option("#method", "unavailable")
    assert len(opened.column("model")) == 2
    opened.page.fill("#filter", "no such words")
    assert opened.page.locator("#results .dt-info").inner_text() == "0 of 209 rows"


def test_units_switch_everywhere(opened: Opened) -> None:
    """3,600 J are 1 Wh, 2 FLOPs are 1 MAC."""
    choose_table(opened.page, "Cost of inference")
    head = opened.page.locator("#results thead")
    watt_hours, flops = numbers(opened.column("energy")), numbers(opened.column("FLOPs"))
    assert "Wh per audio h" in head.inner_text()
    assert "FLOP/s" in head.inner_text()
    before = opened.page.locator("#pareto .xtitle").text_content()
    opened.page.locator("label[for=energy-j]").click()
    opened.page.locator("label[for=compute-mac]").click()
    joules, macs = numbers(opened.column("energy")), numbers(opened.column("MACs"))
    sizes = {"m": 1e-3, "k": 1e3, "M": 1e6, "": 1.0}
    unit = re.search(r"(\w?)J per audio h", head.inner_text())
    assert unit is not None
    ratio = {round(sizes[unit[1]] * after / first / 3600, 1) for first, after in zip(watt_hours, joules, strict=True)}
    assert len(ratio) == 1
    assert "MAC/s" in head.inner_text()
    assert len(macs) == len(flops)
    assert opened.page.locator("#pareto .xtitle").text_content() != before


def test_numbers_are_those_of_the_paper(opened: Opened, evidence: Evidence) -> None:
    """Value, interval and digits of every cell, in the unit that its head names, which is the paper's where that reads well."""
    for table in paper_tables(evidence, [])[:-1]:
        choose_table(opened.page, table.caption)
        shown = opened.page.locator("#results tbody td.figure .value").all_inner_texts()
        units = opened.page.locator("#results thead th.figure .unit").all_inner_texts()
        places = [
            place for place in range(len(table.columns)) if any(isinstance(row[place], Quantity) for row in table.rows)
        ]
        factors = {place: factor(table.columns[place], unit) for place, unit in zip(places, units, strict=True)}
        wanted = [
            plain_number(cell, factors[place])
            for row in table.rows
            for place in places
            if isinstance(cell := row[place], Quantity)
        ]
        assert [text.replace(",", "") for text in shown] == [text.replace(",", "") for text in wanted]
        assert wanted
    assert units == [column.shown_unit for column in table.columns if column.unit]


def factor(column: Column, unit: str) -> float:
    """From the record's unit to the one shown, by hand."""
    if unit == column.shown_unit:
        return column.factor
    found = re.match("(.?)(Wh|J|FLOP|g|iB)", unit)
    assert found is not None, unit
    if found[2] == "iB":
        return {"M": 2.0**-20, "G": 2.0**-30}[found[1]]
    size = {"m": 1e3, "µ": 1e6, "": 1.0, "k": 1e-3, "M": 1e-6, "G": 1e-9, "T": 1e-12, "P": 1e-15, "E": 1e-18}[found[1]]
    return size / 3600 if found[2] == "Wh" else size


def chosen_axes(page: Any, x: str, y: str) -> None:
    page.select_option("#axis-x", label=x)
    page.select_option("#axis-y", label=y)


@pytest.mark.ci
def test_any_two_axes_have_the_points_and_the_frontier_of_the_paper(opened: Opened, evidence: Evidence) -> None:
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


def test_axes_switch_to_logarithmic_and_back(opened: Opened) -> None:
    page = opened.page
    chosen_axes(page, "peak memory, training", "parameters, inference")
    kinds = "() => ['xaxis', 'yaxis'].map(axis => document.getElementById('pareto').layout[axis].type)"
    assert page.evaluate(kinds) == ["log", "log"]
    page.locator("#log-x").uncheck()
    assert page.evaluate(kinds) == ["linear", "log"]
    page.locator("#swap").click()
    assert "parameters" in page.locator("#pareto .xtitle").text_content()


def test_a_point_under_the_mouse_shows_its_card(opened: Opened) -> None:
    page = opened.page
    page.locator("#pareto").scroll_into_view_if_needed()
    names = page.locator("#points option").all_inner_texts()
    at = page.locator("#pareto .scatterlayer .trace .points path").first.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2 - 30, at["y"] + at["height"] / 2 - 30)
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2, steps=4)
    page.wait_for_selector("#card h3")
    card = page.locator("#card").inner_text()
    assert any(card.splitlines()[0] in name for name in names)
    assert "energy per audio hour, training, gpu" in card
    assert re.search(r"^run\n(first|second)$", card, re.MULTILINE)
    assert re.search(r"measured|modelled", card)


def test_the_keyboard_alone_is_enough(opened: Opened) -> None:
    """Skip link, sorting by Enter with the focus kept, a row's details, and cards by arrow keys."""
    page = opened.page
    focused = "() => document.activeElement.textContent.trim()"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Skip to the results"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("() => !!document.activeElement.closest('#results thead')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_selector("#results thead [aria-sort=ascending]")
    assert page.evaluate("() => document.activeElement.closest('th').ariaSort") == "ascending"
    page.locator("#results tbody button").first.focus()
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.ariaExpanded") == "true"
    assert "95 % interval" in page.locator("#results tr.details").inner_text()
    page.locator("#swap").focus()
    while page.evaluate("() => document.activeElement.id") != "points":
        page.keyboard.press("Tab")
    first = page.locator("#card h3").inner_text()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    chosen = "() => document.getElementById('points').selectedOptions[0].textContent"
    assert page.evaluate(chosen) == page.locator("#points option").nth(2).text_content()
    assert page.locator("#card h3").inner_text() != first
    assert page.locator("#card h3").inner_text() in page.evaluate(chosen)
    page.keyboard.press("End")
    assert page.evaluate(chosen) == page.locator("#points option").last.text_content()


def test_everything_has_a_name(opened: Opened) -> None:
    """Controls have labels, tables have heads with a scope."""
    unnamed = """() => [...document.querySelectorAll('input, select, button')].filter(control =>
        !control.textContent.trim() && !control.ariaLabel && !(control.labels && control.labels.length)).map(control => control.id)"""
    assert opened.page.evaluate(unnamed) == []
    assert opened.page.locator("th:not([scope])").count() == 0
    assert opened.page.locator("table:visible:not(:has(caption))").count() == 0


def test_power_zooms(opened: Opened) -> None:
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


def lightness(page: Any) -> int:
    return sum(map(int, re.findall(r"\d+", page.evaluate("() => getComputedStyle(document.body).backgroundColor"))[:3]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1300])
def test_themes(browser: Any, file: Path, scheme: str, width: int) -> None:
    """As the system has it, then turned over."""
    opened = Opened(browser, file, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = opened.page
    assert (lightness(page) < 200) == (scheme == "dark")
    ink = page.locator("#pareto .xtitle").evaluate("title => getComputedStyle(title).fill")
    page.locator("#theme").click()
    assert (lightness(page) < 200) == (scheme == "light")
    assert page.locator("#pareto .xtitle").evaluate("title => getComputedStyle(title).fill") != ink
    opened.end(file)


@pytest.mark.parametrize("width", [390, 800, 1300, 1920])
def test_nothing_is_wider_than_its_place_and_every_table_begins_with_figures(
    browser: Any, file: Path, width: int
) -> None:
    """A figure of each table is in sight without scrolling sideways; words that give way are below the model's name."""
    opened = Opened(browser, file, viewport={"width": width, "height": 900})
    page = opened.page
    page.locator("#claims summary").click()
    for summary in page.locator("main details > summary:not(.button)").all():
        if summary.is_visible() and not summary.evaluate("summary => summary.parentElement.open"):
            summary.click()
    wide = """() => [document.documentElement, ...document.querySelectorAll('body *')].filter(each =>
        each.clientWidth && each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX === 'visible'
        && !each.closest('svg, .js-plotly-plot, .quiet, caption')
        && !each.matches('.scroll table, .scroll thead, .scroll tbody, .scroll tr, .dt-container, .dt-layout-table, .dt-layout-cell')).map(each => each.outerHTML.slice(0, 120))"""
    seen = "cell => { const box = cell.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth; }"
    for label in page.locator("#tables label").all():
        label.click()
        assert page.evaluate(wide) == []
        assert page.locator("#results tbody td.figure .value").first.evaluate(seen), label.inner_text()
        assert page.locator("#results tbody th").first.evaluate("cell => getComputedStyle(cell).position") == "sticky"
    folded = page.locator("#results .folded").first.inner_text()
    assert bool(folded) is (width == 390)
    opened.end(file)


def test_columns_go_off_and_on(opened: Opened) -> None:
    page = opened.page
    choose_table(page, "Cost of inference")
    heads = page.locator("#results thead th")
    before = heads.all_inner_texts()
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("speed", exact=True).uncheck()
    assert heads.all_inner_texts() == [head for head in before if not head.startswith("speed")]
    choose_table(page, "Memory by part")
    choose_table(page, "Cost of inference")
    assert "speed" not in "".join(heads.all_inner_texts())
    page.get_by_label("speed", exact=True).check()
    assert heads.all_inner_texts() == before


def test_a_table_is_copied_and_downloaded_as_in_the_paper(browser: Any, file: Path, evidence: Evidence) -> None:
    """LaTeX, Markdown and CSV are those of `tables/`."""
    opened = Opened(browser, file, permissions=["clipboard-read", "clipboard-write"])
    page, forms = opened.page, table_forms(paper_tables(evidence, []))
    for caption, name in (("Efficiency", "efficiency"), ("Quality", "quality")):
        choose_table(page, caption)
        page.locator("#forms").evaluate("menu => { menu.open = true; }")
        for form, suffix in (("LaTeX", "tex"), ("Markdown", "md"), ("CSV", "csv")):
            page.get_by_label(f"Copy as {form}").click()
            page.wait_for_function("() => document.getElementById('forms-said').textContent === 'Copied.'")
            assert page.evaluate("() => navigator.clipboard.readText()") == forms[f"tables/{name}.{suffix}"]
            with page.expect_download() as download:
                page.get_by_label(f"Download as {form}").click()
            assert download.value.suggested_filename == f"{name}.{suffix}"
            assert Path(download.value.path()).read_text(encoding="utf-8") == forms[f"tables/{name}.{suffix}"]
    assert opened.complaints == []
    opened.context.close()


def test_a_plot_is_downloaded_as_svg(opened: Opened) -> None:
    page = opened.page
    page.locator("#pareto").hover()
    with page.expect_download() as download:
        page.locator("#pareto .modebar-btn").first.click()
    assert "<svg" in Path(download.value.path()).read_text(encoding="utf-8")
    opened.requests[:] = opened.requests[:1]


def test_a_link_opens_marks_and_shows_its_row(browser: Any, file: Path) -> None:
    """In a table that was not shown, past its first page, and from a row's own details."""
    opened = Opened(browser, file)
    page = opened.page
    choose_table(page, "Every measurement")
    page.fill("#filter", "nothing")
    page.evaluate("() => { location.hash = 'row-measurements-hubert-base-9'; }")
    row = page.locator("tr.marked")
    row.wait_for()
    assert row.evaluate(
        "row => { const box = row.getBoundingClientRect(); return box.top > 0 && box.bottom < innerHeight; }"
    )
    assert row.locator("th").inner_text() == "hubert-base"
    page.evaluate("() => { location.hash = 'row-quality-model-3-2'; }")
    page.wait_for_selector("#tab-quality:checked", state="attached")
    assert row.locator("th").inner_text() == "model-3"
    row.locator("button").click()
    link = page.locator("#results .details a")
    assert link.get_attribute("href") == "#row-quality-model-3-2"
    opened.context.close()


def test_two_points_have_no_frontier(browser: Any, evidence: Evidence, tmp_path: Path) -> None:
    first = evidence.records[0]
    rows = tuple(row for row in first.measurements if row.model in {"model-0", "model-1"})
    file = write(Evidence((replace(first, measurements=rows),)), tmp_path / "two.html")
    opened = Opened(browser, file)
    assert "Fewer than three points" in opened.page.locator("#pareto-said").inner_text()
    assert opened.page.evaluate("() => document.getElementById('pareto').data[1].x.length") == 0
    opened.end(file)


def test_figures_of_others_are_context(browser: Any, evidence: Evidence, tmp_path: Path) -> None:
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
        Opened(browser, write(Evidence((each,)), tmp_path / f"{number}.html"))
        for number, each in enumerate((first, replace(first, measurements=(*first.measurements, *rows))))
    ]
    frontiers = []
    for each in opened:
        chosen_axes(each.page, "energy per audio hour, training, gpu", "CER (asr, linear, 1h of labels, on dev)")
        each.page.locator("#as-table summary").click()
        lines = each.page.locator("#pareto-table tbody tr").all_inner_texts()
        frontiers.append([line for line in lines if line.endswith("yes")])
    assert any(line.startswith("theirs") and line.endswith("no") for line in lines)
    assert frontiers[0] == frontiers[1] != []
    for each in opened:
        each.context.close()


def test_names_in_the_plot_do_not_cover_each_other(opened: Opened) -> None:
    boxes = [
        text.bounding_box() for text in opened.page.locator("#pareto .textpoint text").all() if text.text_content()
    ]
    assert len(boxes) > 5
    for one, two in combinations(boxes, 2):
        apart = one["x"] + one["width"] <= two["x"] or two["x"] + two["width"] <= one["x"]
        assert apart or one["y"] + 14 <= two["y"] or two["y"] + 14 <= one["y"]


def test_intervals_lie_under_the_points(opened: Opened) -> None:
    """The trace of the intervals is drawn before that of the points, whose markers are not transparent."""
    first, *_, points, _ring = opened.page.evaluate("() => document.getElementById('pareto')._fullData")
    assert first["error_x"]["visible"]
    assert first["error_y"]["visible"]
    assert "array" not in points["error_x"]
    assert points["marker"]["opacity"] == 1


def test_names_that_look_like_markup_are_read(opened: Opened, evil: str) -> None:
    """In the table, the list and the plot; no element of theirs, no dialog."""
    page = opened.page
    assert page.locator("img, main b").count() == 0
    choose_table(page, "Cost of inference")
    assert evil in opened.column("model")
    assert any(evil in text for text in page.locator("#points option").all_text_contents())
    named = page.locator("#points option", has_text="onerror").first.get_attribute("value")
    page.select_option("#points", named)
    assert page.locator("#card h3").text_content() == evil


def test_a_record_without_values_makes_a_page(browser: Any, record: Record, tmp_path: Path) -> None:
    rows = tuple(replace(m, quantity=unavailable(m.quantity.unit, f"no <{m.metric}>")) for m in record.measurements)
    file = write(Evidence((replace(record, measurements=rows),)), tmp_path / "empty.html")
    opened = Opened(browser, file)
    choose_table(opened.page, "Memory by part")
    assert "not available: no <peak_memory>" in opened.page.locator("#table-notes").inner_text()
    opened.page.locator("#results .opener").first.click()
    assert "not available: no <peak_memory>" in opened.page.locator("#results td.details").inner_text()
    assert "No model has a value to plot." in opened.page.locator("#pareto-section").inner_text()
    assert "None of these runs has a power trace" in opened.page.locator("#power-section").inner_text()
    opened.end(file)
