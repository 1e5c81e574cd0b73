"""A user's own training step: a module whose forward returns a loss, or a LightningModule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import unset_fake_temporarily

from ssl_models.errors import BadInputError
from ssl_models.families import NoObjectiveError
from ssl_models.interface import SAMPLE_RATE, LossAndMetrics
from ssl_models.loading.user_code import contained
from ssl_models.loading.user_function import made_by
from ssl_models.loading.user_step import OpaqueStep
from ssl_models.optimisation import OptimisationConfig

FORMS = (
    "for training, the function must return a torch.nn.Module whose forward returns a loss, a LightningModule, or a "
    "callable that makes one optimiser step on waveforms (B, T)"
)
RETURNS = "to be trained, its forward must return a loss (a scalar tensor, or an object or dictionary with one as `loss`) for waveforms (B, T)"


class UserPretraining(nn.Module):
    """A user's module as a `ssl_models.interface.Pretraining`; its optimiser is AdamW with our settings.

    Raises:
        NoObjectiveError: if the module returns no loss.
    """

    def __init__(self, module: nn.Module, name: str) -> None:
        super().__init__()
        self.module, self.name = module, name

    @property
    def encoder(self) -> nn.Module:
        """The whole module: which part of it is kept is not known."""
        return self.module

    @property
    def optimisation(self) -> OptimisationConfig:
        """Our settings; the learning rate of a measured step is 0."""
        return OptimisationConfig()

    @property
    def targets_fitted(self) -> bool:
        """Always: a step that needs targets prepares them itself."""
        return True

    def forward(self, waveforms: Tensor, lengths: Tensor | None, generator: torch.Generator) -> LossAndMetrics:
        """The loss of `(B, T)` waveforms; the module draws its random numbers by itself."""
        del lengths, generator
        step = getattr(self.module, "training_step", None)
        out = step(waveforms, 0) if callable(step) else self.module(waveforms)  # a LightningModule has such a step
        return LossAndMetrics(self._loss(out), {})

    def after_step(self, progress: float) -> None:
        """Nothing: what follows a step is the module's own."""

    def fit_targets(self, waveforms: Any, seed: int, spent: Callable[[], float]) -> dict[str, float]:  # noqa: ANN401 - any iterable of arrays
        """Nothing to fit."""
        del waveforms, seed, spent
        return {}

    def _loss(self, out: Any) -> Tensor:  # noqa: ANN401 - whatever the user returns
        found = out.get("loss") if isinstance(out, Mapping) else getattr(out, "loss", out)
        if not isinstance(found, Tensor) or found.ndim != 0 or not found.requires_grad:
            raise NoObjectiveError(f"{self.name}: a model of your own has no objective here; {RETURNS}")
        return found


def user_training(name: str) -> UserPretraining | OpaqueStep:
    """The training step of `path/to/file.py:function`; the function is called without arguments.

    Raises:
        BadInputError: if the function does not exist, fails, or returns neither a module nor a callable.
        NoObjectiveError: if a module fails on waveforms or returns no loss.
    """
    made = made_by(name, FORMS)
    if isinstance(made, nn.Module):
        return _tried(UserPretraining(made, name))
    if callable(made) and not isinstance(made, type):
        return OpaqueStep(made, name)
    raise BadInputError(f"{name}: {name.rpartition(':')[2]}() returned {type(made).__name__}; {FORMS}")


def _tried(model: UserPretraining) -> UserPretraining:
    """The model after one second of silence, so that a module without a loss is refused before anything is measured."""
    place = next((p.device for p in model.parameters()), torch.device("cpu"))
    try:
        # On tensors with values: a step may look at its loss, which only leaves it uncounted.
        with contained(model.name, "trying its training step"), unset_fake_temporarily(), torch.enable_grad():
            model(torch.zeros(2, SAMPLE_RATE, device=place), None, torch.Generator())
    except NoObjectiveError:
        raise
    except BadInputError as error:
        raise NoObjectiveError(f"{error}; a model of your own has no objective here: {RETURNS}") from error
    return model
