"""The callback in a real Trainer of Lightning: a window for each phase, energy in the logs, a record however it ends."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer

from ssl_bench import read_run
from ssl_bench.integrations.lightning import SslbenchCallback
from ssl_bench.integrations.phases import LOGGED


class Model(LightningModule):
    """A linear layer that learns to halve noise; it fails at a given step."""

    def __init__(self, fails_at: int = -1) -> None:
        super().__init__()
        self.layer, self.fails_at = torch.nn.Linear(64, 64), fails_at

    def _loss(self, batch: Any) -> torch.Tensor:
        return (self.layer(batch) - batch / 2).pow(2).mean()

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        if batch_idx == self.fails_at:
            raise RuntimeError("no more")
        return self._loss(batch)

    def validation_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        del batch_idx
        return self._loss(batch)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


def fit(model: Model, callback: SslbenchCallback, folder: Path) -> Trainer:
    """Six batches, with a validation after each three."""
    loader = torch.utils.data.DataLoader(torch.randn(12, 64), batch_size=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Lightning warns of few workers, and where `srun` is installed
        trainer = Trainer(
            max_epochs=1, val_check_interval=3, accelerator="cpu", devices=1, logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False, callbacks=[callback], default_root_dir=folder,
        )  # fmt: skip
        trainer.fit(model, loader, loader)
    return trainer


def test_each_phase_has_figures_of_its_own_and_the_logs_the_energy(tmp_path: Path) -> None:
    callback = SslbenchCallback("theirs", audio_seconds_per_step=2.0, out=str(tmp_path / "run"))
    trainer = fit(Model(), callback, tmp_path)
    record = read_run(tmp_path / "run")
    assert callback.path == str(tmp_path / "run")
    assert (record.kind, record.status, record.details["ended"]) == ("meter", "finished", "ran through")
    for phase in ("training", "evaluation"):
        duration = record.find("duration", phase)
        assert duration is not None
        assert (duration.value or 0) > 0
    hours = record.find("audio_hours_seen", "training")
    assert hours is not None
    assert hours.value == pytest.approx(6 * 2.0 / 3600)
    assert trainer.callback_metrics[LOGGED] > 0
    counted = {name: record.find(name, "training") for name in ("flops", "flops_per_audio_second", "parameters")}
    step = 2 * 2 * 64 * 64 * 2  # two clips, products and sums, forward and the gradient of the weights
    assert {name: q and (q.value, q.method) for name, q in counted.items()} == {
        "flops": (step, "analytic"), "flops_per_audio_second": (step / 2, "analytic"), "parameters": (64 * 65, "analytic")
    }  # fmt: skip


def test_a_training_that_fails_has_its_bill(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no more"):
        fit(Model(fails_at=2), SslbenchCallback("theirs", out=str(tmp_path / "run")), tmp_path)
    record = read_run(tmp_path / "run")
    assert record.details["ended"] == "ended by RuntimeError"
    energy = record.find("energy", "training", "machine")
    assert energy is not None
    assert (energy.value or 0) > 0
