"""Speech without labels, without speakers, among broken files, and paid for in kWh."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]


def rated(run: Path) -> list[dict[str, Any]]:
    rows = json.loads((run / "run.json").read_text())["measurements"]
    return [r for r in rows if r["phase"] == "evaluation" and r["metric"] in {"cer", "wer", "accuracy"}]


def test_without_transcripts_speakers_are_told_apart_and_kwh_are_a_budget(
    sslbench: Run, speech: Path, small_toml: Path, tmp_path: Path
) -> None:
    """Folder names as speakers; one broken file, and names that look like markup; energy is modelled or better."""
    data = tmp_path / "data"
    for path in speech.rglob("*.flac"):
        (data / path.parts[-3]).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, data / path.parts[-3] / f"take {path.name}")
    (data / "11" / "bad [red]one.wav").write_text("text")
    run = tmp_path / "a [bold]run"
    toml = tmp_path / "small.toml"
    toml.write_text(small_toml.read_text().replace("steps = 9999\n", ""))
    done = sslbench(
        "train-and-measure", "--config", toml, "--data", data, "--out", run, "--kwh", 2e-5, "--country", "FRA",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "bad [red]one.wav: not audio" in done.stderr
    assert "a [bold]run/report.md" in done.stdout
    assert "CO2e" in done.stdout
    document = json.loads((run / "run.json").read_text())
    assert document["status"] == "finished"
    assert document["config"]["kwh"] == 2e-5
    assert document["details"]["data"]["speakers_from"] == "folder names"
    assert list(document["details"]["data"]["skipped_files"].values()) == ["not audio, or broken"]
    energy = {
        row["phase"]: row
        for row in document["measurements"]
        if row["metric"] == "energy" and row["scope"] == "machine" and row["phase"] in {"targets", "training"}
    }
    spent = sum(row["value"] for row in energy.values()) / 3.6e6
    assert 2e-5 <= spent < 4e-5, "the budget is spent, and not much more"
    assert energy["training"]["method"] in done.stdout
    assert [(r["model"], r["metric"]) for r in rated(run)] == [
        ("efficient-tiny", "accuracy"), ("efficient-tiny (untrained)", "accuracy"), ("log-mel", "accuracy"),
    ]  # fmt: skip
    assert all(0 <= r["value"] <= 1 for r in rated(run))


def test_a_flat_folder_trains_and_says_why_it_cannot_be_rated(
    sslbench: Run, speech: Path, small_toml: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    for path in speech.rglob("*.flac"):
        shutil.copy(path, data / f"take {path.name}")
    run = tmp_path / "run"
    done = sslbench(
        "train-and-measure", "--config", small_toml, "--data", data, "--out", run, "--steps", 3, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert len(rated(run)) == 3
    for row in rated(run):
        assert row["value"] is None
        assert "0 known speakers" in row["note"]
        assert "--eval-data" in row["note"]
    assert "not available" in done.stdout
    assert json.loads((run / "run.json").read_text())["status"] == "finished"
