"""What is committed under docs/results is what its records give today, figures in the text included, and names nobody's folders."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ssl_benchmarks.record.record import read_record
from ssl_reports.summaries.comparing import write_compare_report
from ssl_reports.summaries.evaluating import write_evaluation_report
from ssl_reports.summaries.studying import write_study_report

RESULTS = Path(__file__).parents[1] / "docs" / "results"
RECORDS = sorted(RESULTS.glob("**/run.json"))
WRITERS = {"study": write_study_report, "findings": write_evaluation_report, "baseline": write_compare_report}
"""By what a record of each command alone has among its details."""


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    """The script that writes the figures of the pages."""
    return script("figures")


@pytest.fixture(scope="module")
def renew(figures: ModuleType) -> Iterator[ModuleType]:
    """The script that writes reports, tables and pictures anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "figures", figures)
        yield script("renew")


def script(name: str) -> ModuleType:
    """A script beside the records."""
    found = importlib.util.spec_from_file_location(f"{name}_of_results", RESULTS / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def test_each_record_is_told_of() -> None:
    told = (RESULTS / "index.md").read_text(encoding="utf-8")
    assert len(RECORDS) >= 4
    assert [name for path in RECORDS if f"`{(name := path.relative_to(RESULTS).parts[0])}/`" not in told] == []


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: "-".join(path.relative_to(RESULTS).parts[:-1]))
def test_a_report_is_what_its_record_gives(path: Path, tmp_path: Path) -> None:
    """That of a training needs its curve too, which is not kept here. After a change of a report: write it anew and read it."""
    record = read_record(path)
    assert record.status == "finished"
    for write in (write for kind, write in WRITERS.items() if kind in record.details):
        write(record, tmp_path)
        assert (tmp_path / "report.md").read_text() == (path.parent / "report.md").read_text()


@pytest.mark.parametrize("name", sorted({path.parent.parent.name for path in RESULTS.glob("*/figures/*")}))
def test_tables_and_pictures_are_those_that_report_makes(name: str, renew: ModuleType, tmp_path: Path) -> None:
    """Tables to the letter, pictures by the words in them, since lines are matplotlib's. Else: `python docs/results/renew.py`."""
    folder = RESULTS / name
    renew.paper(folder, tmp_path / "paper")
    for path in sorted((folder / "tables").glob("*")):
        assert path.read_text() == (tmp_path / "paper" / "tables" / path.name).read_text(), path.name
    pictures = sorted((folder / "figures").glob("*.svg"))
    assert {path.stem for path in pictures} == {path.stem for path in (folder / "figures").glob("*.png")} != set()
    for path in pictures:
        assert words(path) == words(tmp_path / "paper" / "figures" / path.name), path.name


def words(picture: Path) -> list[str]:
    """What is written in an SVG."""
    return sorted(re.findall(r">([^<>]+)</text>", picture.read_text(encoding="utf-8")))


def test_no_record_names_a_folder_of_somebody_s_machine() -> None:
    found = {text for path in RECORDS for text in texts(json.loads(path.read_text())) if text.startswith(("/", "~"))}
    assert {text for text in found if not text.startswith("/sys/")} == set()


def test_the_figures_of_the_pages_are_those_of_the_records(figures: ModuleType) -> None:
    """After a change of a record or of a table: `python docs/results/figures.py`, and read what it wrote."""
    assert {page.name for page in figures.PAGES} >= {"README.md", "index.md"}
    assert {page.name: figures.differing(page.read_text(encoding="utf-8")) for page in figures.PAGES} == {
        page.name: [] for page in figures.PAGES
    }


def test_every_figure_is_shown_somewhere(figures: ModuleType) -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in figures.PAGES)
    assert {match["name"] for match in figures.BLOCK.finditer(pages)} == set(figures.BLOCKS)


def test_a_changed_digit_is_noticed(figures: ModuleType) -> None:
    """The last digit of each block, changed by one."""
    for page in figures.PAGES:
        text = page.read_text(encoding="utf-8")
        for block in figures.BLOCK.finditer(text):
            digits = [found.start() for found in re.finditer(r"\d", block["body"])]
            assert digits or block["name"] == "verdicts", block["name"]
            for at in digits[-1:]:
                place = block.start("body") + at
                changed = text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :]
                assert figures.differing(changed) == [block["name"]]
                assert figures.filled(changed) == text


def test_a_block_that_nothing_makes_or_that_has_no_end_is_an_error(figures: ModuleType) -> None:
    with pytest.raises(ValueError, match="no such figures: poems"):
        figures.filled("<!-- figures: poems -->\n1\n<!-- end -->\n")
    with pytest.raises(ValueError, match="has no end"):
        figures.filled("<!-- figures: seeds -->\n1\n")


def test_the_check_names_what_differs_and_writes_nothing(
    figures: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- figures: summary -->\n51.9 %\n<!-- end -->\n")
    monkeypatch.setattr(figures, "PAGES", (page,))
    assert figures.main(["--check"]) == 1
    assert capsys.readouterr().out == "page.md: summary\n"
    assert page.read_text().count("\n") == 3
    assert figures.main([]) == 0
    assert figures.main(["--check"]) == 0
    assert "random weights" in page.read_text()
