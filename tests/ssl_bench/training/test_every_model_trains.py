"""`train-and-measure --model NAME` for one model of each objective, at a reduced size of the same code path."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

NARROW = "width = 32\nlayers = 2\nheads = 2\nhidden = 48\n"
FAMILY = "conv_widths = [16, 16, 16, 16, 16, 16, 16]\nposition_groups = 4\n"
STAGE = (
    "conv_kernels = {kernels}\nconv_strides = {strides}\nconv_widths = {widths}\nlayers = 1\nheads = 2\nhidden = 48\n"
)
SETTINGS = {
    "efficient-tiny": "[encoder]\nwidth = 32\nblocks = 2\nheads = 2\nhidden = 48\n[objective]\nclusters = 8\n",
    "essl": "[encoder]\nmels = 40\nposition_groups = 4\nposition_kernel = 16\n[encoder.lower]\n"
    + STAGE.format(kernels=[5, 5], strides=[2, 2], widths=[24, 32])
    + "[encoder.upper]\n"
    + STAGE.format(kernels=[5], strides=[2], widths=[32])
    + "[objective]\nnegatives = 5\ncode_width = 16\n",
    "wav2vec2-base": f"[encoder]\n{NARROW}{FAMILY}[objective]\nentries = 8\ncode_width = 16\nprojected_width = 16\n",
    "hubert-base": f"[encoder]\n{NARROW}{FAMILY}[objective]\nclusters = 8\ncode_width = 16\n",
    "wavlm-base": f"[encoder]\n{NARROW}{FAMILY}[objective]\nclusters = 8\ncode_width = 16\n",
    "data2vec-audio-base": f"[encoder]\n{NARROW}{FAMILY}[objective]\ntop_layers = 2\n",
    "melhubert-base": f"[encoder]\n{NARROW}position_groups = 4\n[objective]\nclusters = 8\n",
    "best-rq-base": f"[encoder]\n{NARROW}position_groups = 4\n[objective]\nentries = 8\n",
}
Sslbench = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("name", SETTINGS)
def test_it_trains_measures_and_can_be_loaded(name: str, sslbench: Sslbench, speech: Path, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(f'device = "cpu"\nclip-seconds = 2\nbatch-seconds = 8\n{SETTINGS[name]}')
    done = sslbench(
        "train-and-measure", "--model", name, "--config", "small.toml", "--data", speech, "--steps", 12, "--no-evaluate",
        "--out", "run", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    rows = {(row["metric"], row["phase"]): row for row in record["measurements"] if row["scope"] in (None, "machine")}
    assert record["status"] == "finished"
    assert rows["loss", "training"]["value"] > 0
    assert rows["flops", "training"]["value"] > rows["flops", "inference"]["value"] > 0
    assert rows["peak_memory", "inference"]["value"] > 0
    assert rows["loss", "training"]["attention"] == ("eager" if name == "wavlm-base" else "sdpa")
    shown = sslbench("models", "run", cwd=tmp_path)
    assert name in shown.stdout


def test_a_second_iteration_learns_from_the_first(sslbench: Sslbench, speech: Path, tmp_path: Path) -> None:
    """HuBERT on units of a layer of a HuBERT trained before; the teacher's forward is on the bill."""
    (tmp_path / "small.toml").write_text(
        f'device = "cpu"\nclip-seconds = 2\nbatch-seconds = 8\n{SETTINGS["hubert-base"]}'
    )
    command = (
        "train-and-measure",
        "--model",
        "hubert-base",
        "--config",
        "small.toml",
        "--data",
        speech,
        "--no-evaluate",
    )
    first = sslbench(*command, "--steps", 6, "--out", "first", "--json", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    second = sslbench(
        *command, "--teacher", "first", "--teacher-layer", 1, "--steps", 6, "--out", "second", "--json", cwd=tmp_path
    )
    assert second.returncode == 0, second.stderr
    costs = []
    for done in (first, second):
        rows = json.loads(done.stdout)["measurements"]
        costs.append(next(r["value"] for r in rows if (r["metric"], r["phase"]) == ("flops", "training")))
    assert costs[1] > costs[0] * 1.05
