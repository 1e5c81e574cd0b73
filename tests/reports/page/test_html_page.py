"""The page holds every number, loads nothing, takes any text as text, and is the same each time."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Measurement, Record
from ssl_reports.flaw_marks import meaning
from ssl_reports.page.claims import claims_table, verdict_list
from ssl_reports.page.markup import element, packed
from ssl_reports.page.page import report_page
from ssl_reports.page.store import unit_choices
from ssl_reports.page.surroundings import methods_text, runs_and_environments
from ssl_reports.reading.claims import claims
from ssl_reports.reading.evidence import Evidence
from ssl_reports.report import paper_tables

if TYPE_CHECKING:
    import pandas as pd

BYTES = 6_000_000


class Read(HTMLParser):
    """Which elements and attributes a browser would see, and which text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(evidence: Evidence, traces: dict[int, pd.DataFrame] | None = None) -> str:
    found = claims(evidence)
    return report_page("A <title>", evidence, paper_tables(evidence, found)[:-1], found, traces or {})


def data_of(page: str) -> dict[str, Any]:
    block = re.search(r'id="data">([A-Za-z0-9+/=]+)</script>', page)
    assert block is not None
    return dict(json.loads(gzip.decompress(base64.b64decode(block[1]))))


@pytest.fixture(scope="module")
def page(evidence: Evidence) -> str:
    return page_of(evidence)


def test_every_number_of_every_record_is_in_it(evidence: Evidence, page: str) -> None:
    data = data_of(page)
    table = next(each for each in data["tables"] if each["name"] == "measurements")
    rows = list(zip(*(column["cells"] for column in table["columns"]), strict=True))
    assert len(rows) == sum(len(record.measurements) for record in evidence.records)
    for found, row in zip(evidence.rows, rows, strict=True):
        value, low, high, unit, method, note, n, flaw = (column[row[4]] for column in data["quantities"])
        q = found.quantity
        assert value == (None if q.value is None else pytest.approx(q.value, rel=1e-6))
        assert (low, high) == ((None, None) if q.ci95 is None else pytest.approx(q.ci95, rel=1e-6))
        assert [data["words"][word] for word in (unit, method, note)] == [q.unit, q.method, q.note]
        assert data["words"][flaw] == (meaning([q.flaw]) if q.flaw else "")
        assert (row[0], row[-1], n) == (found.row.model, found.label, q.n)


def test_it_loads_nothing(page: str) -> None:
    """No element names another file; links to papers are followed by a click alone."""
    for tag, attributes in Read(page).elements:
        named = dict(attributes)
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        assert not {"src", "srcset", "action", "background"} & named.keys(), (tag, named)
        assert "href" not in named or (tag == "a" and str(named["href"]).startswith("#")), (tag, named)
    assert not re.search(r"url\(|@import|https?://", page.partition('id="data"')[0])


def test_only_our_script_and_plotly_may_run(page: str) -> None:
    """Held against the digests of what is in the page."""
    (script,) = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    (block,) = re.findall(r'id="library">([A-Za-z0-9+/=]+)</script>', page)
    library = gzip.decompress(base64.b64decode(block)).decode()
    named = re.search(r"script-src ([^;]+);", page)
    assert named is not None
    assert named[1].split() == [
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in (script, library)
    ]
    assert library.startswith("/**\n* plotly.js")
    assert "default-src 'none'" in page


def test_names_are_text(evidence: Evidence, page: str, evil: str) -> None:
    """The same elements as with a harmless name, and the name is there to be read."""
    first, second = evidence.records
    rows = tuple(replace(m, model="x" if m.model == evil else m.model) for m in second.measurements)
    harmless = Read(page_of(Evidence((first, replace(second, measurements=rows)))))
    read = Read(page)
    assert [tag for tag, _ in read.elements] == [tag for tag, _ in harmless.elements]
    assert any(system["model"] == evil for system in data_of(page)["plots"]["systems"])
    assert "GPU <X>" in read.text
    assert "A <title>" in read.text


@given(text=st.text(max_size=40))
def test_any_text_stays_one_element(text: str) -> None:
    read = Read(element("p", text, title=text))
    assert read.elements == [("p", (("title", text),))]
    # A parser may hand over "\r" as it is; a browser reads it as a line's end.
    assert read.text == text
    assert gzip.decompress(base64.b64decode(packed(text))).decode() == text


@given(text=st.text(min_size=1, max_size=20))
def test_any_name_of_a_run_is_one_cell(text: str) -> None:
    record = Record(
        text, text, text, text, {"seed": 3, "device": text}, {"cpu": text, "system": text}, kind="comparison"
    )
    plain = replace(record, id="x", created="x", status="x", command="x", config={"seed": 3, "device": "x"})
    plain = replace(plain, environment={"cpu": "x", "system": "x"})
    for say in (runs_and_environments, methods_text):
        ours, theirs = (Read(say(Evidence((each,)))) for each in (record, plain))
        assert [tag for tag, _ in ours.elements] == [tag for tag, _ in theirs.elements]
        assert text in ours.text


