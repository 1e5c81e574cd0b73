"""Studies from the command line: equal budgets, seeds, one evaluation, one record, and what happens when runs end badly."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ssl_benchmarks.record.record import read_record

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., "subprocess.Popen[str]"]
MODELS = ("efficient-tiny", "efficient-small")


@pytest.fixture(scope="module")
def unlimited(small_toml: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small settings without their budget."""
    path = tmp_path_factory.mktemp("settings") / "unlimited.toml"
    path.write_text(small_toml.read_text().replace("steps = 9999\n", ""))
    return path


@pytest.fixture(scope="module")
def others(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the speakers under other names."""
    root = tmp_path_factory.mktemp("others") / "dev-other"
    for speaker in ("11", "12"):
        folder = root / f"9{speaker}" / "7"
        folder.mkdir(parents=True)
        for path in (speech / speaker / "7").iterdir():
            target = folder / f"9{path.name}"
            if path.suffix == ".txt":
                target.write_text("".join(f"9{line}\n" for line in path.read_text().splitlines()))
            else:
                shutil.copy(path, target)
    return root


@pytest.fixture(scope="module")
def whole(
    sslbench: Run, speech: Path, others: Path, unlimited: Path, foreign: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """Two models that hear 72 s of speech each (9 steps of 8 s), then learn to spell."""
    run = tmp_path_factory.mktemp("studies") / "whole"
    done = sslbench(
        "study", "--config", unlimited, "--models", ",".join(MODELS), "--equal", "audio-hours", "--budget", 0.02,
        "--data", speech, "--eval-data", others, "--tasks", "asr-finetune", "--learn-hours", 0.01, "--no-idle",
        "--out", run, "--json", cwd=foreign,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return run, json.loads(done.stdout)


def test_every_run_keeps_to_the_budget(whole: tuple[Path, dict[str, Any]]) -> None:
    run, document = whole
    assert document["schema"] == "sslbench.study/1"
    assert document["status"] == "finished"
    study = document["details"]["study"]
    assert (study["equal"], study["budget"]) == ("audio-hours", 0.02)
    assert [(entry["model"], entry["seed"], entry["status"]) for entry in study["runs"]] == [
        (m, 5, "finished") for m in MODELS
    ]
    for entry in study["runs"]:
        own = read_record(run / entry["folder"] / "run.json")
        assert own.status == "finished"
        assert own.config["audio_hours"] == 0.02
        assert entry["spent"]["of_budget"] == pytest.approx(1.0)
        assert entry["spent"]["steps"] == 9
        assert entry["spent"]["audio_hours"] == pytest.approx(72 / 3600)
        hourly = own.find("flops_per_audio_second", "training")
        assert hourly is not None
        assert hourly.value is not None
        assert entry["spent"]["flops"] == pytest.approx(72 * hourly.value)


def test_one_record_holds_the_rows_of_training_and_of_the_evaluation(whole: tuple[Path, dict[str, Any]]) -> None:
    run, document = whole
    record, names = read_record(run / "run.json"), document["details"]["study"]["names"]
    assert record.command == document["command"]
    own = read_record(run / "efficient-tiny-seed5" / "run.json")
    for metric, phase, scope in (
        ("loss", "training", None),
        ("energy", "training", "machine"),
        ("parameters", "inference", None),
    ):
        name = names["efficient-tiny"]
        assert name.startswith("efficient-tiny, encoder."), "its settings are not the catalogue's"
        assert record.find(metric, phase, scope, name) == own.find(metric, phase, scope, name) is not None
    evaluation = read_record(run / "evaluation" / "run.json")
    found = [row for row in evaluation.measurements if row.phase in {"evaluation", "finetuning"}]
    assert found == [row for row in record.measurements if row.phase in {"evaluation", "finetuning"}]
    rated = {row.model for row in record.measurements if row.metric == "cer"}
    assert rated == {*names.values(), *(f"{model} (untrained)" for model in names.values()), "log-mel"}
    assert record.details["speech"]["test"]["speakers"] == 2


def test_the_report_has_a_line_for_each_model_and_control(whole: tuple[Path, dict[str, Any]]) -> None:
    lines = (whole[0] / "report.md").read_text().splitlines()
    names = whole[1]["details"]["study"]["names"]
    for name in (*names.values(), f"{names['efficient-tiny']} (untrained)", "log-mel"):
        assert sum(line.startswith(f"| {name} |") for line in lines) >= 1, name
    assert any(line.startswith("| efficient-small-seed5 | finished | 0.0200 |") for line in lines)
    assert not any("C4" in line for line in lines), "there is no baseline in it"


def test_a_second_study_reads_the_controls_of_the_first(
    whole: tuple[Path, dict[str, Any]], sslbench: Run, speech: Path, others: Path, unlimited: Path, tmp_path: Path
) -> None:
    """The same models trained for less: its untrained twins and log-mel are those of the first, and are paid there."""
    done = sslbench(
        "study", "--config", unlimited, "--models", ",".join(MODELS), "--equal", "audio-hours", "--budget", 0.01,
        "--data", speech, "--eval-data", others, "--tasks", "asr-finetune", "--learn-hours", 0.01, "--no-idle",
        "--controls", whole[0], "--out", tmp_path / "second", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    controls = {*(f"{name} (untrained)" for name in document["details"]["study"]["names"].values()), "log-mel"}
    assert {entry["system"] for entry in document["details"]["controls_read"]} == controls
    assert {entry["from"] for entry in document["details"]["controls_read"]} == {"whole"}

    def rates(found: dict[str, Any]) -> dict[str, float]:
        return {row["model"]: row["value"] for row in found["measurements"] if row["metric"] == "cer"}

    first, second = rates(whole[1]), rates(document)
    assert {name: second[name] for name in controls} == {name: first[name] for name in controls}
    names = set(document["details"]["study"]["names"].values())
    assert set(second) == {*names, *controls}
    paid = {
        row["model"] for row in document["measurements"] if row["phase"] == "finetuning" and row["metric"] == "energy"
    }
    assert paid == names
    assert "rated in whole, which bears the cost; not rated again" in (tmp_path / "second" / "report.md").read_text()


def test_a_finished_study_is_not_resumed(whole: tuple[Path, dict[str, Any]], sslbench: Run, tmp_path: Path) -> None:
    done = sslbench("study", "--resume", "--out", whole[0], cwd=tmp_path)
    assert done.returncode == 2
    assert "finished; there is nothing to resume" in done.stderr


def test_a_stopped_study_goes_on_and_a_run_that_fails_is_a_row(
    start_sslbench: Start, wait_for: Callable[..., None], sslbench: Run, speech: Path, unlimited: Path, tmp_path: Path
) -> None:
    """Three seeds: the first is done when Ctrl-C comes, the second is stopped, the third finds its folder in use."""
    run = tmp_path / "runs" / "study"
    first, second, third = (run / f"efficient-tiny-seed{seed}" for seed in (5, 6, 7))
    process = start_sslbench(
        "train-and-measure", "--config", unlimited, "--seeds", 3, "--model", "efficient-tiny", "--data", speech, "--no-idle",
        "--equal", "audio-hours", "--budget", 0.5, "--out", run, cwd=tmp_path,
    )  # fmt: skip
    wait_for((second / "metrics.jsonl").is_file, process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr
    assert "Traceback" not in stderr
    assert f"sslbench study --resume --out {run}" in stderr.strip().splitlines()[-1]
    assert "use `sslbench study`" in stderr
    assert stdout
    stopped = read_record(run / "run.json")
    assert stopped.status == "unfinished"
    assert [entry["status"] for entry in stopped.details["study"]["runs"]] == ["finished", "unfinished", "unfinished"]
    assert read_record(second / "run.json").details["stopped"] == "by the user"
    before = (first / "run.json").read_bytes()

    refused = sslbench("train-and-measure", "--resume", "--seeds", 4, cwd=tmp_path)
    assert refused.returncode == 2
    assert "--seeds cannot differ" in refused.stderr
    third.mkdir()
    (third / "notes.txt").write_text("not a run\n")
    done = sslbench("train-and-measure", "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    ended = read_record(run / "run.json")
    assert ended.status == "finished"
    assert "stopped" not in ended.details
    runs = ended.details["study"]["runs"]
    assert [entry["status"] for entry in runs] == ["finished", "finished", "failed"]
    assert "not empty" in runs[2]["reason"]
    assert "not empty" in done.stdout
    assert (first / "run.json").read_bytes() == before
    assert len(read_record(second / "run.json").details["attempts"]) == 2
    loss = ended.find("loss", "training", None, ended.details["study"]["names"]["efficient-tiny"])
    assert loss is not None
    assert "(seed 5)" in loss.note
    assert "(seed 6)" in loss.note
    assert "seed 7 failed" in loss.note


def test_a_study_whose_runs_all_fail_ends_with_the_reason(
    sslbench: Run, speech: Path, unlimited: Path, tmp_path: Path
) -> None:
    toml = tmp_path / "hot.toml"
    toml.write_text(unlimited.read_text() + "[optimisation]\npeak_learning_rate = 1e30\n")
    run = tmp_path / "study"
    done = sslbench(
        "study", "--config", toml, "--models", "efficient-tiny", "--data", speech, "--equal", "audio-hours",
        "--budget", 0.2, "--no-idle", "--out", run, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert "every run failed" in last
    assert "not a finite number at step" in last
    record = read_record(run / "run.json")
    loss = record.find("loss", "training", None, record.details["study"]["names"]["efficient-tiny"])
    assert loss is not None
    assert loss.method == "unavailable"
    assert "not a finite number" in loss.note
