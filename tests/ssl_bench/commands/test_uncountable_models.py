"""Models of a user's own whose products no formula sees: the count is a lower bound everywhere, and the rest goes on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ssl_benchmarks.cells.cell import CellSetting
from ssl_benchmarks.cells.plan import plan_of
from ssl_benchmarks.cells.request import CellRequest
from ssl_benchmarks.cells.steps import STEPS
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import read_record
from ssl_benchmarks.timing.protocol import Protocol

Run = Callable[..., subprocess.CompletedProcess[str]]
FRAMES = (16_000 - 400) // 320 + 1
FRONT = FRAMES * 64 * 400
"""MACs of the front end on a second of audio."""
HEAD = """\
import warnings
import torch
from torch import nn

@torch.library.custom_op("labkernels_{name}::gated_scan", mutates_args=())
def gated_scan(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return torch.stack([row @ w for row in x.unbind(0)])

@gated_scan.register_fake
def _(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    return x.new_empty(x.shape[0], x.shape[1], w.shape[1])

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.front = nn.Conv1d(1, 64, 400, stride=320)
        self.mix = nn.Parameter(torch.randn(64, 128) / 8)
        self.deep = self.deeper()

    def deeper(self):
        return nn.Identity()

    def forward(self, waveforms, lengths=None):
        return [self.deep(self.mixed(self.front(waveforms[:, None]).transpose(1, 2)))]

    def mixed(self, frames):
        return frames
"""
BODIES = {
    "scan": """
    def mixed(self, frames):
        return gated_scan(frames, self.mix)
encoder = Net
""",
    "int8": """
    def deeper(self):
        return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 32))
def encoder():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(Net().eval(), {nn.Linear})
""",
    "int8 lstm": """
    def deeper(self):
        return nn.LSTM(64, 32, batch_first=True)
    def forward(self, waveforms, lengths=None):
        return [super().forward(waveforms, lengths)[0][0]]
def encoder():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(Net().eval(), {nn.LSTM})
""",
    "sparse": """
    def deeper(self):
        self.register_buffer("pruned", torch.eye(64).to_sparse_csr())
        return nn.Identity()
    def mixed(self, frames):
        return torch.stack([(self.pruned @ row.T).T for row in frames.unbind(0)])
encoder = Net
""",
}
NAMED = {
    "scan": "labkernels_scan.gated_scan",
    "int8": "quantized.linear_dynamic",
    "int8 lstm": "quantized_lstm",
    "sparse": "on sparse_csr operands",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("own")
    for name, body in BODIES.items():
        word = name.replace(" ", "_")
        (path / f"{word}.py").write_text(HEAD.replace("{name}", word) + "\nclass Net(Net):\n    pass" + body)
    return path


def request(folder: Path, name: str) -> CellRequest:
    source = f"{folder / name.replace(' ', '_')}.py:encoder"
    setting = CellSetting(source, "inference", 1.0, 1, "float32")
    return CellRequest(source, setting, Protocol(duration=0.1, repeats=1, cool_down=0.0, window=0.05), "cpu")


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning", "ignore:.*sparse:UserWarning")
@pytest.mark.parametrize("name", BODIES)
def test_a_plan_gives_no_flops_and_names_why(folder: Path, name: str) -> None:
    plan = plan_of(request(folder, name))
    for metric, _, quantity in plan.counts:
        assert quantity.value is None, metric
        assert NAMED[name] in quantity.note
        assert quantity.note.startswith("lower bound: at least")
    wanted = {"scan": 0, "int8": 64 * 128 + 128 + 128 * 32 + 32, "int8 lstm": 4 * 32 * (64 + 32 + 2), "sparse": 0}[name]
    assert plan.parameters.value == 64 * 401 + 64 * 128 + wanted


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support:UserWarning", "ignore:.*sparse:UserWarning")
@pytest.mark.parametrize("name", BODIES)
def test_a_step_knows_the_bytes_of_weights_that_are_packed(folder: Path, name: str) -> None:
    step = STEPS["inference"](request(folder, name), np.zeros(16_000, np.int16), torch.device("cpu"))
    with step.context:
        step.run()
    size: Quantity = step.sizes()["weights"]
    plain = 4 * (64 * 401 + 64 * 128)
    packed = {"scan": 0, "int8": 64 * 128 + 128 * 32, "int8 lstm": 4 * 32 * (64 + 32), "sparse": 64 * 4}[name]
    assert plain + packed <= (size.value or 0) <= plain + 3 * packed + 4096


@pytest.mark.parametrize("name", ["scan", "int8"])
def test_profile_says_it_in_every_form(sslbench: Run, folder: Path, name: str) -> None:
    model = f"{folder / name}.py:encoder"
    done = sslbench("profile", model, "--seconds", "1", "--json", "--no-second-opinion", cwd=folder)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    (counted,) = document["counts"]
    assert counted["macs"] == FRONT
    assert counted["lower_bound"]
    assert NAMED[name] in str(counted["suspects"])
    rows = [row for row in document["measurements"] if row["unit"] in {"FLOP", "MAC"} and row["phase"] == "inference"]
    assert rows
    assert all(row["value"] is None and NAMED[name] in row["note"] for row in rows)
    told = sslbench("profile", model, "--seconds", "1", "--no-second-opinion", cwd=folder).stdout
    assert "≥ 1.254 M" in told
    assert f"WARNING, inference: the count is a lower bound: {NAMED[name]}" in told


@pytest.mark.slow
@pytest.mark.parametrize("name", ["scan", "int8"])
def test_measure_gives_no_flops_and_no_mfu(sslbench: Run, folder: Path, tmp_path: Path, name: str) -> None:
    model, options = f"{folder / name}.py:encoder", ("--duration", "0.3", "--repeats", "1", "--no-idle")
    done = sslbench("measure", model, "--clip-seconds", "1", *options, "--out", tmp_path / "run", cwd=folder)
    assert done.returncode == 0, done.stderr
    record = read_record(tmp_path / "run" / "run.json")
    for metric in ("flops", "mfu"):
        found = record.find(metric, "inference")
        assert found is not None
        assert found.value is None
        assert NAMED[name] in found.note
    speed = record.find("audio_seconds_per_second", "inference")
    assert speed is not None
    assert speed.value is not None
