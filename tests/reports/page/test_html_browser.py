"""The page in a real browser: sorting, filters, units, columns, links, keys, themes, widths; nothing is asked of any network."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Record
from ssl_reports.reading.evidence import Evidence
from ssl_reports.report import paper_tables, write_paper
from ssl_reports.tables.numbers import plain_number
from ssl_reports.tables.table import Column

pytestmark = [pytest.mark.slow, pytest.mark.chromium]


def numbers(texts: list[str]) -> list[float]:
    """The first number of each, or none where there is none."""
    found = [re.match(r"[-\d.,]+(e-?\d+)?", text) for text in texts]
    return [float(each[0].replace(",", "")) for each in found if each]


def test_a_column_sorts_both_ways_and_says_so(opened: Any) -> None:
    opened.choose_table("Cost of inference")
    opened.press("Speed")
    up = numbers(opened.column("Speed"))
    assert up == sorted(up)
    assert len(up) == 15
    head = opened.page.locator("#results thead th", has_text="Speed")
    assert head.get_attribute("aria-sort") == "ascending"
    opened.press("Speed")
    assert numbers(opened.column("Speed")) == sorted(up, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    assert opened.page.locator("#results [aria-sort]").count() == 1
    opened.press("Model")
    models = opened.column("Model")
    assert models.index("model-2") < models.index("model-10")


def test_what_has_no_value_is_last_with_its_reason(opened: Any) -> None:
    opened.choose_table("Every measurement")
    opened.page.select_option("#results .dt-length select", label="All")
    for _ in range(2):
        opened.press("Value")
        last = opened.column("Value")[-30:]
        assert len(last) == 30
        assert all("not available: no clock for" in text for text in last)


def test_filters(opened: Any, evil: str) -> None:
    opened.choose_table("Every measurement")
    opened.page.fill("#filter", "peak training")
    assert opened.page.locator("#results .dt-info").inner_text() == "15 of 209 rows"
    assert {*opened.column("Metric"), *opened.column("Phase")} == {"peak memory", "training"}
    opened.page.select_option("#model", evil)
    assert opened.column("Model") == [evil]
    opened.page.fill("#filter", "")
    opened.page.select_option("#method", "unavailable")
    assert len(opened.column("Model")) == 2
    opened.page.fill("#filter", "no such words")
    assert opened.page.locator("#results .dt-info").inner_text() == "0 of 209 rows"


def test_units_switch_everywhere(opened: Any) -> None:
    """3,600 J are 1 Wh, 2 FLOPs are 1 MAC."""
    opened.choose_table("Cost of inference")
    head = opened.page.locator("#results thead")
    watt_hours, flops = numbers(opened.column("Energy")), numbers(opened.column("FLOPs"))
    assert "Wh per audio h" in head.inner_text()
    assert "FLOP per audio s" in head.inner_text()
    before = opened.page.locator("#pareto .xtitle").text_content()
    opened.page.locator("label[for=energy-j]").click()
    opened.page.locator("label[for=compute-mac]").click()
    joules, macs = numbers(opened.column("Energy")), numbers(opened.column("MACs"))
    sizes = {"m": 1e-3, "k": 1e3, "M": 1e6, "": 1.0}
    unit = re.search(r"(\w?)J per audio h", head.inner_text())
    assert unit is not None
    ratio = {round(sizes[unit[1]] * after / first / 3600, 1) for first, after in zip(watt_hours, joules, strict=True)}
    assert len(ratio) == 1
    assert "MAC per audio s" in head.inner_text()
    assert len(macs) == len(flops)
    assert opened.page.locator("#pareto .xtitle").text_content() != before


def test_numbers_are_those_of_the_paper(opened: Any, evidence: Evidence) -> None:
    """Value, interval and digits of every cell, in the unit that its head names, which is the paper's where that reads well."""
    for table in paper_tables(evidence, [])[:-1]:
        opened.choose_table("Efficiency" if table.name == "efficiency" else table.caption)
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


def test_the_keyboard_alone_is_enough(opened: Any) -> None:
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


def test_everything_has_a_name(opened: Any) -> None:
    """Controls have labels, tables have heads with a scope."""
    unnamed = """() => [...document.querySelectorAll('input, select, button')].filter(control =>
        !control.textContent.trim() && !control.ariaLabel && !(control.labels && control.labels.length)).map(control => control.id)"""
    assert opened.page.evaluate(unnamed) == []
    assert opened.page.locator("th:not([scope])").count() == 0
    assert opened.page.locator("table:visible:not(:has(caption))").count() == 0


def lightness(page: Any) -> int:
    return sum(map(int, re.findall(r"\d+", page.evaluate("() => getComputedStyle(document.body).backgroundColor"))[:3]))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1300])
