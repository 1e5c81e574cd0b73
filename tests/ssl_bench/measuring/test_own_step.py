"""A training step of one's own is measured and counted as those of the catalogue are, and compared with them in turn."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
ASKED = ("--clip-seconds", "1", "--no-idle", "--out", "run", "--json")
PARAMETERS = 32 * 400 + 32 + 32 * 32 + 32
FRAMES = (16_000 - 400) // 160 + 1
FLOPS = 2 * FRAMES * (2 * 32 * 400 + 3 * 32 * 32)
"""By hand: a convolution and a linear layer, forward and backward, none towards the waveform."""


def rows(done: subprocess.CompletedProcess[str]) -> dict[tuple[str, str, str | None], dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["measurements"]
    return {(row["model"], row["metric"], row["scope"]): row for row in found if row["phase"] != "inference"}


@pytest.mark.parametrize("kind", ["Loss", "opaque"])
def test_a_step_of_one_s_own_is_measured_and_counted(sslbench: Run, own_steps: Path, tmp_path: Path, kind: str) -> None:
    name = f"{own_steps}:{kind}"
    (tmp_path / "recipes.toml").write_text(f'[recipe."{name}"]\naudio_hours = 900\nsource = "our log"\n')
    asked = ("--phase", "training", "--minutes", "0.03", "--recipe", "recipes.toml")
    done = sslbench("measure", name, *asked, *ASKED, cwd=tmp_path)
    found = rows(done)
    assert found[name, "flops", None]["value"] == FLOPS
    for metric in ("audio_seconds_per_second", "peak_memory", "memory_optimizer"):
        assert found[name, metric, None]["value"] > 0
    assert found[name, "peak_memory", None]["value"] < 40 * 2**20, "the libraries of the training loop take 120 MiB"
    assert found[name, "energy_per_audio_hour", "machine"]["unit"] == "J/h"
    (size,) = [row for row in json.loads(done.stdout)["measurements"] if row["metric"] == "parameters"]
    assert size["value"] == PARAMETERS
    shown = sslbench("table", "run", "--json", cwd=tmp_path)
    assert "stated by you: 900 h of audio seen (our log)" in shown.stdout
    speed = found[name, "audio_seconds_per_second", None]["value"]
    hours = json.loads(shown.stdout)["rows"][0]["Pretraining"]
    assert (hours["unit"], hours["method"]) in {("device-h", "projected"), ("device-min", "projected")}
    assert hours["value"] == pytest.approx(900 / speed * {"device-h": 1, "device-min": 60}[hours["unit"]], rel=1e-6)


def test_a_recipe_that_does_not_fit_is_refused_before_anything_runs(
    sslbench: Run, own_steps: Path, tmp_path: Path
) -> None:
    (tmp_path / "recipes.toml").write_text('[recipe."other.py:step"]\naudio_hours = 9\nsource = "a log"\n')
    for command in (["measure", f"{own_steps}:opaque"], ["compare", "--models", f"{own_steps}:opaque"]):
        done = sslbench(*command, "--recipe", "recipes.toml", *ASKED, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert "it has recipes of other.py:step" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_it_is_compared_in_turn_with_the_catalog(sslbench: Run, own_steps: Path, tmp_path: Path) -> None:
    """A step that fails is a row with the reason, and does not stop the others; a step encodes nothing."""
    names = [f"{own_steps}:{kind}" for kind in ("opaque", "Loss", "unusual")]
    models = ",".join([*names, "essl-tiny"])
    done = sslbench("compare", "--models", models, "--minutes", "0.3", *ASKED, cwd=tmp_path)
    found = rows(done)
    for name in (*names[:2], "essl-tiny"):
        assert found[name, "audio_seconds_per_second", None]["value"] > 0
    failed = json.loads(done.stdout)["details"]["failed"]
    assert "no step today" in failed[f"{names[2]} training"]
    assert "measured with --phase training" in failed[f"{names[0]} inference"]


def test_anything_else_is_one_line_with_the_three_forms(sslbench: Run, own_steps: Path, tmp_path: Path) -> None:
    done = sslbench("measure", f"{own_steps}:number", "--phase", "training", *ASKED, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "returned int" in line
    assert "LightningModule" in line
