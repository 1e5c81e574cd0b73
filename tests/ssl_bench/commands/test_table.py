"""`sslbench table`: from runs to one table in a terminal, a pipe and files."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
EXAMPLES = next(
    path
    for path in (Path(__file__).parents[3] / name for name in ("docs/results", "reports/examples"))
    if (path / "compare-cpu").is_dir()
)
COMPARED, STUDIED = str(EXAMPLES / "compare-cpu"), str(EXAMPLES / "equal-joules")


def test_printed_it_fits_the_terminal_and_leads_on(sslbench: Run, tmp_path: Path) -> None:
    done = sslbench("table", COMPARED, cwd=tmp_path, env={"COLUMNS": "80"})
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[-1].startswith("next: sslbench table ")
    assert max(map(len, lines[:-1])) <= 80
    assert "HuBERT Large" in done.stdout
    assert not set("…│┃╭") & set(done.stdout)


def test_what_it_suggests_is_what_was_typed_and_a_file(sslbench: Run, tmp_path: Path) -> None:
    done = sslbench("table", COMPARED, "--baseline", "essl", "--name", "essl=The small one", cwd=tmp_path)
    suggested = f"next: sslbench table {COMPARED} --baseline essl --name 'essl=The small one' --out table.tex"
    assert done.stdout.splitlines()[-1] == suggested


def test_a_caption_and_a_label_make_a_float(sslbench: Run, tmp_path: Path) -> None:
    words = ("--caption", "Cost of five models", "--label", "tab:cost", "--width", "single")
    done = sslbench("table", COMPARED, "--columns", "parameters", *words, "--out", "t.tex", cwd=tmp_path)
    assert done.stdout == "table: t.tex (5 models, 1 column)\n"
    text = (tmp_path / "t.tex").read_text()
    assert "\\begin{table}[t]\n\\centering\n\\caption{Cost of five models}\\label{tab:cost}\n" in text
    assert sslbench("table", COMPARED, "--columns", "parameters", "--out", "t.tex", cwd=tmp_path).returncode == 0
    assert "\\begin{table" not in (tmp_path / "t.tex").read_text()
    refused = sslbench("table", COMPARED, "--label", "tab cost", cwd=tmp_path)
    assert (refused.returncode, "--label tab cost" in refused.stderr) == (2, True)


@pytest.mark.parametrize("published", [True, False])
def test_the_same_runs_make_the_same_table_whatever_the_seed_of_hashes(
    sslbench: Run, tmp_path: Path, *, published: bool
) -> None:
    """Published error rates are on two test sets, in either of which as many models were tested."""
    words = ("table", COMPARED, *["--published"] * published)
    first, second = (sslbench(*words, cwd=tmp_path, env={"PYTHONHASHSEED": seed}).stdout for seed in "01")
    assert first == second
    assert (first.count("test-clean"), first.count("test-other")) == ((2, 2) if published else (0, 0))


@pytest.mark.parametrize("form", ["tex", "md", "csv", "html", "txt"])
def test_each_form_is_written_by_one_command(sslbench: Run, tmp_path: Path, form: str) -> None:
    done = sslbench("table", STUDIED, "--bold", "--name", "essl-tiny=essL (tiny)", "--out", f"t.{form}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"table: t.{form} (6 models, 8 columns)\n"
    text = (tmp_path / f"t.{form}").read_text()
    assert "essL (tiny)" in text
    assert "essl-tiny" not in text


def test_json_is_one_document_with_full_numbers(sslbench: Run, tmp_path: Path) -> None:
    document = json.loads(sslbench("table", COMPARED, "--json", cwd=tmp_path).stdout)
    assert document["schema"] == "sslbench.table/1"
    speeds = [row["Training speed"] for row in document["rows"]]
    record = json.loads((Path(COMPARED) / "run.json").read_text())
    known = {
        row["model"]: row["value"]
        for row in record["measurements"]
        if (row["metric"], row["phase"]) == ("audio_seconds_per_second", "training")
    }
    expected = [known[row["Model"]] for row in document["rows"]]
    assert [speed["value"] for speed in speeds] == pytest.approx(expected, rel=1e-11)


def test_choices_are_kept_in_a_file(sslbench: Run, tmp_path: Path) -> None:
    (tmp_path / "table.toml").write_text('columns = ["parameters", "rtf"]\nphase = "inference"\nname = ["essl=A"]\n')
    done = sslbench("table", COMPARED, "--config", "table.toml", "--out", "t.md", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    head = (tmp_path / "t.md").read_text().splitlines()[2]
    assert head == "| Model | Params ↓ (M) | Inference speed ↑ (× real time) |"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((COMPARED, STUDIED), ("not comparable", "--mark-differences")),
        ((COMPARED, "--out", "t.pdf"), ("t.pdf", ".tex")),
        ((COMPARED, "--out", "gone/t.md"), ("gone", "does not exist")),
        ((COMPARED, "--columns", "flop"), ("flop", "flops")),
        ((COMPARED, "--order", "hubert-bse"), ("hubert-bse", "hubert-base")),
        ((COMPARED, "--name", "essl"), ("--name essl", "MODEL=TEXT")),
        ((COMPARED, "--name", "esl=x"), ("esl", "did you mean essl")),
        ((COMPARED, "--pue", "0.5"), ("--pue", "at least 1")),
        ((COMPARED, "--country", "FRA", "--grid-intensity", "50"), ("--country", "not both")),
        ((COMPARED, "--audio-hours", "0"), ("--audio-hours", "more than 0")),
        (("gone",), ("gone", "no such run")),
    ],
    ids=lambda value: " ".join(Path(part).name for part in value),
)
def test_bad_input_is_one_line(
    sslbench: Run, tmp_path: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    done = sslbench("table", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.count("\n") == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_choices_of_look_and_stated_costs_arrive(sslbench: Run, tmp_path: Path) -> None:
    (tmp_path / "costs.toml").write_text(
        '[[cost]]\nmodel = "theirs"\nname = "rtf"\nvalue = 2650\nunit = "x real time"\nsource = "their Table 5"\n'
    )
    look = ("--baseline", "essl", "--group", "family", "--digits", "2", "--costs", "costs.toml", "--font", "sans")
    for form in ("tex", "html", "md"):
        done = sslbench(
            "table", COMPARED, "--columns", "rtf,memory", "--units", "MB", *look, "--out", f"t.{form}", cwd=tmp_path
        )
        assert done.returncode == 0, done.stderr
        text = (tmp_path / f"t.{form}").read_text()
        assert "their Table 5" in text
        assert "MB" in text
        assert "2650" in text.replace(",", "")
        assert "0.288" in text  # the memory of efficient-small divided by that of essl
    assert "\\sffamily" in (tmp_path / "t.tex").read_text()
    assert "sans-serif" in (tmp_path / "t.html").read_text()


def test_another_grid_needs_no_new_measurement(sslbench: Run, tmp_path: Path) -> None:
    columns = ("--columns", "energy,co2e", "--json")
    one, other = (
        json.loads(sslbench("table", COMPARED, *columns, "--grid-intensity", grams, cwd=tmp_path).stdout)["rows"]
        for grams in ("100", "200")
    )
    for ours, theirs in zip(one, other, strict=True):
        assert ours["Energy"]["value"] == theirs["Energy"]["value"]
        scale = {"mg": 1e-3, "g": 1.0, "kg": 1e3, "t": 1e6}
        grams = [row["CO2e"]["value"] * scale[row["CO2e"]["unit"]] for row in (ours, theirs)]
        assert grams[1] == pytest.approx(2 * grams[0])


def test_a_folder_of_runs_stands_for_its_runs(sslbench: Run, tmp_path: Path) -> None:
    seeds = str(EXAMPLES / "three-seeds")  # itself a run, whose folder holds others
    done = sslbench("table", seeds, "--out", "t.md", cwd=tmp_path)
    assert done.stdout == "table: t.md (1 model, 10 columns)\n"
    (tmp_path / "runs").mkdir()
    for name in ("one", "two"):
        (tmp_path / "runs" / name).symlink_to(EXAMPLES / "compare-cpu", target_is_directory=True)
    done = sslbench("table", "runs", "--out", "t.md", cwd=tmp_path)
    assert done.stdout == "table: t.md (5 models, 7 columns)\n"


def test_counts_that_were_kept_have_a_row(sslbench: Run, tmp_path: Path) -> None:
    kept = (
        "profile",
        "efficient-tiny",
        "--no-second-opinion",
        "--clip-seconds",
        "5",
        "--seconds",
        "1",
        "--out",
        "counts",
    )
    done = sslbench(*kept, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-2:] == ["run: counts", "next: sslbench table counts"]
    assert json.loads((tmp_path / "counts" / "run.json").read_text())["kind"] == "profile"
    rows = json.loads(
        sslbench("table", COMPARED, "counts", "--columns", "parameters,flops,rtf", "--json", cwd=tmp_path).stdout
    )["rows"]
    ours = next(row for row in rows if row["Model"] == "efficient-tiny")
    assert ours["Training FLOPs"]["value"] == pytest.approx(
        0.36, abs=0.05
    )  # GFLOP per audio second, at 5 s as the others
    assert ours["Training speed"]["value"] is None
    again = sslbench(*kept, cwd=tmp_path)
    assert (again.returncode, "already holds" in again.stderr) == (2, True)
