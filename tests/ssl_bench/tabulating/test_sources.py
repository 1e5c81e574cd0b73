"""One table from five sources: a catalog model, an own training step, a metered script, a metered block, an imported log."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ssl_bench import metered

EMISSIONS = Path(__file__).parents[1] / "importing" / "files" / "codecarbon-3.3.2.csv"
STEP = """
import torch

class Step(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.front = torch.nn.Conv1d(1, 32, 400, 160)
    def forward(self, x):
        return self.front(x[:, None]).pow(2).mean()
"""
QUICK = ("--phase", "training", "--clip-seconds", "1", "--minutes", "0.03", "--no-idle", "--country", "FRA")


@pytest.fixture
def folder(sslbench: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> Path:
    """A folder `runs` with a run of each source."""
    (tmp_path / "own.py").write_text(STEP)
    for name, words in {
        "catalog": ("measure", "efficient-tiny", *QUICK),
        "own": ("measure", "own.py:Step", *QUICK),
        "script": ("meter", "--name", "script", "--audio-hours", "5", "--country", "FRA"),
        "old": ("import", "codecarbon", EMISSIONS, "--name", "old", "--audio-hours", "5"),
    }.items():
        command = ("--", "sh", "-c", "sleep 0.3") if name == "script" else ()
        done = sslbench(*words, "--out", f"runs/{name}", *command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    with metered("block", out=str(tmp_path / "runs" / "block"), audio_hours=5.0, country="FRA"):
        time.sleep(0.3)
    return tmp_path


def test_what_differs_is_refused_or_marked(
    sslbench: Callable[..., subprocess.CompletedProcess[str]], folder: Path
) -> None:
    refused = sslbench("table", "runs", cwd=folder)
    assert (refused.returncode, "not comparable, column" in refused.stderr) == (2, True)
    look = ("--mark-differences", "--baseline", "script", "--audio-hours", "5")
    document = json.loads(sslbench("table", "runs", *look, "--json", cwd=folder).stdout)
    rows = {row["Model"]: row for row in document["rows"]}
    assert set(rows) == {"efficient-tiny", "own.py:Step", "script", "block", "old"}
    assert all(row["Energy"]["value"] is not None for row in rows.values())
    assert rows["own.py:Step"]["Training FLOPs"]["value"] is not None
    assert rows["script"]["Training FLOPs"]["value"] is None
    assert not any("ratio" in figure for figure in rows["old"].values() if isinstance(figure, dict))
    assert rows["block"]["Energy"]["ratio"] > 0
    assert "imported from CodeCarbon" in rows["old"]["Energy"]["note"]
    assert (
        "one 1 s clip per batch (most models: clips not recorded)" in rows["efficient-tiny"]["Training speed"]["flaw"]
    )
    assert rows["old"]["CO2e"]["value"] is not None
    shown = sslbench("table", "runs", *look, cwd=folder).stdout
    assert "imported from CodeCarbon 3.3.2" in shown
    assert "†" in shown
