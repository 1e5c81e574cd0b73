"""One whole run through the console script: everything the issue promises is in its folder, and adds up."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ssl_benchmarks.record.record import Measurement, read_record

Run = Callable[..., subprocess.CompletedProcess[str]]
Finished = tuple[Path, "subprocess.CompletedProcess[str]"]
COLUMNS = [
    "model", "phase", "metric", "scope", "value", "unit", "method", "ci95", "n", "note", "device", "driver",
    "power_limit", "dtype", "attention", "clip_seconds", "batch_seconds", "compile", "threads", "torch", "pue", "grid",
    "task", "head", "labels", "tested_on", "flaw",
]  # fmt: skip
SCOPES = {"gpu", "cpu", "dram", "machine"}


@pytest.fixture(scope="module")
def run(finished: Finished) -> Path:
    return finished[0]


@pytest.fixture(scope="module")
def document(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


@pytest.fixture(scope="module")
def rows(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["measurements"]
    return found


def value(rows: list[dict[str, Any]], metric: str, phase: str, scope: str | None = None) -> float:
    (row,) = (r for r in rows if (r["metric"], r["phase"], r["scope"]) == (metric, phase, scope))
    assert row["value"] is not None, row
    return float(row["value"])


def test_stdout_is_one_document_and_the_record(finished: Finished, document: dict[str, Any]) -> None:
    printed = json.loads(finished[1].stdout)
    assert printed.pop("schema") == "sslbench.train-and-measure/1"
    assert printed.pop("run") == str(finished[0])
    assert document["schema"] == "sslbench.run/1"
    assert printed == {k: v for k, v in document.items() if k != "schema"}
    assert "Traceback" not in finished[1].stderr
    assert "Warning" not in finished[1].stderr


def test_the_record_and_the_report_tell_what_a_whole_pretraining_would_take(
    run: Path, document: dict[str, Any], rows: list[dict[str, Any]]
) -> None:
    """At the run's own rate and joules."""
    (found,) = document["details"]["full_run"]["projections"]
    assert found["work"]["hours"] == 18_000
    rate = value(rows, "audio_seconds_per_second", "training")
    assert found["device_hours"]["value"] == pytest.approx(18_000 / rate)
    per_hour = value(rows, "energy_per_audio_hour", "training", "machine")
    assert found["energy"]["value"] == pytest.approx(18_000 * per_hour)
    assert found["co2e"]["value"] == pytest.approx(18_000 * per_hour / 3.6e6 * 56 * 1.5)
    assert "## Projected full pretraining on this device" in (run / "report.md").read_text()


def test_every_file_is_there_with_its_digest(run: Path, document: dict[str, Any]) -> None:
    files = {str(p.relative_to(run)) for p in run.rglob("*") if p.is_file() and not p.name.startswith(".")}
    assert {"run.json", "power.csv.gz", "metrics.jsonl", "report.md", "training.png"} <= files
    assert any(name.startswith("checkpoints/") and name.endswith(".safetensors") for name in files)
    assert set(document["artifacts"]) == files - {"run.json"}
    for name, digest in document["artifacts"].items():
        assert hashlib.sha256((run / name).read_bytes()).hexdigest() == digest
    assert not list(run.rglob("*.partial")) + list(run.rglob("*.pt")) + list(run.rglob("*.pkl"))


def test_the_record_says_what_was_done(document: dict[str, Any], speech: Path) -> None:
    """The command line is put over the file (steps), the file over the defaults (seed)."""
    assert document["status"] == "finished"
    config = document["config"]
    assert (config["steps"], config["seed"], config["minutes"]) == (150, 5, None)
    assert (config["model"], config["device"], config["precision"]) == ("efficient-tiny", "cpu", "float32")
    assert config["encoder"] == {"width": 32, "blocks": 2, "heads": 2, "hidden": 64}
    assert document["details"]["data"]["folder"] == str(speech)
    assert document["details"]["data"]["utterances"] == 12
    assert document["details"]["data"]["speakers"] == 4
    assert len(document["details"]["held_out"]["speakers"]) == 2
    assert document["command"].startswith("sslbench train-and-measure --config ")
    assert len(document["details"]["attempts"]) == 1


def test_every_row_has_every_column_and_pandas_reads_them(rows: list[dict[str, Any]]) -> None:
    import pandas as pd

    assert all(list(row) == COLUMNS for row in rows)
    frame = pd.DataFrame(rows)
    assert frame["value"].dropna().map(math.isfinite).all()
    for row in rows:
        assert Measurement.from_row(row).row() == row
        assert (row["value"] is None) == (row["method"] == "unavailable")
        assert row["value"] is not None or row["note"]
        assert row["ci95"] is None or row["ci95"][0] <= row["value"] <= row["ci95"][1]


