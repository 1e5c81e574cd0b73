"""What is committed under reports/examples is what its records give today, and names nobody's folders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ssl_benchmarks.record.record import read_record
from ssl_reports.reading.evidence import read_evidence
from ssl_reports.report import write_paper
from ssl_reports.summaries.comparing import write_compare_report
from ssl_reports.summaries.evaluating import write_evaluation_report
from ssl_reports.summaries.studying import write_study_report

EXAMPLES = Path(__file__).parents[1] / "reports" / "examples"
RECORDS = sorted(EXAMPLES.glob("**/run.json"))
WRITERS = {"study": write_study_report, "findings": write_evaluation_report, "baseline": write_compare_report}
"""By what a record of each command alone has among its details."""


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


def test_each_example_is_told_of() -> None:
    told = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert len(RECORDS) >= 4
    assert [name for path in RECORDS if f"`{(name := path.relative_to(EXAMPLES).parts[0])}/`" not in told] == []


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: "-".join(path.relative_to(EXAMPLES).parts[:-1]))
def test_a_report_is_what_its_record_gives(path: Path, tmp_path: Path) -> None:
    """That of a training needs its curve too, which is not kept here. After a change of a report: write it anew and read it."""
    record = read_record(path)
    assert record.status == "finished"
    for write in (write for kind, write in WRITERS.items() if kind in record.details):
        write(record, tmp_path)
        assert (tmp_path / "report.md").read_text() == (path.parent / "report.md").read_text()


def test_tables_and_figures_are_those_that_report_makes(tmp_path: Path) -> None:
    """Tables to the letter; of figures that they are made, since letters and lines are matplotlib's."""
    kept = EXAMPLES / "compare-cpu" / "tables"
    write_paper(read_evidence([str(kept.parent)]), tmp_path / "paper")
    for path in sorted(kept.iterdir()):
        assert path.read_text() == (tmp_path / "paper" / "tables" / path.name).read_text(), path.name
    pictures = [path for path in EXAMPLES.glob("*/figures/*.svg") if path.parts[-3] == "compare-cpu"]
    assert {path.stem for path in pictures} <= {path.stem for path in (tmp_path / "paper" / "figures").iterdir()}
    assert pictures


def test_no_record_names_a_folder_of_somebody_s_machine() -> None:
    found = {text for path in RECORDS for text in texts(json.loads(path.read_text())) if text.startswith(("/", "~"))}
    assert {text for text in found if not text.startswith("/sys/")} == set()
