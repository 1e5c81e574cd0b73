"""`sslbench report`: from run folders to a paper's folder, without torch; bad input is one line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Conditions, Measurement, Record, write_record
from ssl_models.catalog import HEADLINE

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a run of which two things are known."""
    at = Conditions(device="GPU X", driver="1", dtype="bfloat16", clip_seconds=15.0, batch_seconds=240.0)
    rows = (
        Measurement(
            HEADLINE,
            "audio_seconds_per_second",
            Quantity(2000.0, "s/s", "measured", (1900.0, 2100.0), 50),
            "training",
            None,
            at,
        ),
        Measurement(HEADLINE, "flops_per_audio_second", Quantity(4e9, "FLOP/s", "analytic"), "training", None, at),
    )
    record = Record(
        "one",
        "2026-11-20T08:00:00+00:00",
        "finished",
        "sslbench measure efficient-small",
        {"device": "cuda"},
        {"gpus": []},
        rows,
        kind="measurement",
    )
    (tmp_path / "one").mkdir()
    write_record(record, tmp_path / "one" / "run.json")
    return tmp_path


def test_report_ends_with_the_next_command(sslbench: Run, folder: Path) -> None:
    done = sslbench("report", "one", cwd=folder)
    assert done.returncode == 0, done.stderr
    before, last = done.stdout.strip().splitlines()[-2:]
    assert before.startswith("paper:    cd paper && pdflatex main && bibtex main")
    assert last.partition("open ")[2] == "paper/report.html"
    assert (folder / "paper" / "report.html").is_file()
    assert (folder / "paper" / "main.tex").is_file()
    assert (folder / "paper" / "tables" / "claims.csv").is_file()
    assert done.stdout.startswith("Cost of a training step and cost of pretraining of 1 model on GPU X\n")
    assert "claims:   C3 holds (--claims lists all 6, with what counts and predictions decide)" in done.stdout
    assert "claims of arXiv" not in done.stdout


def test_claims_are_listed_when_asked(sslbench: Run, folder: Path) -> None:
    done = sslbench("report", "one", "--claims", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "claims of arXiv:2406.07696" in done.stdout
    assert all(f"C{number}: " in done.stdout for number in range(1, 7))


def test_json_has_claims_and_rows(sslbench: Run, folder: Path) -> None:
    done = sslbench("report", "one", "one/run.json", "--out", "p q", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["schema"] == "sslbench.report/1"
    assert [claim["verdict"] for claim in document["claims"]][2] == "holds"
    (finding,) = document["claims"][2]["findings"]
    assert finding["value"] == 9.0
    assert finding["ci95"] == pytest.approx([18_000 / 2100, 18_000 / 1900])
    assert len(document["measurements"]) == 2
    assert (folder / "p q" / "methods.md").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("report",), ("Missing argument", "RUN")),
        (("report", "nowhere"), ("nowhere", "no such run")),
        (("report", "empty"), ("contains a run.json",)),
        (("report", "one", "broken"), ("broken", "not valid JSON")),
        (("report", "one", "--out", "one"), ("one", "not part of a report")),
        (("report", "one", "--out", "one/run.json"), ("run.json", "not a folder")),
    ],
)
def test_bad_input_is_one_line(sslbench: Run, folder: Path, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    (folder / "broken").mkdir()
    (folder / "empty").mkdir()
    (folder / "broken" / "run.json").write_text("{")
    done = sslbench(*arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert all(word in done.stderr for word in words), done.stderr


def test_a_report_needs_no_torch(folder: Path, clean_environment: dict[str, str]) -> None:
    script = (
        "import sys\nfrom ssl_bench.cli import run\nsys.argv = ['sslbench', 'report', 'one']\n"
        "code = run()\nassert not code, code\nassert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=folder,
        env=clean_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_power_trace_that_cannot_be_read_is_a_line_and_no_end(sslbench: Run, folder: Path) -> None:
    """Cut short, or of a version that wrote Parquet, which takes a library that is no dependency."""
    (folder / "one" / "power.parquet").write_bytes(b"PAR1")
    done = sslbench("report", "one", cwd=folder)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("no power trace: one/power.parquet: ")
    assert "power.parquet: unreadable (" in line
    assert "Parquet file size is 4 bytes" in (folder / "paper" / "README.md").read_text()


def test_names_stay_only_if_asked_and_costs_are_chosen(sslbench: Run, folder: Path) -> None:
    run = json.loads((folder / "one" / "run.json").read_text())
    (folder / "one" / "run.json").write_text(json.dumps(run | {"command": "sslbench measure /home/zabolotny/m.py:net"}))
    for options, named in (([], False), (["--no-anonymous"], True)):
        done = sslbench("report", "one", "--pareto", "speed", *options, cwd=folder)
        assert done.returncode == 0, done.stderr
        assert ("zabolotny" in (folder / "paper" / "reproduce.sh").read_text()) is named
        assert "`pareto-speed`" in (folder / "paper" / "README.md").read_text()
    wrong = sslbench("report", "one", "--pareto", "sped", cwd=folder)
    assert (wrong.returncode, wrong.stderr) == (2, "sslbench: unknown cost 'sped'; did you mean speed?\n")
