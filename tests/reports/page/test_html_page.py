"""The page holds every number, loads nothing, takes any text as text, and is the same each time."""

from __future__ import annotations

import base64
import getpass
import gzip
import hashlib
import json
import re
import socket
import tempfile
import tomllib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ssl_reports.page
from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Measurement, Record
from ssl_reports.claims.claims import claims
from ssl_reports.flaw_marks import meaning
from ssl_reports.page.choices import column_choices, unit_choices
from ssl_reports.page.packing import packed
from ssl_reports.page.page import report_page
from ssl_reports.page.store import Store
from ssl_reports.page.tables import anchors
from ssl_reports.reading.evidence import Evidence
from ssl_reports.report import paper_tables, write_paper
from ssl_reports.tables.table import Column

if TYPE_CHECKING:
    import pandas as pd

BYTES = 6_000_000
PARTS = ("value", "low", "high", "unit", "method", "note", "n", "flaw")
FOLDER = Path(ssl_reports.page.__file__).parent


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
    tables = paper_tables(evidence, found)
    return report_page("A <title>", evidence, tables[:-1], found, traces or {}, forms={})


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
    names = [column["heads"][""][0] for column in table["columns"]]
    rows = [
        dict(zip(names, row, strict=True))
        for row in zip(*(column["cells"] for column in table["columns"]), strict=True)
    ]
    assert len(rows) == sum(len(record.measurements) for record in evidence.records)
    for found, row in zip(evidence.rows, rows, strict=True):
        value, low, high, unit, method, note, n, flaw = (data["quantities"][part][row["Value"]] for part in PARTS)
        q = found.quantity
        assert value == (None if q.value is None else pytest.approx(q.value, rel=1e-6))
        assert (low, high) == ((None, None) if q.ci95 is None else pytest.approx(q.ci95, rel=1e-6))
        assert [data["words"][word] for word in (unit, method, note)] == [q.unit, q.method, q.note]
        assert data["words"][flaw] == (meaning([q.flaw]) if q.flaw else "")
        assert (row["Model"], row["Run"], n) == (found.row.model, found.label, q.n)


def test_it_loads_nothing(page: str) -> None:
    """No element names another file; links to papers are followed by a click alone."""
    for tag, attributes in Read(page).elements:
        named = dict(attributes)
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        assert not {"src", "srcset", "action", "background"} & named.keys(), (tag, named)
        assert "href" not in named or (tag == "a" and str(named["href"]).startswith("#")), (tag, named)
    assert not re.search(r"url\(|@import|https?://", page.partition('id="data"')[0])


def test_only_our_script_datatables_and_plotly_may_run(page: str) -> None:
    """Held against the digests of what is in the page."""
    (script,) = re.findall(r'<script type="module">(.*?)</script>', page, flags=re.DOTALL)
    blocks = re.findall(r'class="library" id="[a-z]+">([A-Za-z0-9+/=]+)</script>', page)
    libraries = [gzip.decompress(base64.b64decode(block)).decode() for block in blocks]
    named = re.search(r"script-src ([^;]+);", page)
    assert named is not None
    assert named[1].split() == [
        f"'sha256-{base64.b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in (script, *libraries)
    ]
    assert libraries[0].startswith("/*! DataTables 3")
    assert libraries[1].startswith("/**\n* plotly.js")
    assert "default-src 'none'" in page


