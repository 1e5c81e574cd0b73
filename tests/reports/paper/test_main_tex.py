"""The supplement compiles from any record, fits its page, and says so where there is no table."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_reports.paper.main_tex import ROWS, main_tex
from ssl_reports.reading.evidence import Evidence, read_evidence
from ssl_reports.report import write_paper
from ssl_reports.tables.table import Column, PaperTable

NAME = r"net_50%&#$~^{x}\y|<b>*"
RESULTS = Path(__file__).parents[3] / "docs" / "results"
AT = Conditions(device="CPU x 2", dtype="float32", clip_seconds=15.0, batch_seconds=30.0, pue=1.0)


def run(name: str, model: str, value: float = 1.0) -> Record:
    rated = Conditions(task="asr-finetune", head="linear", labels="1h", tested_on="test_clean")
    rows = [
        Measurement(model, "audio_hours_seen", Quantity(2.0, "h", "measured"), "training", None, AT),
        Measurement(model, "device_hours", Quantity(0.5, "h", "measured"), "training", None, AT),
        Measurement(model, "energy", Quantity(3.6e6 * value, "J", "modelled"), "training", "machine", AT),
        Measurement(model, "flops_per_audio_second", Quantity(1e9, "FLOP/s", "analytic"), "training", None, AT),
        Measurement(model, "peak_memory", Quantity(2.0**30, "B", "measured"), "training", None, AT),
        Measurement(model, "cer", Quantity(0.5 / value, "1", "measured", (0.4 / value, 0.62 / value)), "finetuning", None, rated),
    ]  # fmt: skip
    grid = {"g_per_kwh": 56.0, "country": "FRA", "year": 2023, "source": "a table"}
    config = {"device": "cpu", "seed": 3, "pue": 1.0, "precision": "float32", "data": "librispeech-sample"}
    machine = {"system": "Linux", "cpu": "a_processor", "cores": 2, "packages": {"torch": "2", "sslbench": "0.1.0"}}
    return Record(name, "2026-11-20", "finished", "sslbench x", config, machine, tuple(rows), details={"grid": grid}, kind="training")  # fmt: skip


def without_values(record: Record) -> Record:
    rows = (replace(m, quantity=unavailable(m.quantity.unit, f"no {m.metric} here")) for m in record.measurements)
    return replace(record, measurements=tuple(rows))


def table(rows: int) -> PaperTable:
    return PaperTable("efficiency", "A_table", (Column("model"), Column("x", "h")), (("m", None),) * rows)


def test_a_table_of_many_models_is_cut_and_says_so() -> None:
    whole, cut = main_tex("T", table(ROWS), []), main_tex("T", table(ROWS + 1), [])
    assert "\\input{tables/efficiency.tex}" in whole
    assert "\\input{tables/efficiency.tex}" not in cut
    assert cut.count("m \\\\") == ROWS
    assert f"the first {ROWS}; all are in tables/efficiency.csv" in cut


def test_without_a_table_it_says_so() -> None:
    text = main_tex("a & b", None, ["pareto-energy", "energy-by-part"])
    assert "There is no efficiency table" in text
    assert "a \\& b" in text
    assert re.findall(r"includegraphics.*\{(.*)\}", text) == ["figures/pareto-energy.pdf", "figures/energy-by-part.pdf"]
    assert text.count("\\begin{minipage}{\\columnwidth}\n\\includegraphics") == 2
    assert re.search(r"<[A-Z]+>", text) is None
    assert "\\sfdefault" in main_tex("T", None, [], "sans")


def typeset(folder: Path) -> tuple[str, int]:
    """What the last run of pdflatex says, and the number of pages."""
    for program in ("pdflatex", "bibtex", "pdflatex", "pdflatex"):
        options = [] if program == "bibtex" else ["-interaction=nonstopmode", "-halt-on-error"]
        done = subprocess.run(
            [program, *options, "main"], cwd=folder, capture_output=True, text=True, errors="replace", check=False
        )
        assert done.returncode == 0, done.stdout[-3000:]
    found = re.search(r"Output written on main\.pdf \((\d+) pages?", done.stdout)
    assert found is not None
    return done.stdout, int(found[1])


@pytest.mark.ci
@pytest.mark.slow
@pytest.mark.pdflatex
@pytest.mark.parametrize(
    "records",
    [
        [run("run 1", NAME), without_values(run("n_a & 100%", NAME)), *(run(f"r{i}", f"m_{i}", 1.0 + i) for i in range(45))],
        [without_values(run("n_a & 100%", NAME))],
    ],
    ids=["many-with-odd-names", "no-value"],
)  # fmt: skip
def test_pdflatex_sets_it(tmp_path: Path, records: list[Record]) -> None:
    """Names full of TeX's signs, nothing available, more models than fit; no box too wide for the page."""
    write_paper(Evidence(tuple(records)), tmp_path / "paper")
    said, pages = typeset(tmp_path / "paper")
    assert pages <= 3
    assert "undefined" not in said
    assert "Overfull \\hbox" not in said


@pytest.mark.slow
@pytest.mark.pdflatex
def test_every_table_fits_the_page_of_the_supplement(tmp_path: Path) -> None:
    """Of records of two kinds, whose conditions differ; a picture and its caption stay together."""
    write_paper(read_evidence([str(RESULTS / "compare-cpu"), str(RESULTS / "equal-joules")]), tmp_path)
    preamble = (tmp_path / "main.tex").read_text().partition("\\begin{document}")[0]
    names = sorted(path.name for path in (tmp_path / "tables").glob("*.tex"))
    assert len(names) == 7
    body = "\n\\newpage\n".join(f"\\input{{tables/{name}}}" for name in names)
    (tmp_path / "all.tex").write_text(f"{preamble}\\begin{{document}}\n{body}\n\\end{{document}}\n")
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "all"], cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert not re.findall(r"(?:Over|Under)full.*", done.stdout)
    assert "deprecated" not in (tmp_path / "all.log").read_text(errors="replace")


@pytest.mark.slow
@pytest.mark.pdflatex
@pytest.mark.parametrize("name", ["compare-cpu", "equal-hours", "equal-joules", "three-seeds"])
def test_own_results_make_two_pages(tmp_path: Path, name: str) -> None:
    write_paper(read_evidence([str(RESULTS / name)]), tmp_path / "paper")
    said, pages = typeset(tmp_path / "paper")
    assert pages <= 2
    assert "undefined" not in said
    assert "Overfull" not in said