def test_the_same_records_give_the_same_bytes(evidence: Evidence, page: str) -> None:
    again = Evidence(evidence.records, evidence.folders)
    assert page_of(again) == page


def test_what_cannot_be_had_still_makes_a_page(record: Record) -> None:
    rows = tuple(replace(m, quantity=unavailable(m.quantity.unit, f"no <{m.metric}>")) for m in record.measurements)
    data = data_of(page_of(Evidence((replace(record, measurements=rows),))))
    assert data["plots"]["axes"] == []
    values, _, _, _, methods, *_ = data["quantities"]
    known = {data["words"][method] for value, method in zip(values, methods, strict=True) if value is not None}
    assert known == {"published"}
    assert "no <energy>" in data["words"]
    assert len(data["tables"][-1]["columns"][0]["cells"]) == len(rows)


def test_a_page_of_nothing() -> None:
    data = data_of(page_of(Evidence(())))
    assert data["plots"]["systems"] == []
    assert data["power"] == {"of": 0, "runs": []}


def test_units_by_hand() -> None:
    """The middle of 7.2 and 720 kJ is 72 kJ, or 20 Wh; 1 MAC is 2 FLOPs."""
    found = unit_choices([7_200.0, 720_000.0], "J")
    assert found["J"] == (1e-3, "kJ")
    assert found["kWh"] == (pytest.approx(1 / 3600), "Wh")
    assert unit_choices([4e12], "FLOP/s") == {"FLOP": (1e-12, "TFLOP/s"), "MAC": (0.5e-12, "TMAC/s")}
    assert unit_choices([4e9], "MAC") == {"FLOP": (2e-9, "GFLOP"), "MAC": (1e-9, "GMAC")}
    assert unit_choices([0.25], "1", percent=True) == {"": (100.0, "%")}


def test_energy_column_has_both_units(evidence: Evidence) -> None:
    rows = (
        Measurement("m", "audio_hours_seen", Quantity(2.0, "h", "measured"), "training"),
        Measurement("m", "energy", Quantity(5.4e9, "J", "measured"), "training", "machine"),
    )
    record = replace(evidence.records[0], measurements=rows, config={"device": "cpu"}, environment={})
    tables = data_of(page_of(Evidence((record,))))["tables"]
    columns = [each for table in tables for each in table["columns"] if each["name"] in {"Energy", "energy"}]
    assert [column["name"] for column in columns][:2] == ["Energy", "energy"]
    for column in columns[:2]:
        assert column["units"] == {"kWh": [pytest.approx(1 / 3.6e9), "MWh"], "J": [1e-9, "GJ"]}


def test_traces_are_thinned_and_keep_their_range(evidence: Evidence) -> None:
    """1,000 s of a sawtooth of 0 to 99 W: 600 bins, each line's mean that of the samples."""
    import pandas as pd

    trace = pd.DataFrame(
        {
            "time_s": [number / 10 for number in range(10_001)], "device": "gpu", "method": "sampled",
            "power_w": [float(number % 100) for number in range(10_001)],
        }
    )  # fmt: skip
    power = data_of(page_of(evidence, {1: trace}))["power"]
    (run,) = power["runs"]
    (line,) = run["lines"]
    assert (run["run"], run["thinned"], line["samples"]) == ("second", True, 10_001)
    assert len(line["minutes"]) == 600
    assert (min(line["lowest_w"]), max(line["highest_w"])) == (0.0, 99.0)
    assert sum(line["power_w"]) / 600 == pytest.approx(49.5, abs=0.5)


def test_verdicts_have_words_and_places(evidence: Evidence) -> None:
    found = claims(evidence)
    table, chips = Read(claims_table(found)), Read(verdict_list(found))
    places = {dict(attributes).get("id") for _, attributes in table.elements}
    links = [str(dict(attributes)["href"])[1:] for tag, attributes in chips.elements if tag == "a"]
    assert links == [f"claim-C{number}" for number in range(1, 7)]
    assert set(links) <= places
    assert chips.text.count("not measured here") + chips.text.count("holds") + chips.text.count("fails") >= 6


@pytest.mark.slow
def test_a_thousand_runs_stay_small(evidence: Evidence) -> None:
    first = evidence.records[0]
    records = [
        replace(
            first,
            id=f"run-{number}",
            measurements=tuple(
                replace(m, quantity=m.quantity.scaled(1 + number / 7919, m.quantity.unit))
                for m in first.measurements[:90]
            ),
        )
        for number in range(1000)
    ]
    page = page_of(Evidence(tuple(records)))
    assert len(page.encode()) < BYTES
    assert len(data_of(page)["tables"][-1]["columns"][0]["cells"]) == 90_000


def test_one_run_is_small(page: str) -> None:
    assert len(page.encode()) < BYTES / 2
