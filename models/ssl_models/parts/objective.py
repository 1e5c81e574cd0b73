"""The common parts of the objectives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from ssl_models.optimisation import OptimisationConfig
from ssl_models.parts.frontend import valid_mask


class Objective(nn.Module):
    """A `ssl_models.interface.Pretraining` without `forward`: nothing to fit, and nothing to do after a step.

    Attributes:
        config: the model's settings.
    """

    config: Any

    @property
    def optimisation(self) -> OptimisationConfig:
        """The optimisation in the model's recipe."""
        return self.config.optimisation

    @property
    def targets_fitted(self) -> bool:
        """Whether training may begin."""
        return True

    def after_step(self, progress: float) -> None:
        """Follow-up of an optimiser step at `progress` in [0, 1] of the budget."""

    def fit_targets(
        self,
        waveforms: Iterable[NDArray[np.float32]],  # noqa: ARG002
        seed: int,  # noqa: ARG002
        spent: Callable[[], float] = lambda: 0.0,  # noqa: ARG002
    ) -> dict[str, float]:
        """Fit the targets on clips of training speech; returns figures for the record. `spent`: see `ssl_models.parts.targets.KMeans.fit`."""
        return {}


class UnitObjective(Objective):
    """An objective with units as targets, whose `quantiser` must be fitted; see `ssl_models.parts.targets.KMeans.fit`."""

    quantiser: Any

    @property
    def targets_fitted(self) -> bool:
        """Whether the quantiser has its centroids."""
        return bool(self.quantiser.fitted)

    def fit_targets(
        self, waveforms: Iterable[NDArray[np.float32]], seed: int, spent: Callable[[], float] = lambda: 0.0
    ) -> dict[str, float]:
        """Fit the quantiser."""
        return self.quantiser.fit(waveforms, seed, spent)


def hidden_cross_entropy(logits: Tensor, labels: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy in nats over the labels of hidden frames, and the accuracy on these labels.

    Shapes: logits `(B, frames, ..., classes)` float32, labels `(B, frames, ...)`, hidden `(B, frames)`, True where a
    frame counts. The result is 0 if nothing is hidden.
    """
    each = F.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none").view(labels.shape)
    of_a_frame = labels[0, 0].numel()
    weight = hidden.float() / (hidden.sum() * of_a_frame).clamp(min=1)
    weight = weight.view(*weight.shape, *[1] * (labels.ndim - weight.ndim))
    with torch.no_grad():
        hits = ((logits.argmax(-1) == labels) * weight).sum()
    return (each * weight).sum(), hits


def feature_variance(output: Tensor, frame_lengths: Tensor | None) -> Tensor:
    """Mean over channels of the variance over the valid frames of `(B, frames, D)`; near 0 = collapsed.

    In float32, with Bessel's correction. `frame_lengths` `(B,)` are valid frames (None: all); padding is ignored.
    """
    frames = output.float().flatten(0, 1)
    if frame_lengths is None:
        return frames.var(0).mean()
    valid = valid_mask(frame_lengths, output.shape[1]).flatten()[:, None].float()
    count = valid.sum()
    residual = (frames - (frames * valid).sum(0) / count.clamp(min=1)) * valid
    return (residual.square().sum(0) / (count - 1).clamp(min=1)).mean()