def test_the_script_of_others_has_its_version_and_its_licence() -> None:
    """In the folder's list, and in what the package says of its licences."""
    script = (FOLDER / "vendor/dataTables.min.js").read_text(encoding="utf-8")
    version = re.match(r"/\*! DataTables ([\d.]+)", script)
    assert version is not None
    assert f"| dataTables.min.js | {version[1]} |" in (FOLDER / "vendor/README.md").read_text(encoding="utf-8")
    assert "MIT License" in (FOLDER / "vendor/dataTables.LICENSE.txt").read_text(encoding="utf-8")
    project = tomllib.loads((FOLDER.parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "MIT" in project["license"].split(" AND ")
    assert "reports/ssl_reports/page/vendor/dataTables.LICENSE.txt" in project["license-files"]


def test_our_own_script_stays_small() -> None:
    """Lines without blank ones and comments, formatted so that no line hides two."""
    lines = [line for path in sorted(FOLDER.glob("*.js")) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line for line in lines if len(line) > 120 or line != line.rstrip() or "\t" in line] == []
    assert [line for line in lines if (len(line) - len(line.lstrip())) % 2] == []
    code = [line for line in lines if line.strip() and not line.strip().startswith("//")]
    assert len(code) <= 250
    assert [line for line in code if re.search(r"; (const|let|if|for|return|await|[\w.]+\()", line)] == []


def test_names_are_text(evidence: Evidence, page: str, evil: str) -> None:
    """The same elements as with a harmless name, and the name is there to be read."""
    first, second = evidence.records
    rows = tuple(replace(m, model="x" if m.model == evil else m.model) for m in second.measurements)
    harmless = Read(page_of(Evidence((first, replace(second, measurements=rows)))))
    read = Read(page)
    assert [tag for tag, _ in read.elements] == [tag for tag, _ in harmless.elements]
    assert evil in data_of(page)["models"]["columns"][0]["cells"]
    assert "GPU <X>" in read.text
    assert "A <title>" in read.text


def test_a_flaw_is_said_once() -> None:
    """The note of a rate begins with what speaks against it; its other parts stay."""
    store = Store()
    store.quantity(Quantity(0.5, "1", "measured", note="did not converge; CTC", flaw="did not converge"))
    store.quantity(
        Quantity(0.5, "1", "measured", note="did not converge in any of 2 seeds; CTC", flaw="did not converge")
    )
    assert [store.words[note] for note in store.quantities["note"]] == [
        "CTC",
        "did not converge in any of 2 seeds; CTC",
    ]  # type: ignore[index]


def test_controls_are_no_models(record: Record) -> None:
    untrained = replace(record.measurements[-2], model="a (untrained)")
    assert "1 record, 1 model, 2 controls." in Read(page_of(Evidence((record.extended([untrained]),)))).text


def test_conditions_are_words(evidence: Evidence, page: str) -> None:
    """No key of a record, such as clip_seconds or dtype."""
    said = {text for column in data_of(page)["models"]["columns"] for text in column.get("conditions", []) if text}
    assert "GPU <X>, bfloat16, 16 clips of 15 s per batch" in said
    assert not any(re.search(r"dtype|seconds|compile no|pue", text) for text in said)


@given(text=st.text(max_size=40))
def test_packed_text_is_restored(text: str) -> None:
    assert gzip.decompress(base64.b64decode(packed(text))).decode() == text


@settings(max_examples=15)
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_any_name_of_a_run_is_one_cell(text: str) -> None:
    record = Record(
        text, text, text, text, {"seed": 3, "device": text}, {"cpu": text, "system": text}, kind="comparison"
    )
    plain = replace(record, id="x", created="x", status="x", command="x", config={"seed": 3, "device": "x"})
    plain = replace(plain, environment={"cpu": "x", "system": "x"})
    ours, theirs = (Read(page_of(Evidence((each,)))) for each in (record, plain))
    assert [tag for tag, _ in ours.elements] == [tag for tag, _ in theirs.elements]
    assert ours.text.count(text) >= 4


def test_the_same_records_give_the_same_bytes(evidence: Evidence, page: str) -> None:
    again = Evidence(evidence.records, evidence.folders)
    assert page_of(again) == page


def test_what_cannot_be_had_still_makes_a_page(record: Record) -> None:
    rows = tuple(replace(m, quantity=unavailable(m.quantity.unit, f"no <{m.metric}>")) for m in record.measurements)
    data = data_of(page_of(Evidence((replace(record, measurements=rows),))))
    assert data["models"]["groups"] == {}
    values, methods = data["quantities"]["value"], data["quantities"]["method"]
    known = {data["words"][method] for value, method in zip(values, methods, strict=True) if value is not None}
    assert known == set()
    assert "no <energy>" in data["words"]
    assert len(data["tables"][-1]["columns"][0]["cells"]) == len(rows)


def test_a_page_of_nothing() -> None:
    data = data_of(page_of(Evidence(())))
    assert data["models"]["columns"][0]["cells"] == []
    assert (data["power"]["of"], data["power"]["runs"]) == (0, [])


def test_units_by_hand() -> None:
    """The middle of 7.2 and 720 kJ is 72 kJ, or 20 Wh; 1 MAC is 2 FLOPs."""
    found = unit_choices([7_200.0, 720_000.0], "J")
    assert found["J"] == (1e-3, "kJ")
    assert found["kWh"] == (pytest.approx(1 / 3600), "Wh")
    assert unit_choices([4e12], "FLOP/s") == {
        "FLOP": (1e-12, "TFLOP per audio s"),
        "MAC": (0.5e-12, "TMAC per audio s"),
    }
    assert unit_choices([4e9], "MAC") == {"FLOP": (2e-9, "GFLOP"), "MAC": (1e-9, "GMAC")}
    assert unit_choices([0.25], "1", percent=True) == {"": (100.0, "%")}


def test_energy_column_has_both_units(evidence: Evidence) -> None:
    rows = (
        Measurement("m", "audio_hours_seen", Quantity(2.0, "h", "measured"), "training"),
        Measurement("m", "energy", Quantity(5.4e9, "J", "measured"), "training", "machine"),
    )
    record = replace(evidence.records[0], measurements=rows, config={"device": "cpu"}, environment={})
    tables = {table["name"]: table for table in data_of(page_of(Evidence((record,))))["tables"]}
    (heads,) = (column["heads"] for column in tables["pretraining"]["columns"] if "J" in column["heads"])
    assert {choice: head[1:3] for choice, head in heads.items()} == {
        "kWh": ["MWh", pytest.approx(1 / 3.6e9)], "J": ["GJ", 1e-9]
    }  # fmt: skip


def test_a_column_keeps_the_unit_of_the_paper_where_it_reads_well() -> None:
    """5,400 MJ are 1,500 kWh; 0.0001 EFLOP do not read well, 100 TFLOP do."""
    assert column_choices(Column("energy", "kWh", 1 / 3.6e6), "J", [5.4e9])["kWh"] == (1 / 3.6e6, "kWh")
    assert column_choices(Column("work", "EFLOP", 1e-18), "FLOP", [1e14]) == {
        "FLOP": (1e-12, "TFLOP"), "MAC": (0.5e-12, "TMAC")
    }  # fmt: skip
    assert column_choices(Column("FLOPs", "GFLOP per audio s", 1e-9), "FLOP/s", [4e9])["MAC"] == (
        0.5e-9, "GMAC per audio s"
    )  # fmt: skip


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
    lowest, highest, mean = (line["y"] for line in run["lines"])
    assert run["run"] == "second"
    assert "Thinned for display: 10,001 samples" in run["said"]
    assert len(mean) == 600
    assert (min(lowest), max(highest)) == (0.0, 99.0)
    assert sum(mean) / 600 == pytest.approx(49.5, abs=0.5)
    assert run["table"] == [["gpu", "sampled", "10,001", "0", "99.0"]]


def test_power_that_was_only_modelled_is_left_out_in_one_line(evidence: Evidence) -> None:
    import pandas as pd

    trace = pd.DataFrame({"time_s": [0.0, 1.0], "device": "cpu", "method": "modelled", "power_w": [1.0, 2.0]})
    page = page_of(evidence, {1: trace})
    assert data_of(page)["power"]["runs"] == []
    assert "Power was not metered in these runs, only modelled" in Read(page).text
    assert 'id="power"' not in page


def test_verdicts_have_words_and_places(page: str) -> None:
    """In a section that comes after all results and starts closed."""
    read = Read(page)
    attributes = [dict(each) for _, each in read.elements]
    places = {each.get("id") for each in attributes}
    links = [str(each["href"])[1:] for each in attributes if each.get("class") == "chip"]
    assert links == [f"claim-C{number}" for number in range(1, 7)]
    assert set(links) <= places
    assert read.text.count("not measured here") + read.text.count("holds") + read.text.count("fails") >= 6
    assert ("details", (("id", "claims"),)) in read.elements
    assert page.index('id="claims"') > page.index('id="runs-section"') > page.index('id="pareto-section"')


def test_every_form_of_a_table_is_the_papers(record: Record, tmp_path: Path) -> None:
    write_paper(Evidence((record,)), tmp_path / "paper")
    held = {table["name"]: table["forms"] for table in data_of((tmp_path / "paper/report.html").read_text())["tables"]}
    assert list(held) == ["efficiency", "memory", "quality", "measurements"]
    for name in list(held)[:-1]:
        files = {suffix: tmp_path / "paper/tables" / f"{name}.{suffix}" for suffix in ("tex", "md", "csv")}
        assert held[name] == {suffix: file.read_text(encoding="utf-8") for suffix, file in files.items()}
    assert held["measurements"]["csv"].count("\n") == len(record.measurements) + 1
    assert "\\begin{tabular}" in held["measurements"]["tex"]


def test_every_row_has_a_link_of_its_own() -> None:
    assert anchors("quality", ["HuBERT base", "hubert-base", "<b>", "hubert-base-2", "hubert base"]) == [
        "row-quality-hubert-base", "row-quality-hubert-base-2", "row-quality-b", "row-quality-hubert-base-2-2",
        "row-quality-hubert-base-3",
    ]  # fmt: skip


def test_it_adds_no_user_host_or_path(evidence: Evidence) -> None:
    """Of records that name none; what is packed included."""
    folders = (Path("/home/somebody/runs/first"), Path("/home/somebody/runs/second"))
    page = page_of(Evidence(evidence.records, folders))
    inside = [
        gzip.decompress(base64.b64decode(block)).decode() for block in re.findall(r'id="data">([A-Za-z0-9+/=]+)<', page)
    ]
    ours = page.partition("</style>")[2].partition('class="library"')[0] + "".join(inside)
    words = [
        "somebody",
        str(Path.cwd()),
        str(Path.home()),
        socket.gethostname(),
        getpass.getuser(),
        tempfile.gettempdir(),
    ]
    found = [word for word in words if re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", ours)]
    assert found == []
    assert not re.search(r"(?<![\w.>])/(home|Users|root|tmp|work|mnt)\b", ours)


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
