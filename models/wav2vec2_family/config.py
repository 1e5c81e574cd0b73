"""Settings of wav2vec 2.0, HuBERT and WavLM: sizes as published, objective, optimisation.

A. Baevski et al., arXiv 2006.11477 (appendix B); W.-N. Hsu et al., arXiv 2106.07447 (table I); S. Chen et al.,
arXiv 2110.13900 (section V-B). "large" is the model of the 60,000 h recipes: layer norm in the front end, pre-norm blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from models.optimisation import OptimisationConfig

Family = Literal["wav2vec2", "hubert", "wavlm"]

MELS = 80
"""Log-mel channels behind the cepstra that HuBERT's first units are clusters of."""


@dataclass(frozen=True)
class ArchitectureConfig:
    """The encoder's shape and its regularisation in training.

    Attributes:
        family: whose transformer block it is; WavLM's has a gated relative position bias.
        width, layers, heads, hidden: of the transformer.
        conv_widths, conv_kernels, conv_strides: of the front end, layer by layer.
        conv_norm: "group" (after the first convolution) or "layer" (after each).
        conv_bias: whether the convolutions have one.
        pre_norm: whether norms stand before attention and feed-forward layer.
        position_kernel, position_groups: of the convolution that tells positions.
        dropout, attention_dropout, layer_drop: shares of values, of attention weights and of layers left out in training.
        position_buckets: of WavLM's relative positions.
    """

    family: Family
    width: int = 768
    layers: int = 12
    heads: int = 12
    hidden: int = 3072
    conv_widths: tuple[int, ...] = (512,) * 7
    conv_kernels: tuple[int, ...] = (10, 3, 3, 3, 3, 2, 2)
    conv_strides: tuple[int, ...] = (5, 2, 2, 2, 2, 2, 2)
    conv_norm: Literal["group", "layer"] = "group"
    conv_bias: bool = False
    pre_norm: bool = False
    position_kernel: int = 128
    position_groups: int = 16
    dropout: float = 0.1
    attention_dropout: float = 0.1
    layer_drop: float = 0.05
    position_buckets: int = 320

    @property
    def samples_per_frame(self) -> int:
        """Audio samples from one frame to the next."""
        product = 1
        for stride in self.conv_strides:
            product *= stride
        return product

    @property
    def frame_rate(self) -> float:
        """Encoder frames per second."""
        return 16_000 / self.samples_per_frame


@dataclass(frozen=True)
class HubertObjectiveConfig:
    """Masked prediction of k-means units (arXiv 2106.07447, section II).

    Attributes:
        clusters: of the codebook; 100 on MFCC in the first iteration.
        code_width: of the projected frame and the code vectors that it is compared with.
        span_frames, span_share: length of a hidden span; spans times length over frames (spans may overlap).
        temperature: of the cosine similarity.
        feature_penalty: weight of the mean square of the front end's output.
        feature_gradient: factor on the gradient that reaches the front end.
        fit_hours: training speech that k-means sees at most.
    """

    clusters: int = 100
    code_width: int = 256
    span_frames: int = 10
    span_share: float = 0.8
    temperature: float = 0.1
    feature_penalty: float = 10.0
    feature_gradient: float = 0.1
    fit_hours: float = 1.0


@dataclass(frozen=True)
class Wav2Vec2FamilyConfig:
    """One model in full; `objective` is None where it is not built."""

    architecture: ArchitectureConfig
    objective: HubertObjectiveConfig | None = None
    optimisation: OptimisationConfig = field(default_factory=OptimisationConfig)


def _large(family: Family, *, conv_bias: bool) -> ArchitectureConfig:
    return ArchitectureConfig(
        family, 1024, 24, 16, 4096, conv_norm="layer", conv_bias=conv_bias, pre_norm=True,
        dropout=0.0, attention_dropout=0.0, layer_drop=0.0,
    )  # fmt: skip


def _hubert_optimisation(peak: float, batch_seconds: float) -> OptimisationConfig:
    return OptimisationConfig(peak, batch_seconds, warmup=0.08, clip=10.0)


WAV2VEC2_FAMILY = {
    "wav2vec2-base": Wav2Vec2FamilyConfig(ArchitectureConfig("wav2vec2")),
    "wav2vec2-large": Wav2Vec2FamilyConfig(_large("wav2vec2", conv_bias=True)),
    "hubert-base": Wav2Vec2FamilyConfig(
        ArchitectureConfig("hubert"), HubertObjectiveConfig(), _hubert_optimisation(5e-4, 32 * 87.5)
    ),
    "hubert-large": Wav2Vec2FamilyConfig(
        _large("hubert", conv_bias=True),
        HubertObjectiveConfig(clusters=500, code_width=768, feature_gradient=1.0),
        _hubert_optimisation(1.5e-3, 128 * 56.25),
    ),
    "wavlm-base": Wav2Vec2FamilyConfig(ArchitectureConfig("wavlm")),
    "wavlm-large": Wav2Vec2FamilyConfig(_large("wavlm", conv_bias=False)),
}
