"""A run that was stopped, killed or that diverged loses nothing it has, and goes on as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., "subprocess.Popen[str]"]
Finished = tuple[Path, "subprocess.CompletedProcess[str]"]
STEPS = 150


def weights(run: Path) -> dict[str, torch.Tensor]:
    (path,) = run.glob("checkpoints/*/model.safetensors")
    return load_file(path)


def record(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


def value(document: dict[str, Any], metric: str, phase: str, scope: str | None = None) -> float:
    (row,) = (r for r in document["measurements"] if (r["metric"], r["phase"], r["scope"]) == (metric, phase, scope))
    assert row["value"] is not None, row
    return float(row["value"])


def curve(run: Path) -> list[dict[str, Any]]:
    """As far as it is written."""
    path = run / "metrics.jsonl"
    lines = path.read_text().split("\n")[:-1] if path.is_file() else []
    return [json.loads(line) for line in lines]


def same(got: dict[str, torch.Tensor], wanted: dict[str, torch.Tensor]) -> bool:
    return got.keys() == wanted.keys() and all(torch.equal(got[name], wanted[name]) for name in wanted)


def adds_up(document: dict[str, Any]) -> None:
    """Time and energy of the rows are the sums over the attempts."""
    attempts = document["details"]["attempts"]
    training = [attempt["phases"]["training"] for attempt in attempts]
    assert value(document, "duration", "training") == pytest.approx(sum(cost["seconds"] for cost in training))
    joules = sum(cost["energy"]["machine"]["value"] for cost in training)
    assert value(document, "energy", "training", "machine") == pytest.approx(joules)
    assert all(cost["energy"]["machine"]["value"] > 0 for cost in training)
    audio = sum(attempt["audio_seconds"] for attempt in attempts)
    speed = value(document, "audio_seconds_per_second", "training")
    assert speed == pytest.approx(audio / sum(cost["seconds"] for cost in training))
    targets = [attempt["phases"]["targets"] for attempt in attempts if "targets" in attempt["phases"]]
    assert len(targets) == 1, "fitted once"
    assert value(document, "duration", "targets") == pytest.approx(targets[0]["seconds"])


def started(start: Start, speech: Path, toml: Path, run: Path, cwd: Path, steps: int = STEPS) -> subprocess.Popen[str]:
    return start("train-and-measure", "--config", toml, "--data", speech, "--steps", steps, "--out", run, cwd=cwd)


def test_the_same_seed_gives_the_same_model(
    finished: Finished, sslbench: Run, speech: Path, small_toml: Path, tmp_path: Path
) -> None:
    """And with `--no-evaluate` no row of an evaluation."""
    done = sslbench(
        "train-and-measure", "--config", small_toml, "--data", speech, "--steps", STEPS, "--no-evaluate", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    assert str(run.relative_to(tmp_path)) in done.stdout
    assert same(weights(run), weights(finished[0]))
    assert [line["loss"] for line in curve(run)] == [line["loss"] for line in curve(finished[0])]
    assert "evaluation" not in {row["phase"] for row in record(run)["measurements"]}
    assert "held-out" not in done.stdout
    assert "--country" in done.stdout, "it says how to get carbon"


def test_ctrl_c_then_resume_ends_where_an_unbroken_run_ends(
    finished: Finished, start_sslbench: Start, wait_for: Callable[..., None], sslbench: Run, speech: Path,
    small_toml: Path, tmp_path: Path,
) -> None:  # fmt: skip
    import pandas as pd

    run = tmp_path / "runs" / "stopped"
    process = started(start_sslbench, speech, small_toml, run, tmp_path)
    wait_for(lambda: len(curve(run)) >= 2, process)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr
    assert "Traceback" not in stderr
    assert "--resume" in stderr.strip().splitlines()[-1]
    stopped = record(run)
    assert stopped["status"] == "unfinished"
    assert "by the user" in stopped["details"]["stopped"]
    steps = stopped["details"]["attempts"][0]["steps"]
    assert 10 <= steps < STEPS
    assert curve(run)[-1]["step"] == steps, "the last steps are in the curve too"
    assert (run / "report.md").is_file()
    assert value(stopped, "audio_hours_seen", "training") == pytest.approx(8 * steps / 3600)
    assert stdout

    done = sslbench("train-and-measure", "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    ended = record(run)
    assert ended["status"] == "finished"
    assert "stopped" not in ended["details"]
    assert [attempt["number"] for attempt in ended["details"]["attempts"]] == [1, 2]
    assert [attempt["steps"] for attempt in ended["details"]["attempts"]] == [steps, STEPS - steps]
    assert ended["details"]["attempts"][0] == stopped["details"]["attempts"][0]
    adds_up(ended)
    assert value(ended, "audio_hours_seen", "training") == pytest.approx(8 * STEPS / 3600)
    assert same(weights(run), weights(finished[0]))
    assert set(pd.read_csv(run / "power.csv.gz")["attempt"]) == {1, 2}
    assert curve(run)[-1]["step"] == STEPS


def test_a_killed_run_goes_on_from_its_last_checkpoint(
    finished: Finished, start_sslbench: Start, wait_for: Callable[..., None], sslbench: Run, speech: Path,
    small_toml: Path, tmp_path: Path,
) -> None:  # fmt: skip
    run = tmp_path / "killed"
    process = started(start_sslbench, speech, small_toml, run, tmp_path)
    wait_for(lambda: any(run.glob("checkpoints/step-*/state.json")) and len(curve(run)) >= 2, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert record(run)["status"] == "unfinished"
    last = curve(run)[-1]
    done = sslbench("train-and-measure", "--resume", "--out", run, "--no-evaluate", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    ended = record(run)
    assert ended["status"] == "finished"
    first, second = ended["details"]["attempts"]
    assert first["steps"] >= last["step"], "paid for, although the last of them were lost"
    assert first["steps"] + second["steps"] >= STEPS
    adds_up(ended)
    assert value(ended, "audio_hours_seen", "training") == pytest.approx(8 * STEPS / 3600), "what the model has seen"
    assert same(weights(run), weights(finished[0]))


def test_ctrl_c_while_measuring_can_be_resumed(
    start_sslbench: Start, sslbench: Run, speech: Path, small_toml: Path, tmp_path: Path
) -> None:
    """The training is done and paid for; only what was not measured yet is left to do."""
    run = tmp_path / "run"
    process = started(start_sslbench, speech, small_toml, run, tmp_path, steps=5)
    assert process.stderr is not None
    for line in process.stderr:
        if "measuring inference" in line:
            break
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    _, stderr = process.communicate(timeout=120)
    assert process.returncode == 1, stderr
    assert "Traceback" not in stderr
    before = record(run)
    assert before["status"] == "unfinished"
    assert value(before, "loss", "training") > 0
    kept = weights(run)
    done = sslbench("train-and-measure", "--resume", "--out", run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    after = record(run)
    assert after["status"] == "finished"
    assert same(weights(run), kept)
    assert value(after, "energy", "training", "machine") >= value(before, "energy", "training", "machine")
    assert value(after, "real_time_factor", "inference") > 0
    assert value(after, "duration_lost", "evaluation") > 0
    assert value(after, "energy_lost", "evaluation", "machine") > 0


def test_a_loss_that_is_no_number_stops_names_the_step_and_keeps_finite_weights(
    sslbench: Run, speech: Path, small_toml: Path, tmp_path: Path
) -> None:
    toml = tmp_path / "hot.toml"
    toml.write_text(small_toml.read_text() + "[optimisation]\npeak_learning_rate = 1e30\n")
    run = tmp_path / "run"
    done = sslbench("train-and-measure", "--config", toml, "--data", speech, "--steps", 40, "--out", run, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    last = done.stderr.strip().splitlines()[-1]
    assert "not a finite number at step" in last
    assert "peak_learning_rate" in last
    document = record(run)
    assert document["status"] == "unfinished"
    assert "step" in document["details"]["stopped"]
    assert all(bool(torch.isfinite(tensor).all()) for tensor in weights(run).values() if tensor.is_floating_point())
    assert "inference" not in {row["phase"] for row in document["measurements"] if row["metric"] == "energy"}


def test_a_run_in_the_hands_of_another_process_is_left_alone(
    start_sslbench: Start, wait_for: Callable[..., None], sslbench: Run, speech: Path, small_toml: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    process = started(start_sslbench, speech, small_toml, run, tmp_path, steps=100_000)
    wait_for(lambda: len(curve(run)) >= 1, process)
    done = sslbench("train-and-measure", "--resume", "--out", run, cwd=tmp_path)
    assert done.returncode == 2
    assert "another process is writing to this run" in done.stderr
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=120)
    assert process.returncode == 1, "a termination signal ends it as Ctrl-C does"
    assert record(run)["status"] == "unfinished"
