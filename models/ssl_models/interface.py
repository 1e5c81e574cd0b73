"""The interface of every model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from torch import Tensor

    from ssl_models.optimisation import OptimisationConfig

SAMPLE_RATE = 16_000
"""Sample rate in Hz of every waveform in the project."""


class SpeechFeatures(NamedTuple):
    """An encoder's output for a batch of waveforms.

    Attributes:
        layers: every hidden state, each `(B, frames, D)`: the first block's input, then each block's output in order.
            Our pre-norm encoders end with their norm's output; transformers' list omits that norm.
        lengths: valid frames of each clip, `(B,)` int64.
        frame_rate: frames per second of audio.
    """

    layers: tuple[Tensor, ...]
    lengths: Tensor
    frame_rate: float


@runtime_checkable
class Encoder(Protocol):
    """A speech encoder: a `torch.nn.Module` that maps waveforms to layers of frames.

    An optional attribute `attention` is "sdpa" (torch's fused kernels) or "eager".
    """

    def __call__(self, waveforms: Tensor, lengths: Tensor | None = None) -> SpeechFeatures:
        """Encode `(B, T)` float waveforms in [-1, 1] at 16 kHz, of which `lengths` `(B,)` samples are valid each.

        Without lengths, every clip is valid to its end.
        """
        ...


class LossAndMetrics(NamedTuple):
    """The result of one training step's forward pass.

    Attributes:
        loss: scalar to differentiate, the mean over the predicted frames.
        metrics: detached scalars on the device, named as in records (`masked_accuracy`, `feature_variance`, ...).
    """

    loss: Tensor
    metrics: dict[str, Tensor]


class Pretraining(Protocol):
    """A model with the objective of its own paper.

    The object is a `torch.nn.Module`; its `encoder` is what is kept after pretraining.
    """

    @property
    def encoder(self) -> torch.nn.Module:
        """The part that is kept."""
        ...

    @property
    def optimisation(self) -> OptimisationConfig:
        """The optimisation in the model's recipe."""
        ...

    @property
    def targets_fitted(self) -> bool:
        """Whether no targets need fitting (any more)."""
        ...

    def __call__(self, waveforms: Tensor, lengths: Tensor | None, generator: torch.Generator) -> LossAndMetrics:
        """Loss for `(B, T)` waveforms; every random draw of the objective comes from `generator` on their device."""
        ...

    def after_step(self, progress: float) -> None:
        """Whatever must follow an optimiser step at `progress` in [0, 1] of the budget (the update of an EMA teacher)."""
        ...

    def fit_targets(self, waveforms: Any, seed: int, spent: Callable[[], float]) -> dict[str, float]:  # noqa: ANN401 - any iterable of arrays
        """Fit what the targets need on clips of training speech; returns figures for the record.

        `spent` returns the share of the available time that has passed: at 1, fitting must stop.
        """
        ...
