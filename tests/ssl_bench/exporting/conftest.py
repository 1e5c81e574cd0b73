"""Runs to export: a real record of the docs, with a training curve beside it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

RESULTS = Path(__file__).parents[3] / "docs" / "results"
REAL = RESULTS / "three-seeds" / "efficient-tiny-seed0"


def line(step: int, *, attempt: int = 1, seconds: float = 0.0, **more: Any) -> dict[str, Any]:
    """A line of `metrics.jsonl` as a training writes it: 5 steps of 8 s of audio, 28 W."""
    joules = {
        "value": 28.0 * seconds,
        "unit": "J",
        "method": "modelled",
        "ci95": None,
        "n": None,
        "note": "",
        "flaw": "",
    }
    gpu = {**joules, "value": None, "method": "unavailable", "note": "no GPU"}
    return {
        "attempt": attempt, "first_step": step - 4, "step": step, "seconds": seconds, "progress": step / 20,
        "audio_hours": 8 * step / 3600, "loss": 3.0 - step / 10, "learning_rate": 1e-3, "attempt_steps": step,
        "attempt_audio_seconds": 8.0 * step, "power_w": {"machine": 28.0, "gpu": None},
        "training_energy": {"machine": joules, "gpu": gpu}, **more,
    }  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a real training, with a curve of four lines."""
    folder = tmp_path / "efficient-tiny-seed0"
    shutil.copytree(REAL, folder)
    lines = [line(step, seconds=step / 5) for step in (5, 10, 15, 20)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
    return folder
