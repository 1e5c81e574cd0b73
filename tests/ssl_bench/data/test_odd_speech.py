"""Speech without labels, without speakers, among broken files, with a budget in kWh."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytestmark = pytest.mark.slow

FOLDERS = "^(?P<speaker>[^/]+)/"
Run = Callable[..., subprocess.CompletedProcess[str]]


def rated(run: Path) -> list[dict[str, Any]]:
    rows = json.loads((run / "run.json").read_text())["measurements"]
    return [r for r in rows if r["phase"] == "evaluation" and r["metric"] in {"cer", "wer", "accuracy"}]


def test_without_transcripts_speakers_are_told_apart_and_kwh_are_a_budget(
    sslbench: Run, speech: Path, small_toml: Path, tmp_path: Path
) -> None:
    """Folder names as speakers, by a pattern; one broken file, and names that look like markup; energy is modelled or better."""
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
        "--speakers", FOLDERS, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "bad [red]one.wav: not audio" in done.stderr
    assert "a [bold]run/report.md" in done.stdout
    assert "CO2e" in done.stdout
    document = json.loads((run / "run.json").read_text())
    assert document["status"] == "finished"
    assert document["config"]["kwh"] == 2e-5
    assert sum(document["details"]["data"]["formats"].values()) == document["details"]["data"]["utterances"]
    assert document["details"]["data"]["speakers_from"] == f"--speakers {FOLDERS}"
    assert list(document["details"]["data"]["skipped_files"].values()) == ["not audio, or broken"]
    energy = {
        row["phase"]: row
        for row in document["measurements"]
        if row["metric"] == "energy" and row["scope"] == "machine" and row["phase"] in {"targets", "training"}
    }
    spent = sum(row["value"] for row in energy.values()) / 3.6e6
    assert 1.8e-5 <= spent < 4e-5, "the budget is spent, by the joules of the moment, which the whole reading settles"
    assert energy["training"]["method"] in done.stdout
    ours = document["measurements"][0]["model"]
    assert [(r["model"], r["metric"]) for r in rated(run)] == [
        (ours, "accuracy"), (f"{ours} (untrained)", "accuracy"), ("log-mel", "accuracy"),
    ]  # fmt: skip
    assert all(0 <= r["value"] <= 1 for r in rated(run))


def test_files_that_recorders_and_programs_spoil_are_named_and_stop_nothing(
    sslbench: Run, speech: Path, small_toml: Path, tmp_path: Path
) -> None:
    """A FLAC without its length, floats in the scale of integers, channels that cancel, a name in Latin-1."""
    data = tmp_path / "data"
    shutil.copytree(speech, data)
    for speaker in (11, 12, 13, 14):
        floats, stereo = (data / f"{speaker}/7/{speaker}-7-000{number}.flac" for number in (0, 1))
        loud, quiet = (soundfile.read(path, dtype="int16")[0] for path in (floats, stereo))
        soundfile.write(floats.with_suffix(".wav"), loud.astype("float32"), 16_000, subtype="FLOAT")
        soundfile.write(stereo.with_suffix(".wav"), np.stack([quiet, -quiet], axis=1), 16_000)
        floats.unlink()
        stereo.unlink()
    flac, latin = data / "11/7/11-7-0002.flac", data / "14/7/14-7-0002.flac"
    raw = flac.read_bytes()
    flac.write_bytes(raw[:21] + bytes([raw[21] & 0xF0, 0, 0, 0, 0]) + raw[26:])
    latin.rename(os.fsdecode(os.fsencode(latin.parent) + b"/caf\xe9.flac"))
    run = tmp_path / "run"
    words = ("train-and-measure", "--config", small_toml, "--data", data, "--steps", 9, "--no-evaluate", "--no-idle")
    done = sslbench(*words, "--out", run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    details = json.loads((run / "run.json").read_text())["details"]
    trained = {"11", "12", "13", "14"} - set(details["held_out"]["speakers"])
    wanted = {f"{speaker}-7-0000.wav": "clipped" for speaker in trained}
    wanted |= {f"{speaker}-7-0001.wav": "its 2 channels cancel each other" for speaker in trained}
    assert {Path(path).name: why.split(":")[0] for path, why in details["broken_files"].items()} == wanted
    assert details["data"]["utterances"] == 12 - len(wanted)
    assert details["data"]["hours"] == pytest.approx((12 - len(wanted)) * 2 / 3600)
    assert details["data"]["of_unknown_speakers"] == 1
    assert "the speakers are unknown: 1 of 12 utterances" in details["held_out"]["how"]
    assert details["audio"]["counts"]["clipped"] == details["audio"]["counts"]["cancelled"] >= len(trained)
    assert "left out `" in (run / "report.md").read_text()
    done = sslbench(*words, "--keep-odd-audio", "--out", tmp_path / "all", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    details = json.loads((tmp_path / "all" / "run.json").read_text())["details"]
    assert details["broken_files"] == {}
    assert details["data"]["utterances"] == 12


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
