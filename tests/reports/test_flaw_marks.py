"""A disturbed number carries its sign in every form that shows it, and its sound twin in none."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ssl_benchmarks.record.flaws import DISTURBED, NOT_STEADY, flawed
from ssl_benchmarks.record.metrics import METRICS
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Record, read_record
from ssl_reports.flaw_marks import SIGN, foot, sign, signed
from ssl_reports.pictures import figures
from ssl_reports.reading.evidence import Evidence
from ssl_reports.report import write_paper
from ssl_reports.summaries.comparing import write_compare_report

EXAMPLE = Path(__file__).parents[2] / "docs" / "results" / "compare-cpu" / "run.json"
MODEL, SHOWN = "wav2vec2-base", "wav2vec 2.0 Base"


def without_flaws(value: Any) -> Any:
    """A JSON value in which no quantity has a flaw."""
    if isinstance(value, list):
        return [without_flaws(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: "" if key == "flaw" else without_flaws(each) for key, each in value.items()}


def with_flaw(record: Record, flaw: str) -> Record:
    """The record as if that alone spoke against the timed and metered figures of one model, and nothing against the others'."""

    def told(quantity: Quantity, model: str, metric: str) -> Quantity:
        spoilt = model == MODEL and METRICS[metric].disturbable
        return flawed(replace(quantity, flaw=""), flaw if spoilt else "")

    def own(entry: dict[str, Any]) -> str:
        disturbable = METRICS[entry.get("metric", "energy")].disturbable
        return flaw if entry["model"] == MODEL and disturbable else ""

    rows = tuple(replace(m, quantity=told(m.quantity, m.model, m.metric)) for m in record.measurements)
    details: dict[str, Any] = {
        **record.details,
        "disturbances": {f"{MODEL} training, round 1": ["cpu"]} if flaw else {},
    }
    for part, names in (("projections", ("device_hours", "energy", "co2e")), ("ratios", ("ratio",))):
        details[part] = [
            {**each, **{n: {**each[n], "flaw": own(each)} for n in names if each[n]["value"] is not None}}
            for each in record.details[part]
        ]
    costs = [
        {**without_flaws(cost), "total": {**cost["total"], "flaw": own(cost)}}
        for cost in record.details["ledger"]["costs"]
    ]
    details["ledger"] = {**record.details["ledger"], "costs": costs}
    return replace(record, measurements=rows, details=details)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The paper and report of a sound record, and of its disturbed twin."""
    record, folders = read_record(EXAMPLE), []
    for name, flaw in (("sound", ""), ("disturbed", f"{DISTURBED}; {NOT_STEADY}")):
        folder, told = tmp_path_factory.mktemp(name), with_flaw(record, flaw)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(figures, "save", lambda *_: ())  # captions and numbers show it, and pictures take their time
            write_paper(Evidence((told,)), folder / "paper")
        write_compare_report(told, folder)
        folders.append(folder)
    return folders[0], folders[1]


@pytest.mark.parametrize(
    "name",
    [
        "report.md", "paper/tables/inference.md", "paper/tables/inference.tex", "paper/tables/inference.csv",
        "paper/tables/projected.md", "paper/tables/projected.tex", "paper/tables/projected.csv",
        "paper/data/energy-per-hour-by-part.csv", "paper/figures/captions.tex",
    ],
)  # fmt: skip
def test_every_form_tells_a_disturbed_record_from_its_sound_twin(name: str, twins: tuple[Path, Path]) -> None:
    sound, disturbed = ((folder / name).read_text() for folder in twins)
    assert DISTURBED in disturbed
    assert sound != disturbed
    about_signs = r"<script.*?</script>|<p class=\"muted notes\">.*?</p>"
    assert SIGN not in re.sub(about_signs, "", sound, flags=re.DOTALL)


@pytest.mark.parametrize("name", ["report.html", "methods.md", "methods.tex"])
def test_the_text_of_a_disturbed_record_refers_to_the_notes_of_its_tables(name: str, twins: tuple[Path, Path]) -> None:
    sound, disturbed = ((folder / "paper" / name).read_text() for folder in twins)
    assert "as explained below each table" in disturbed
    assert "as explained below each table" not in sound


@pytest.mark.parametrize("name", ["inference", "projected"])
def test_each_number_of_the_model_is_signed_and_no_other(name: str, twins: tuple[Path, Path]) -> None:
    """Only what is timed and metered; what was counted is not."""
    text = (twins[1] / "paper" / "tables" / f"{name}.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("|")][2:]
    ours = [line for line in lines if line.startswith(f"| {SHOWN} ")]
    assert ours
    assert all(line.count(SIGN) >= 2 for line in ours)
    assert not any(SIGN in line for line in lines if line not in ours)
    table = list(csv.DictReader(io.StringIO((twins[1] / "paper" / "tables" / f"{name}.csv").read_text())))
    for row in table:
        flaws = {value for key, value in row.items() if key.endswith(" flaw")}
        ours_too = row["model"] == MODEL and row["source"] == "compare-cpu"
        assert flaws == ({"", f"{DISTURBED}; {NOT_STEADY}"} if ours_too else {""})


def test_ratios_projections_and_lives_are_signed(twins: tuple[Path, Path]) -> None:
    text = (twins[1] / "report.md").read_text()
    for section in (
        "Inference (baseline",
        "Pretraining step (baseline",
        "Projected full pretraining",
        "Life-cycle cost, energy",
    ):
        body = text.split(section)[1].split("\n## ")[0]
        line = next(line for line in body.splitlines() if line.startswith(f"| {MODEL} "))
        assert SIGN in line, section
        assert f"- {SIGN} {DISTURBED} (" in body, section
    assert re.search(rf"× \[[^\]]*\]{SIGN}", text), "a ratio too"


def test_what_has_no_value_has_no_sign() -> None:
    number = Quantity(1.0, "J", "measured", flaw=DISTURBED)
    assert (sign(number), signed("1 J", number)) == (SIGN, f"1 J{SIGN}")
    assert sign(replace(number, flaw="")) == sign(None) == sign(unavailable("J", "no sensor")) == ""
    assert foot([None, replace(number, flaw="")]) == []
    assert foot([number, replace(number, flaw=f"{DISTURBED}; a word of another release")])[0].count(DISTURBED) == 1
