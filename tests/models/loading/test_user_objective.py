"""A training step of the user's own is measured like any other; a module without a loss is refused before that."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ssl_models.catalog import pretraining
from ssl_models.errors import BadInputError
from ssl_models.families import NoObjectiveError


@pytest.mark.parametrize("kind", ["Loss", "Named", "Light"])
def test_a_step_gives_a_loss_and_gradients(own_steps: Path, kind: str) -> None:
    model = pretraining(f"{own_steps}:{kind}")
    outcome = model(torch.randn(2, 8000), None, torch.Generator())
    outcome.loss.backward()
    assert all(p.grad is not None for p in model.parameters())
    assert model.targets_fitted
    assert sum(p.numel() for p in model.encoder.parameters()) == 32 * 400 + 32 + 32 * 32 + 32


@pytest.mark.parametrize("kind", ["Frames", "Detached"])
def test_a_module_without_a_loss_has_no_objective(own_steps: Path, kind: str) -> None:
    with pytest.raises(NoObjectiveError, match="must return a loss"):
        pretraining(f"{own_steps}:{kind}")


def test_what_fails_says_so_in_one_line(own_steps: Path) -> None:
    with pytest.raises(BadInputError, match="trying its training step failed with RuntimeError: no speech today"):
        pretraining(f"{own_steps}:Fails")
    with pytest.raises(NoObjectiveError, match="a model from transformers has no objective here"):
        pretraining("hf:somewhere/model")