def test_the_record_reads_back_as_it_was_written(run: Path, document: dict[str, Any]) -> None:
    assert json.loads(json.dumps(read_record(run / "run.json").document())) == document


@pytest.mark.parametrize("phase", ["targets", "training", "inference"])
@pytest.mark.parametrize("metric", ["energy", "power_mean", "co2e"])
def test_energy_has_one_row_for_each_scope(rows: list[dict[str, Any]], phase: str, metric: str) -> None:
    found = [row for row in rows if (row["metric"], row["phase"]) == (metric, phase)]
    assert sorted(row["scope"] for row in found) == sorted(SCOPES)
    parts = [row["value"] for row in found if row["scope"] != "machine" and row["value"] is not None]
    (machine,) = (row["value"] for row in found if row["scope"] == "machine")
    assert (sum(parts) if parts else None) == pytest.approx(machine)


def test_power_energy_time_and_carbon_fit_together(rows: list[dict[str, Any]]) -> None:
    """E = P t, and 56 g/kWh at a PUE of 1.5."""
    for phase in ("targets", "training", "inference"):
        joules = value(rows, "energy", phase, "machine")
        seconds = value(rows, "duration", phase)
        assert value(rows, "power_mean", phase, "machine") * seconds == pytest.approx(joules, rel=1e-6)
        assert value(rows, "co2e", phase, "machine") == pytest.approx(joules / 3.6e6 * 56 * 1.5, rel=1e-6)


def test_the_training_adds_up(rows: list[dict[str, Any]], document: dict[str, Any]) -> None:
    """150 steps of four full clips of 2 s (50 frames of 40 ms): 1200 s of audio."""
    (attempt,) = document["details"]["attempts"]
    assert (attempt["steps"], attempt["audio_seconds"]) == (150, 1_200.0)
    assert value(rows, "audio_hours_seen", "training") == pytest.approx(1_200 / 3600)
    seconds = value(rows, "duration", "training")
    assert seconds == pytest.approx(attempt["phases"]["training"]["seconds"])
    assert value(rows, "device_hours", "training") == pytest.approx(seconds / 3600)
    assert value(rows, "audio_seconds_per_second", "training") == pytest.approx(1_200 / seconds, rel=1e-6)
    joules = value(rows, "energy", "training", "machine")
    assert value(rows, "energy_per_audio_hour", "training", "machine") == pytest.approx(joules / 1_200 * 3600)
    (row,) = (r for r in rows if (r["metric"], r["phase"]) == ("audio_seconds_per_second", "training"))
    assert (row["clip_seconds"], row["batch_seconds"], row["dtype"]) == (2.0, 8.0, "float32")


def test_sizes_by_hand(rows: list[dict[str, Any]]) -> None:
    """Encoder: 320 x 32 in; two blocks of 4 x 32^2 + 3 x 32 x 64 + 2 norms of 32 + 2 of 16; a last norm of 32."""
    encoder = 320 * 32 + 2 * (4 * 32**2 + 3 * 32 * 64 + 2 * 32 + 2 * 16) + 32
    learned = encoder + 32 + 32 * 2 * 8
    assert value(rows, "parameters", "inference") == encoder
    assert value(rows, "parameters", "training") == learned
    assert value(rows, "memory_gradients", "training") == 4 * learned
    assert value(rows, "memory_optimizer", "training") == pytest.approx(2 * 4 * learned, rel=0.01)
    for phase in ("inference", "training"):
        assert value(rows, "flops", phase) == 2 * value(rows, "macs", phase)
        assert value(rows, "flops_per_audio_second", phase) == pytest.approx(value(rows, "flops", phase) / 2.0)
    assert value(rows, "flops", "training") > 1.5 * value(rows, "flops", "inference")


def test_the_model_is_at_work_faster_than_it_is_spoken(rows: list[dict[str, Any]]) -> None:
    speed = value(rows, "audio_seconds_per_second", "inference")
    assert speed * value(rows, "real_time_factor", "inference") == pytest.approx(1.0)
    assert speed > 10
    assert value(rows, "peak_memory", "inference") > 1e6
    assert value(rows, "peak_memory", "training") > 1e6


