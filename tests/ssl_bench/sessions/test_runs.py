"""A run folder is made whole, held by one process, and never left half-written."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ssl_bench.sessions import run_folder as runs
from ssl_bench.sessions.run_folder import (
    RunFolder,
    TrainingState,
    load_optimiser,
    new_run,
    save_optimiser,
    unfinished_run,
)
from ssl_benchmarks.energy.sources.trace import Samples, Trace
from ssl_benchmarks.record.record import Record, write_record
from ssl_models.catalog import checkpoint_folder
from ssl_models.efficient.config import EfficientConfig, EncoderConfig, ObjectiveConfig
from ssl_models.efficient.masked_prediction import MaskedPrediction
from ssl_models.errors import BadInputError
from ssl_models.optimisation import OptimisationConfig
from ssl_models.training_step import make_optimiser, step_if_finite

TINY = EfficientConfig(EncoderConfig(16, 1, 2, 16), ObjectiveConfig(clusters=4))
RECORD = Record("x", "2026-11-20T08:00:00+00:00", "unfinished", "sslbench", {}, {}, kind="training")


def put(folder: Path, status: str) -> RunFolder:
    folder.mkdir(parents=True)
    write_record(replace(RECORD, status=status), folder / "run.json")
    return RunFolder(folder)


@pytest.mark.parametrize(
    ("status", "way_out"), [("finished", "choose another --out"), ("unfinished", "add --resume to continue it")]
)
def test_a_new_run_never_touches_another_one(tmp_path: Path, status: str, way_out: str) -> None:
    run = put(tmp_path / "x", status)
    before = run.record_path.read_bytes()
    with pytest.raises(BadInputError, match=f"already holds an? {status} run; {way_out}"):
        new_run(str(run.path), "m")
    assert run.record_path.read_bytes() == before


def test_a_new_run_refuses_what_holds_anything(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(BadInputError, match="not empty; choose another --out"):
        new_run(str(tmp_path), "m")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_new_run_says_why_it_cannot_be_written(tmp_path: Path) -> None:
    """A file where its parent should be stops root too."""
    (tmp_path / "file").touch()
    for name in ("file", "file/x"):
        with pytest.raises(BadInputError, match=r"cannot write a run there \((Not a directory|File exists)\)"):
            new_run(str(tmp_path / name), "m")


def test_an_empty_folder_will_do_and_a_missing_one_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    assert new_run(str(tmp_path / "empty"), "m").path == tmp_path / "empty"
    assert new_run(str(tmp_path / "a" / "b"), "m").path.is_dir()
    monkeypatch.chdir(tmp_path)
    named = new_run(None, "efficient-tiny").path
    assert named.parent == Path("runs")
    assert named.name.startswith("efficient-tiny-2")


def test_the_newest_unfinished_run_is_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInputError, match="no unfinished run below runs/"):
        unfinished_run(None)
    for age, (name, status) in enumerate({"old": "unfinished", "open": "unfinished", "done": "finished"}.items()):
        path = put(tmp_path / "runs" / name, status).record_path
        import os

        os.utime(path, (1_000_000 + age, 1_000_000 + age))
    assert unfinished_run(None).path.name == "open"
    assert unfinished_run(str(tmp_path / "runs" / "old")).path.name == "old"
    with pytest.raises(BadInputError, match="this run is finished; there is nothing to resume"):
        unfinished_run(str(tmp_path / "runs" / "done"))
    with pytest.raises(BadInputError, match=r"run\.json: no such file"):
        unfinished_run(str(tmp_path / "nowhere"))


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from ssl_bench.sessions.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-P", "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with (
            pytest.raises(BadInputError, match="another process is writing to this run"),
            RunFolder(tmp_path).locked(),
        ):
            pass
        other.communicate("")
    with RunFolder(tmp_path).locked():
        assert other.returncode == 0


def test_a_half_written_line_of_metrics_is_passed_over(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert run.metrics() == []
    run.metrics_path.write_text('{"step": 5, "loss": 2.0}\n{"step": 10, "loss": 1.5}\n{"step": 15, "lo')
    assert [line["step"] for line in run.metrics()] == [5, 10]


def test_a_resumed_runs_first_line_is_not_lost_to_the_half_line_before_it(tmp_path: Path) -> None:
    """A killed writer leaves no newline; the next writer must not append its line to the remains."""
    run = RunFolder(tmp_path)
    run.metrics_path.write_text('{"step": 5}\n{"step": 10, "lo')
    run.add_metrics({"step": 6})
    run.add_metrics({"step": 11})
    assert [line["step"] for line in run.metrics()] == [5, 6, 11]


def test_traces_of_attempts_follow_each_other(tmp_path: Path) -> None:
    import pandas as pd

    run = RunFolder(tmp_path)
    cpu, gpu = Trace("cpu", "measured"), Trace("gpu0", "sampled")
    cpu.add(10.0, 5.0)
    cpu.add(11.0, 6.0)
    gpu.add(20.0, 7.0, (50.0, 1980.0, 0.5))
    run.add_trace(Samples((cpu,), 10.0, ((10.0, 11.0),)), attempt=1)
    run.add_trace(Samples((gpu,), 20.0, ((20.0, 21.0),)), attempt=2)
    trace = pd.read_csv(run.path / "power.csv.gz")
    assert trace[["time_s", "power_w", "attempt"]].to_numpy().tolist() == [[0, 5, 1], [1, 6, 1], [0, 7, 2]]
    assert [p.name for p in tmp_path.iterdir()] == ["power.csv.gz"]


def trained(steps: int, seed: int = 0) -> tuple[MaskedPrediction, torch.optim.AdamW]:
    torch.manual_seed(seed)
    module = MaskedPrediction(TINY)
    optimiser = make_optimiser(module, OptimisationConfig())
    for step in range(steps):
        take_step(module, optimiser, step)
    return module, optimiser


def take_step(module: MaskedPrediction, optimiser: torch.optim.AdamW, step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    for group in optimiser.param_groups:
        group["lr"] = 1e-2
    optimiser.zero_grad()
    module(torch.randn(2, 8_000, generator=generator), None, generator).loss.backward()
    step_if_finite(optimiser, torch.tensor(1.0))


def test_an_optimiser_comes_back_bit_by_bit_and_goes_on_the_same(tmp_path: Path) -> None:
    module, optimiser = trained(3)
    save_optimiser(optimiser, tmp_path / "o.safetensors")
    twin, other = trained(0, seed=5)
    twin.load_state_dict(module.state_dict())
    load_optimiser(other, tmp_path / "o.safetensors")
    wanted, got = optimiser.state_dict()["state"], other.state_dict()["state"]
    assert wanted.keys() == got.keys()
    for number, state in wanted.items():
        assert state.keys() == got[number].keys()
        assert all(torch.equal(value, got[number][name]) for name, value in state.items())
        assert all(value.dtype == got[number][name].dtype for name, value in state.items())
    for step in range(3, 6):
        take_step(module, optimiser, step)
        take_step(twin, other, step)
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), twin.parameters(), strict=True))


def test_a_checkpoint_brings_back_weights_position_and_optimiser(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    module, optimiser = trained(2)
    state = TrainingState(2, 17, 12.5)
    run.save_checkpoint(module, optimiser, "efficient-tiny", TINY, state)
    twin, other = trained(0, seed=5)
    assert run.load_checkpoint(twin, other) == state
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), twin.parameters(), strict=True))
    assert len(other.state_dict()["state"]) == len(optimiser.state_dict()["state"]) > 0
    assert RunFolder(tmp_path / "new").load_checkpoint(twin, other) == TrainingState()


def test_only_the_newest_checkpoint_stays(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    module, optimiser = trained(1)
    for step in (999_999_999, 5, 5, 20, 20, 20):
        run.save_checkpoint(module, optimiser, "efficient-tiny", TINY, TrainingState(step, step))
        assert len(list((tmp_path / "checkpoints").iterdir())) == 1
        assert run.load_checkpoint(module, optimiser).step == step
        assert checkpoint_folder(tmp_path).parent == tmp_path / "checkpoints"


def no_space(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("step", [1, 2], ids=["the same step", "a later step"])
@pytest.mark.parametrize("breaks", ["weights", "optimiser", "rename"])
def test_a_checkpoint_that_fails_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: str, step: int
) -> None:
    run = RunFolder(tmp_path)
    module, optimiser = trained(1)
    run.save_checkpoint(module, optimiser, "efficient-tiny", TINY, TrainingState(1, 7))
    before = {p.name: p.read_bytes() for p in checkpoint_folder(tmp_path).iterdir()}
    with monkeypatch.context() as patched:
        if breaks == "weights":
            patched.setattr("ssl_models.loading.checkpoints.save_pretraining", no_space)
        elif breaks == "optimiser":
            patched.setattr(runs, "save_optimiser", no_space)
        else:
            rename = Path.rename

            def refuse(path: Path, target: Path) -> Path:
                return no_space() if path.name == ".partial" else rename(path, target)  # type: ignore[func-returns-value,return-value]

            patched.setattr(Path, "rename", refuse)
        with pytest.raises(OSError, match="No space left"):
            run.save_checkpoint(module, optimiser, "efficient-tiny", TINY, TrainingState(step, 99))
    assert {p.name: p.read_bytes() for p in checkpoint_folder(tmp_path).iterdir()} == before
    assert len(list((tmp_path / "checkpoints").iterdir())) == 1
    assert run.load_checkpoint(module, optimiser).next_clip == 7


@pytest.mark.parametrize("name", ["state.json", "model.safetensors", "optimizer.safetensors"])
@pytest.mark.parametrize("content", [None, b"", b"{broken"])
def test_a_damaged_checkpoint_is_one_line(tmp_path: Path, name: str, content: bytes | None) -> None:
    run = RunFolder(tmp_path)
    module, optimiser = trained(1)
    run.save_checkpoint(module, optimiser, "efficient-tiny", TINY, TrainingState(1))
    path = checkpoint_folder(tmp_path) / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"step-000000001") as caught:
        run.load_checkpoint(module, optimiser)
    assert "\n" not in str(caught.value)


def test_a_record_names_its_files_by_their_digests(tmp_path: Path) -> None:
    """The digests of "hello" and of nothing are known to all."""
    run = RunFolder(tmp_path)
    run.metrics_path.write_text("hello")
    folder = tmp_path / "checkpoints" / "step-000000001"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    run.write(replace(RECORD, artifacts={"report.md": "stale"}))
    document: dict[str, Any] = json.loads(run.record_path.read_text())
    assert document["artifacts"] == {
        "metrics.jsonl": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
        "checkpoints/step-000000001/model.safetensors": (
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        ),
    }
