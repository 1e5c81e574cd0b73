"""The main job on real LibriSpeech, shortened: the README's table comes from the same command with ten minutes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.speech]


def test_a_short_run_on_real_speech_learns(real_speech: Path, tmp_path: Path) -> None:
    """Loss falls below its start and below what a guess from the targets' frequencies would lose."""
    command = [
        str(Path(sys.executable).parent / "sslbench"), "train-and-measure", "--model", "efficient-tiny", "--device", "cpu",
        "--data", str(real_speech / "train-clean-5"), "--eval-data", str(real_speech / "dev-clean"), "--no-evaluate",
        "--steps", "160", "--batch-seconds", "61.44", "--out", str(tmp_path / "run"), "--json",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["status"] == "finished"
    assert record["details"]["data"]["speakers"] == 28
    assert len(record["details"]["held_out"]["speakers"]) == 12
    curve = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    end = sum(line["loss"] for line in curve[-4:]) / 4
    assert end < curve[0]["loss"] - 0.2
    assert end < sum(line["target_entropy"] for line in curve) / len(curve) - 0.1
    assert curve[-1]["feature_variance"] > 0.05
