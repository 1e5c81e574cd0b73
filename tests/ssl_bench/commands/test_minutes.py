"""Whole commands whose minutes are few: what did not fit is said, and nothing untrained stands under a trained name."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]


def record(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


def test_a_training_without_a_step_ends_with_one_line_and_is_not_evaluated(
    sslbench: Run, speech: Path, tmp_path: Path
) -> None:
    """A millisecond is over before training begins; with more time the same run goes on and comes to its end."""
    run = tmp_path / "run"
    done = sslbench("train-and-measure", "--data", speech, "--minutes", 1e-5, "--out", run, cwd=tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert "stopped before the first step: the budget was used up before training could begin (start-up took" in last
    assert f"--resume --out {run} --minutes" in last
    document = record(run)
    assert document["status"] == "unfinished"
    assert not [
        row
        for row in document["measurements"]
        if row["phase"] in {"inference", "evaluation"} and row["metric"] in {"cer", "energy"}
    ]
    more = ["--resume", "--minutes", 4, "--steps", 3, "--no-evaluate", "--out", run]
    gone_on = sslbench("train-and-measure", *more, cwd=tmp_path)
    assert gone_on.returncode == 0, gone_on.stderr
    assert record(run)["details"]["attempts"][1]["steps"] == 3


def test_an_evaluation_that_no_time_is_left_for_rates_nothing_and_says_so(
    sslbench: Run, speech: Path, small_toml: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    done = sslbench(
        "train-and-measure", "--config", small_toml, "--data", speech, "--steps", 3, "--evaluate-minutes", 1e-4,
        "--out", run, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = record(run)
    rates = [row for row in document["measurements"] if row["metric"] in {"cer", "wer"}]
    assert len(rates) == 6
    assert all(row["value"] is None and "the time limit of" in row["note"] for row in rates)
    (inference,) = (
        r for r in document["measurements"] if (r["metric"], r["phase"]) == ("energy_per_audio_hour", "inference")
    )
    assert "raise --evaluate-minutes" in inference["note"]
    assert "ends by" in done.stderr


def test_an_evaluation_takes_as_much_speech_as_its_minutes_hold(
    sslbench: Run, speech: Path, small_toml: Path, tmp_path: Path
) -> None:
    """However fast the machine: 12 utterances are rated as a whole, in part or not at all, and every row says which."""
    run, rated = tmp_path / "run", tmp_path / "rated"
    done = sslbench(
        "train-and-measure", "--config", small_toml, "--data", speech, "--steps", 3, "--no-evaluate", "--out", run,
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    done = sslbench("evaluate", run, "--minutes", 0.3, "--features", tmp_path / "kept", "--out", rated, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    document = record(rated)
    taken = document["details"]["evaluation_limit"]
    assert taken["seconds"] == pytest.approx(16.0)
    rows = [row for row in document["measurements"] if row["metric"] == "cer"]
    assert len(rows) == 3
    for row in rows:
        short = row["value"] is not None and taken["share"] < 1
        assert (taken["taken"] in row["note"]) == short
        assert row["value"] is not None or "the time limit of" in row["note"]
    assert (
        document["details"]["speech"]["test"]["planned_utterances"]
        >= document["details"]["speech"]["test"]["utterances"]
    )
