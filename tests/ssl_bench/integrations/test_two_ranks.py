"""Two ranks of a real data-parallel training on this machine: one of them meters, and the bill is that of both."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ssl_bench import read_run

pytestmark = pytest.mark.slow

MODEL = """
import sys, warnings
import torch
warnings.simplefilter("ignore")

class Layer(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(64, 64)
    def forward(self, x):
        return {"loss": (self.layer(x) - x / 2).square().mean()}
"""
BY_TRANSFORMERS = f"""{MODEL}
from transformers import Trainer, TrainingArguments
from ssl_bench.integrations.transformers import SslbenchCallback
arguments = TrainingArguments(sys.argv[1] + "/out", max_steps=3, per_device_train_batch_size=2, report_to=[], use_cpu=True,
    save_strategy="no", disable_tqdm=True, dataloader_pin_memory=False, ddp_backend="gloo")
callback = SslbenchCallback("theirs", audio_seconds_per_step=8.0, out=sys.argv[1] + "/run", idle=False)
clips = [{{"x": torch.randn(64)}} for _ in range(12)]
Trainer(Layer(), arguments, train_dataset=clips, callbacks=[callback]).train()
"""
BY_LIGHTNING = f"""{MODEL}
from lightning.pytorch import LightningModule, Trainer
from ssl_bench.integrations.lightning import SslbenchCallback
class Theirs(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = Layer()
    def training_step(self, batch, index):
        return self.layer(batch)["loss"]
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)
if __name__ == "__main__":
    callback = SslbenchCallback("theirs", audio_seconds_per_step=8.0, out=sys.argv[1] + "/run", idle=False)
    trainer = Trainer(max_steps=3, accelerator="cpu", devices=2, strategy="ddp", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=[callback], default_root_dir=sys.argv[1])
    trainer.fit(Theirs(), torch.utils.data.DataLoader(torch.randn(12, 64), batch_size=2))
"""
TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


@pytest.mark.parametrize(
    ("launcher", "script"), [(TORCHRUN, BY_TRANSFORMERS), ((), BY_LIGHTNING)], ids=["transformers", "lightning"]
)
def test_two_ranks_have_one_bill(
    clean_environment: dict[str, str], tmp_path: Path, launcher: tuple[str, ...], script: str
) -> None:
    (tmp_path / "training.py").write_text(script)
    command = [sys.executable, *launcher, str(tmp_path / "training.py"), str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=clean_environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert len(list(tmp_path.glob("**/run.json"))) == 1
    record = read_run(tmp_path / "run")
    assert record.status == "finished"
    assert {m.model for m in record.measurements} == {"theirs"}
    flops, hours = record.find("flops", "training"), record.find("audio_hours_seen", "training")
    assert flops is not None
    assert hours is not None
    step = 2 * 2 * 2 * 64 * 64 * 2  # ranks, clips of each, products and sums, forward and the gradient of the weights
    assert flops.value == step, flops.note
    assert hours.value == pytest.approx(3 * 8 / 3600)