def test_themes(open_page: Callable[..., Any], file: Path, scheme: str, width: int) -> None:
    """As the system has it, then turned over."""
    opened = open_page(file, viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = opened.page
    assert (lightness(page) < 200) == (scheme == "dark")
    ink = page.locator("#pareto .xtitle").evaluate("title => getComputedStyle(title).fill")
    page.locator("#theme").click()
    assert (lightness(page) < 200) == (scheme == "light")
    assert page.locator("#pareto .xtitle").evaluate("title => getComputedStyle(title).fill") != ink
    opened.end(file)


@pytest.mark.parametrize("width", [390, 800, 1300, 1920])
def test_nothing_is_wider_than_its_place_and_every_table_begins_with_figures(
    open_page: Callable[..., Any], file: Path, width: int
) -> None:
    """A figure of each table is in sight without scrolling sideways; words that give way are below the model's name."""
    opened = open_page(file, viewport={"width": width, "height": 900})
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


def test_columns_go_off_and_on(opened: Any) -> None:
    page = opened.page
    opened.choose_table("Cost of inference")
    heads = page.locator("#results thead th")
    before = heads.all_inner_texts()
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("Speed", exact=True).uncheck()
    assert heads.all_inner_texts() == [head for head in before if not head.startswith("Speed")]
    opened.choose_table("Memory by part")
    opened.choose_table("Cost of inference")
    assert "Speed" not in "".join(heads.all_inner_texts())
    page.get_by_label("Speed", exact=True).check()
    assert heads.all_inner_texts() == before


def test_a_table_is_copied_and_downloaded_as_in_the_paper(
    open_page: Callable[..., Any], record: Record, tmp_path: Path
) -> None:
    """LaTeX, Markdown and CSV are the files of `tables/`."""
    write_paper(Evidence((record,)), tmp_path / "paper")
    opened = open_page(tmp_path / "paper/report.html", permissions=["clipboard-read", "clipboard-write"])
    page = opened.page
    for caption, name in (("Efficiency", "efficiency"), ("Quality", "quality")):
        opened.choose_table(caption)
        page.locator("#forms").evaluate("menu => { menu.open = true; }")
        for form, suffix in (("LaTeX", "tex"), ("Markdown", "md"), ("CSV", "csv")):
            wanted = (tmp_path / "paper/tables" / f"{name}.{suffix}").read_text(encoding="utf-8")
            page.get_by_label(f"Copy as {form}").click()
            page.wait_for_function("() => document.getElementById('forms-said').textContent === 'Copied.'")
            assert page.evaluate("() => navigator.clipboard.readText()") == wanted
            with page.expect_download() as download:
                page.get_by_label(f"Download as {form}").click()
            assert download.value.suggested_filename == f"{name}.{suffix}"
            assert Path(download.value.path()).read_text(encoding="utf-8") == wanted
    assert opened.complaints == []
    opened.context.close()


def test_a_link_opens_marks_and_shows_its_row(open_page: Callable[..., Any], file: Path) -> None:
    """In a table that was not shown, past its first page, and from a row's own details."""
    opened = open_page(file)
    page = opened.page
    opened.choose_table("Every measurement")
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


def test_names_that_look_like_markup_are_read(opened: Any, evil: str) -> None:
    """In the table, the list and the plot; no element of theirs, no dialog."""
    page = opened.page
    assert page.locator("img, main b").count() == 0
    opened.choose_table("Cost of inference")
    assert evil in opened.column("Model")
    assert any(evil in text for text in page.locator("#points option").all_text_contents())
    named = page.locator("#points option", has_text="onerror").first.get_attribute("value")
    page.select_option("#points", named)
    assert page.locator("#card h3").text_content() == evil


def test_a_record_without_values_makes_a_page(
    open_page: Callable[..., Any], write_page: Callable[..., Path], record: Record, tmp_path: Path
) -> None:
    rows = tuple(replace(m, quantity=unavailable(m.quantity.unit, f"no <{m.metric}>")) for m in record.measurements)
    file = write_page(Evidence((replace(record, measurements=rows),)), tmp_path / "empty.html")
    opened = open_page(file)
    opened.choose_table("Memory by part")
    assert "not available: no <peak_memory>" in opened.page.locator("#table-notes").inner_text()
    opened.page.locator("#results .opener").first.click()
    assert "not available: no <peak_memory>" in opened.page.locator("#results td.details").inner_text()
    assert "No model has a value to plot." in opened.page.locator("#pareto-section").inner_text()
    assert "None of these runs has a power trace" in opened.page.locator("#power-section").inner_text()
    opened.end(file)
