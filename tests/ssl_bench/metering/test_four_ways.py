"""One tiny training, whose every optimiser step takes half a joule, metered four ways: each finds those joules.

The kernel's counter is scripted: a package whose energy grows at each step, and at nothing else.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from ssl_bench import TrainAndMeasureConfig, metered, read_run, train_and_measure
from ssl_benchmarks.record.quantity import Quantity

STEPS, STEP_J = 20, 0.5

TRAINING = """
import sys, time
from pathlib import Path
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

def count(steps):
    "Report a step, and wait until the counter shows it."
    shown = Path(steps).with_name("energy_uj")
    with Path(steps).open("ab") as file:
        file.write(b"x")
    while int(shown.read_text()) < 7_000_000 + 500_000 * Path(steps).stat().st_size:
        time.sleep(0.001)

def train(steps):
    layer = torch.nn.Linear(8, 8)
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.01)
    for _ in range(steps):
        layer(torch.randn(4, 8)).square().mean().backward()
        optimiser.step()
        optimiser.zero_grad()
"""
SCRIPT = f"""{TRAINING}
register_optimizer_step_post_hook(lambda *_: count(sys.argv[1]))
train({STEPS})
"""


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of the steps so far, which the counter of a scripted package follows; beside them it draws 0.2 mW."""
    zone = tmp_path / "powercap" / "intel-rapl:0"
    zone.mkdir(parents=True)
    steps, shown, ended = zone / "steps", zone / "energy_uj", threading.Event()
    steps.touch()
    for name, content in {"name": "package-0", "energy_uj": "7000000", "max_energy_range_uj": "262143328850"}.items():
        (zone / name).write_text(f"{content}\n")

    def follow() -> None:
        for idle in count():
            fresh = zone / "fresh"
            fresh.write_text(f"{7_000_000 + 500_000 * steps.stat().st_size + idle}\n")
            fresh.rename(shown)
            if ended.wait(0.005):
                return

    follower = threading.Thread(target=follow)
    follower.start()
    monkeypatch.setenv("SSLBENCH_POWERCAP_ROOT", str(tmp_path / "powercap"))
    space: dict[str, Any] = {}
    exec(TRAINING, space)  # noqa: S102 - the same code as in the process of its own
    hook = register_optimizer_step_post_hook(lambda *_: space["count"](steps))
    yield steps
    hook.remove()
    ended.set()
    follower.join()


def energy(folder: Path) -> Quantity:
    found = read_run(folder).find("energy", "training", "cpu")
    assert found is not None
    return found


def by_command(steps: Path, folder: Path) -> None:
    command = [sys.executable, "-m", "ssl_bench", "meter", "--no-idle", "--out", str(folder), "--"]
    subprocess.run([*command, sys.executable, "-c", SCRIPT, str(steps)], check=True, env=dict(os.environ))


def by_block(steps: Path, folder: Path) -> None:
    del steps
    space: dict[str, Any] = {}
    exec(TRAINING, space)  # noqa: S102 - as above
    with metered("theirs", out=str(folder), idle=False):
        space["train"](STEPS)


def by_callback(steps: Path, folder: Path) -> None:
    del steps
    from transformers import PretrainedConfig, PreTrainedModel, Trainer, TrainingArguments

    from ssl_bench.integrations.transformers import SslbenchCallback

    class Tiny(PreTrainedModel):
        def __init__(self) -> None:
            super().__init__(PretrainedConfig())
            self.layer = torch.nn.Linear(8, 8)

        def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"loss": self.layer(x).square().mean()}

    arguments = TrainingArguments(
        str(folder.parent / "out"), max_steps=STEPS, per_device_train_batch_size=4, report_to=[], use_cpu=True,
        save_strategy="no", disable_tqdm=True, dataloader_pin_memory=False,
    )  # fmt: skip
    clips = [{"x": torch.randn(8)} for _ in range(4 * STEPS)]
    callback = SslbenchCallback("theirs", out=str(folder), idle=False)
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        Trainer(Tiny(), arguments, train_dataset=clips, callbacks=[callback]).train()  # type: ignore[arg-type]


def by_our_own(steps: Path, folder: Path) -> None:
    del steps
    small = {"model": "efficient-tiny", "steps": STEPS, "clip_seconds": 1.0, "batch_seconds": 1.0, "idle": False}
    train_and_measure(TrainAndMeasureConfig.read({**small, "evaluate": False, "out": str(folder)}))


@pytest.mark.parametrize("way", [by_command, by_block, by_callback, by_our_own], ids=lambda way: way.__name__)
def test_the_joules_of_a_training_are_found_by(way: Any, steps: Path, tmp_path: Path) -> None:
    way(steps, tmp_path / "run")
    assert steps.stat().st_size == STEPS
    found = energy(tmp_path / "run")
    assert found.method == "measured", found.note
    assert found.ci95 is not None
    assert found.ci95[0] <= STEPS * STEP_J <= found.ci95[1]
    assert found.value == pytest.approx(STEPS * STEP_J, rel=0.01)
