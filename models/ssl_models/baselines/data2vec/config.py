"""Settings of data2vec-audio: published sizes, objective, optimisation.

A. Baevski et al., arXiv:2202.03555 (sections 3, 4 and 4.2), and fairseq's examples/data2vec (base_librispeech.yaml) for
details missing in the paper: dropout, LayerDrop, instance norm of the targets. For "large" both give only the size; the
base recipe is used in its place.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ssl_models.optimisation import OptimisationConfig
from ssl_models.parts.checks import require_positive, require_shares


@dataclass(frozen=True)
class Data2VecEncoderConfig:
    """The encoder's shape and its regularisation in training: post-norm blocks over layer-normed convolutions.

    Attributes:
        width, layers, heads, hidden: sizes of the transformer.
        conv_widths, conv_kernels, conv_strides: of the front end's convolutions, layer by layer.
        position_layers, position_kernel, position_groups: of the stacked convolutions that encode positions.
        dropout, attention_dropout, layer_drop: shares of values, of attention weights and of layers left out in
            training.
    """

    width: int = 768
    layers: int = 12
    heads: int = 12
    hidden: int = 3072
    conv_widths: tuple[int, ...] = (512,) * 7
    conv_kernels: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    conv_strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)
    position_layers: int = 5
    position_kernel: int = 19
    position_groups: int = 16
    dropout: float = 0.1
    attention_dropout: float = 0.1
    layer_drop: float = 0.05

    def __post_init__(self) -> None:
        require_positive(
            self, "width", "layers", "heads", "hidden", "position_layers", "position_kernel", "position_groups"
        )
        if self.width % self.heads or self.width % self.position_groups:
            raise ValueError(f"width {self.width} must split into {self.heads} heads and {self.position_groups} groups")
        if not len(self.conv_widths) == len(self.conv_kernels) == len(self.conv_strides) > 0:
            raise ValueError("conv_widths, conv_kernels and conv_strides must name the same convolutions")
        require_shares(self, "dropout", "attention_dropout", "layer_drop")

    @property
    def line(self) -> str:
        """The shape in one line."""
        shape = f"{len(self.conv_widths)} convolutions, {self.layers} post-norm layers, width {self.width}"
        return f"{shape}, {self.heads} heads; padding leaks through the stacked position convolutions"

    @property
    def samples_per_frame(self) -> int:
        """Audio samples from one frame to the next."""
        return math.prod(self.conv_strides)

    @property
    def frame_rate(self) -> float:
        """Encoder frames per second."""
        return 16_000 / self.samples_per_frame


@dataclass(frozen=True)
class Data2VecObjectiveConfig:
    """Regression of the top layers of a moving-average teacher.

    Attributes:
        top_layers: number of the teacher's layers whose mean is the target.
        span_frames, span_share: length of a hidden span; spans times length over frames (spans may overlap).
        kept_start, kept_end: share of its values that the teacher keeps in a step, initially and after `kept_progress`.
        kept_progress: share of the budget over which that share rises linearly; 30,000 of 400,000 updates.
    """

    top_layers: int = 8
    span_frames: int = 10
    span_share: float = 0.65
    kept_start: float = 0.999
    kept_end: float = 0.9999
    kept_progress: float = 0.075

    def __post_init__(self) -> None:
        require_positive(self, "top_layers", "span_frames")
        for name in ("span_share", "kept_progress"):
            if not 0 < getattr(self, name) <= 1:
                raise ValueError(f"{name} {getattr(self, name)} must be above 0 and at most 1")
        if not 0 <= self.kept_start <= self.kept_end <= 1:
            raise ValueError(
                f"kept_start {self.kept_start} and kept_end {self.kept_end} must be ascending within [0, 1]"
            )

    @property
    def line(self) -> str:
        """The objective in one line."""
        return f"regression of the mean of a moving-average teacher's top {self.top_layers} layers"

    def kept(self, progress: float) -> float:
        """Share of its values that the teacher keeps in the step at `progress` in [0, 1] of the budget."""
        return self.kept_start + (self.kept_end - self.kept_start) * min(progress / self.kept_progress, 1.0)


@dataclass(frozen=True)
class Data2VecConfig:
    """All settings of one model."""

    encoder: Data2VecEncoderConfig = Data2VecEncoderConfig()
    objective: Data2VecObjectiveConfig = Data2VecObjectiveConfig()
    # 63 minutes of audio per step (3.8 M samples on each of 16 GPUs); gradients are not clipped, and the norm of a mean
    # loss stays far below 1,000.
    optimisation: OptimisationConfig = field(
        default_factory=lambda: OptimisationConfig(
            5e-4, 16 * 237.5, warmup=0.03, clip=1e3, schedule="tri-stage", hold=0.9
        )
    )

    def __post_init__(self) -> None:
        if self.objective.top_layers > self.encoder.layers:
            raise ValueError(f"top_layers {self.objective.top_layers} must be at most layers {self.encoder.layers}")


DATA2VEC = {
    "data2vec-audio-base": Data2VecConfig(),
    "data2vec-audio-large": Data2VecConfig(Data2VecEncoderConfig(1024, 24, 16, 4096)),
}