def test_the_probe_rates_three_systems_on_speakers_held_out(rows: list[dict[str, Any]]) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["phase"] == "evaluation" and row["metric"] in {"cer", "wer", "accuracy"}:
            found[row["model"]].add(row["metric"])
            assert row["method"] == "measured"
            assert row["ci95"] is not None
            assert "2 unseen speakers" in row["note"]
    ours = rows[0]["model"]
    assert ours.startswith("efficient-tiny, encoder.width=32, encoder.blocks=2 and 3 more ["), (
        "no model of the catalogue"
    )
    assert found == {m: {"cer", "wer"} for m in (ours, f"{ours} (untrained)", "log-mel")}


def test_the_curve_goes_down_in_order(run: Path, rows: list[dict[str, Any]]) -> None:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(5, 151, 5))
    for name in ("seconds", "progress", "audio_hours", "attempt_steps"):
        assert [line[name] for line in lines] == sorted(line[name] for line in lines), name
    assert lines[-1]["progress"] == 1.0
    assert {"loss", "learning_rate", "gradient_norm", "masked_accuracy", "feature_variance"} <= set(lines[0])
    losses = [line["loss"] for line in lines]
    assert np.mean(losses[-10:]) < np.mean(losses[:5]) - 0.05
    assert math.log(8) * 1.2 > losses[0], "an untrained guess among eight clusters costs ln 8 nats"
    assert value(rows, "loss", "training") == pytest.approx(np.mean(losses[-3:]), rel=1e-6), "the last tenth"


def test_the_schedule_followed_the_budget(run: Path) -> None:
    """Peak 4e-3 scaled by the root of 8 s over 491.52 s, reached after a tenth of 150 steps."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    peak = 4e-3 * math.sqrt(8 / 491.52)
    rates = {line["step"]: line["learning_rate"] for line in lines}
    for step, rate in rates.items():
        progress = (step - 1) / 150
        wanted = peak * (progress / 0.1 if progress < 0.1 else (1 - progress) / 0.9)
        assert rate == pytest.approx(wanted, rel=1e-6), step


def test_the_trace_spans_the_training(run: Path, rows: list[dict[str, Any]]) -> None:
    import pandas as pd

    trace = pd.read_csv(run / "power.csv.gz")
    assert {"time_s", "device", "power_w", "method", "attempt"} <= set(trace.columns)
    assert set(trace["attempt"]) == {1}
    spent = value(rows, "duration", "training") + value(rows, "duration", "targets")
    assert trace["time_s"].max() >= 0.8 * spent


def test_the_report_shows_the_records_numbers(run: Path) -> None:
    text = (run / "report.md").read_text()
    assert text.startswith("# whole\n")
    for words in ("energy of training, machine", "MACs by module", "speaker", "![", "CER"):
        assert words in text
    assert (run / "training.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_a_trained_run_is_a_model(run: Path, sslbench: Run, tmp_path: Path) -> None:
    from ssl_bench import load_model

    encoder = load_model(str(run))
    (weights,) = run.glob("checkpoints/*/model.safetensors")
    saved = load_file(weights)
    assert not encoder.training
    for name, parameter in encoder.named_parameters():
        assert torch.equal(parameter, saved[f"encoder.{name}"])
    features = encoder(torch.randn(2, 32_000), torch.tensor([32_000, 16_000]))
    assert features.layers[-1].shape == (2, 50, 32)
    assert features.lengths.tolist() == [50, 25]
    shown = sslbench("models", run, cwd=tmp_path)
    assert shown.returncode == 0
    assert "efficient-tiny" in shown.stdout
    card = json.loads(sslbench("models", run, "--json", cwd=tmp_path).stdout)["models"][0]
    assert card["parameters"] == sum(p.numel() for p in encoder.parameters())


def test_nothing_that_only_training_needs_is_left(run: Path) -> None:
    assert len(list((run / "checkpoints").iterdir())) == 1
    assert not list(run.rglob("optimizer.safetensors"))


@pytest.mark.parametrize("resume", [(), pytest.param(("--resume",), marks=pytest.mark.slow)])
def test_a_finished_run_is_never_touched(
    finished: Finished, sslbench: Run, speech: Path, small_toml: Path, tmp_path: Path, resume: tuple[str, ...]
) -> None:
    run = finished[0]
    before = (run / "run.json").read_bytes()
    done = sslbench("train-and-measure", "--config", small_toml, "--data", speech, "--out", run, *resume, cwd=tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.strip().splitlines()
    assert "finished" in line
    assert (run / "run.json").read_bytes() == before
