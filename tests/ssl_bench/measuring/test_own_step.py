"""A training step of one's own is measured and counted as those of the catalog are."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CODE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.front, self.body = nn.Conv1d(1, 32, 400, 160), nn.Linear(32, 32)
    def features(self, x):
        return self.body(self.front(x[:, None]).transpose(1, 2))

class Loss(Net):
    def forward(self, x):
        return self.features(x).pow(2).mean()
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(CODE)
    return path


def test_a_step_of_one_s_own_is_measured_and_counted(
    sslbench: Callable[..., subprocess.CompletedProcess[str]], own: Path, tmp_path: Path
) -> None:
    """Multiply-adds by hand: a convolution and a linear layer on 98 frames a second, forward and two products backward."""
    asked = ("--phase", "training", "--clip-seconds", "1", "--minutes", "0.03", "--no-idle", "--out", "run", "--json")
    done = sslbench("measure", f"{own}:Loss", *asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = {(row["metric"], row["scope"]): row for row in json.loads(done.stdout)["measurements"]}
    frames = (16_000 - 400) // 160 + 1
    forward = frames * (32 * 400 + 32 * 32)
    backward = frames * (32 * 400 + 2 * 32 * 32)  # none towards the waveform
    assert found["flops", None]["value"] == pytest.approx(2 * (forward + backward))
    assert found["audio_seconds_per_second", None]["value"] > 0
    assert found["peak_memory", None]["value"] > 0
