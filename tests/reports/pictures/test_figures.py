"""The figures of a paper: the same bytes each time, and always a word on what is not there."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ssl_benchmarks.record.quantity import Quantity, unavailable
from ssl_benchmarks.record.record import Conditions, Measurement, Record
from ssl_reports.pictures import figures as figures_module
from ssl_reports.pictures.drawing import flawed_numbers
from ssl_reports.pictures.figures import slug, write_figures
from ssl_reports.pictures.look import Look

RATED = Conditions(task="asr")


def rows(model: str, joules: float, error: float) -> list[Measurement]:
    return [
        Measurement(model, "audio_hours_seen", Quantity(2.0, "h", "measured"), "training"),
        Measurement(model, "peak_memory", Quantity(joules * 1e6, "B", "measured"), "training"),
        Measurement(model, "energy", Quantity(joules, "J", "modelled"), "training", "machine"),
        Measurement(model, "energy", Quantity(joules, "J", "modelled"), "training", "cpu"),
        Measurement(model, "cer", Quantity(error, "1", "measured", (0.9 * error, 1.1 * error)), "evaluation", None, RATED),
    ]  # fmt: skip


def record(name: str, *found: Measurement) -> Record:
    return Record(name, "", "finished", "", {"device": "cpu"}, {}, found, kind="comparison")


THREE = record("run_1 & 2", *rows("a_50%", 1000.0, 0.5), *rows("b", 9000.0, 0.2), *rows("c", 9500.0, 0.25))


@pytest.fixture(scope="module")
def trace() -> Any:
    import pandas as pd

    return pd.DataFrame({"time_s": [0.0, 1.0], "device": "cpu", "power_w": [5.0, 6.0], "method": "sampled"})


def written(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, trace: Any) -> Path:
    """The folder of all figures of `THREE`."""
    folder = tmp_path_factory.mktemp("drawn")
    write_figures([THREE], folder, {0: trace})
    return folder


def test_the_same_records_give_the_same_bytes(drawn: Path, tmp_path: Path, trace: Any) -> None:
    write_figures([THREE], tmp_path, {0: trace})
    one = written(drawn)
    assert one == written(tmp_path)
    assert {f"figures/pareto-energy.{end}" for end in ("pdf", "svg", "png")} <= set(one)
    assert {"figures/captions.tex", "figures/power-run-1-2.pdf", "data/pareto-energy.csv"} <= set(one)


def test_text_stays_text_and_no_date_is_written(drawn: Path) -> None:
    svg = (drawn / "figures" / "pareto-energy.svg").read_text(encoding="utf-8")
    assert ">a_50%</text>" in svg
    assert "<dc:date>" not in svg
    pdf = (drawn / "figures" / "pareto-energy.pdf").read_bytes()
    assert b"CIDFontType2" in pdf or b"/TrueType" in pdf or b"/FontFile2" in pdf
    assert b"CreationDate" not in pdf
    assert b"/Type3" not in pdf


def test_every_number_behind_a_figure_is_in_its_table(drawn: Path) -> None:
    with (drawn / "data" / "pareto-energy.csv").open(encoding="utf-8", newline="") as file:
        found = {row["model"]: row for row in csv.DictReader(file)}
    assert {m: (float(r["x_value"]), float(r["y_value"]), r["x_method"]) for m, r in found.items()} == {
        "a_50%": (1000.0, 0.5, "modelled"),
        "b": (9000.0, 0.2, "modelled"),
        "c": (9500.0, 0.25, "modelled"),
    }
    assert (float(found["b"]["y_low"]), float(found["b"]["y_high"])) == pytest.approx((0.18, 0.22))


@pytest.fixture
def unsaved(monkeypatch: pytest.MonkeyPatch) -> None:
    """To write a picture takes a second; what is said of it and its numbers do not need it."""
    monkeypatch.setattr(figures_module, "save", lambda *_: ())


@pytest.mark.usefixtures("unsaved")
def test_captions_are_safe_for_latex(tmp_path: Path, trace: Any) -> None:
    write_figures([THREE, record("r", *rows("c", 1.0, 0.1)[:2])], tmp_path, {0: trace})
    text = (tmp_path / "figures" / "captions.tex").read_text(encoding="utf-8")
    assert r"run\_1 \& 2" in text
    assert re.search(r"(?<!\\)[%&$_^~]", text) is None
    assert re.search(r"sslcaption@pareto.energy\\endcsname\{Character error rate", text)
    assert "No figure" not in text, "nothing to include, so nothing to caption"


def unavailable_record() -> Record:
    return record("x", *(replace(m, quantity=unavailable(m.quantity.unit, "none here")) for m in rows("a", 1.0, 0.1)))


@pytest.mark.parametrize("records", [[], [record("x")], [unavailable_record()]], ids=["none", "empty", "unavailable"])
def test_nothing_to_draw_is_said_and_never_a_crash(tmp_path: Path, records: list[Record]) -> None:
    import pandas as pd

    figures = write_figures(records, tmp_path, {0: pd.DataFrame()} if records else None)
    assert figures
    assert all(figure.caption.startswith("No figure of ") and figure.files == () for figure in figures)
    assert [path.name for path in (tmp_path / "figures").iterdir()] == ["captions.tex"]


@pytest.mark.usefixtures("unsaved")
def test_runs_of_one_name_keep_their_own_files(tmp_path: Path, trace: Any) -> None:
    figures = write_figures([record("r"), record("R"), record("r")], tmp_path, dict.fromkeys(range(3), trace))
    names = [figure.name for figure in figures]
    assert len(names) == len(set(names))


def test_letters_that_the_font_lacks_are_no_failure(tmp_path: Path) -> None:
    some = [row for n in "123" for row in rows(f"模型{n}", 1000.0, 0.5) if row.metric != "peak_memory"]
    figures = write_figures([record("r", *some)], tmp_path)
    assert any(figure.files for figure in figures)


def test_names_order_costs_and_font_are_the_user_s(tmp_path: Path) -> None:
    look = Look({"b": "Ours"}, ("c",), "serif", costs=("device-hours", "memory"))
    figures = {figure.name: figure for figure in write_figures([THREE], tmp_path, look=look)}
    assert [name for name in figures if name.startswith("pareto")] == ["pareto-device-hours", "pareto-memory"]
    assert [row["model"] for row in figures["pareto-memory"].rows] == ["c", "a_50%", "Ours"]
    svg = (tmp_path / "figures" / "pareto-memory.svg").read_text(encoding="utf-8")
    assert ">Ours</text>" in svg
    assert "STIXGeneral" in svg
    assert "DejaVu Sans'" not in svg


@pytest.mark.slow
def test_a_thousand_runs_of_five_models(tmp_path: Path) -> None:
    """Every point is in the table, and few are named."""
    records = [
        record(f"run{n}", *(row for m in range(5) for row in rows(f"m{m}", 1.0 + (n * 7919 + m * 31) % 5003, 0.9 / (1 + m + n % 97))))
        for n in range(1000)
    ]  # fmt: skip
    figures = {figure.name: figure for figure in write_figures(records, tmp_path)}
    assert len(figures["pareto-energy"].rows) == 5000
    assert "Only points on the frontier are named, at most 12" in figures["pareto-energy"].caption


@pytest.mark.parametrize(
    ("name", "expected"), [("Run 1_&", "run-1"), ("..", "figure"), ("efficient-tiny", "efficient-tiny")]
)
def test_names_for_files(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_one_sign_stands_for_any_of_several_flaws() -> None:
    rows = [{"model": "a", "y_flaw": "disturbed"}, {"model": "b", "x_flaw": "", "y_flaw": "a; b"}, {"model": "c"}]
    said = flawed_numbers(rows)
    assert said.startswith("†: disturbed (")
    assert said.endswith("), or a, or b.")
    assert flawed_numbers(rows[2:]) == ""
