"""A training step of the user's own is measured like any other; a module without a loss is refused before that."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ssl_models.catalog import pretraining
from ssl_models.errors import BadInputError
from ssl_models.families import NoObjectiveError

CODE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.front, self.body = nn.Conv1d(1, 32, 400, 160), nn.Linear(32, 32)
    def features(self, x):
        return self.body(self.front(x[:, None]).transpose(1, 2))

class Loss(Net):
    def forward(self, x):
        return self.features(x).pow(2).mean()

class Named(Net):
    def forward(self, x):
        return {"loss": self.features(x).pow(2).mean(), "else": 1}

class Light(Net):
    def training_step(self, batch, index):
        return self.features(batch).pow(2).mean()

class Frames(Net):
    def forward(self, x, lengths=None):
        return self.features(x)

class Detached(Net):
    def forward(self, x):
        return self.features(x).pow(2).mean().detach()

class Fails(Net):
    def forward(self, x):
        raise RuntimeError("no speech today")
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "own.py"
    path.write_text(CODE)
    return path


@pytest.mark.parametrize("kind", ["Loss", "Named", "Light"])
def test_a_step_gives_a_loss_and_gradients(own: Path, kind: str) -> None:
    model = pretraining(f"{own}:{kind}")
    outcome = model(torch.randn(2, 8000), None, torch.Generator())
    outcome.loss.backward()
    assert all(p.grad is not None for p in model.parameters())
    assert model.targets_fitted
    assert sum(p.numel() for p in model.encoder.parameters()) == 32 * 400 + 32 + 32 * 32 + 32


@pytest.mark.parametrize("kind", ["Frames", "Detached"])
def test_a_module_without_a_loss_has_no_objective(own: Path, kind: str) -> None:
    with pytest.raises(NoObjectiveError, match="must return a loss"):
        pretraining(f"{own}:{kind}")


def test_what_fails_says_so_in_one_line(own: Path) -> None:
    with pytest.raises(BadInputError, match="trying its training step failed with RuntimeError: no speech today"):
        pretraining(f"{own}:Fails")
    with pytest.raises(NoObjectiveError, match="a model from transformers has no objective here"):
        pretraining("hf:somewhere/model")
