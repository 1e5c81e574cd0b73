"""Settings of wav2vec 2.0, HuBERT and WavLM: published sizes, objective, optimisation.

A. Baevski et al., arXiv:2006.11477 (appendix B); W.-N. Hsu et al., arXiv:2106.07447 (table I); S. Chen et al., arXiv
2110.13900 (section V-B). In their papers, HuBERT large and X-large and both WavLM models learn units of a smaller
HuBERT's layer (hubert-large and hubert-xlarge: layer 9 of the base's second iteration); the default here is 500 units
of MFCC, which needs no other model (`second_iteration` does the rest). WavLM's batch size could not be looked up and
is assumed to be HuBERT's. "large" is the model of the 60,000 h recipes: layer norm in the front end, pre-norm blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from ssl_models.optimisation import OptimisationConfig
from ssl_models.parts.checks import require_positive

Family = Literal["wav2vec2", "hubert", "wavlm"]

MELS = 80
"""Log-mel channels of the cepstra whose clusters are HuBERT's first units."""


@dataclass(frozen=True)
class ArchitectureConfig:
    """The encoder's shape and its regularisation in training.

    Attributes:
        family: family of the transformer block; WavLM's has a gated relative position bias.
        width, layers, heads, hidden: sizes of the transformer.
        conv_widths, conv_kernels, conv_strides: of the front end's convolutions, layer by layer.
        conv_norm: "group" (after the first convolution) or "layer" (after each).
        conv_bias: whether the convolutions have a bias.
        pre_norm: whether norms come before attention and feed-forward layer.
        position_kernel, position_groups: of the convolution that encodes positions.
        dropout, attention_dropout, layer_drop: dropout of values, of attention weights and of whole layers in training.
        position_buckets: number of WavLM's relative position buckets.
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
    def line(self) -> str:
        """The shape in one line."""
        norm = "pre" if self.pre_norm else "post"
        # Group norm averages over the clip including its padding, so a clip's frames depend on its batch.
        leak = "; padding leaks through the front end's group norm" if self.conv_norm == "group" else ""
        shape = f"{len(self.conv_widths)} convolutions, {self.layers} {norm}-norm layers, width {self.width}"
        return f"{shape}, {self.heads} heads{leak}"

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
    """Masked prediction of k-means units (arXiv:2106.07447, section II).

    Attributes:
        clusters: size of the codebook; 100 on MFCC in the first iteration.
        code_width: width of the projected frame and of the code vectors that it is compared with.
        span_frames, span_share: length of a hidden span; spans times length over frames (spans may overlap).
        temperature: of the cosine similarity.
        feature_penalty: weight of the mean square of the front end's output.
        feature_gradient: factor on the gradient that reaches the front end.
        fit_hours: most hours of training speech used for k-means.
        mixing: share of the utterances mixed with a part of another one (WavLM); labels are those of clean speech.
        targets: what is clustered: "mfcc", or "layer", the frames of a previously trained model (later iterations).
        teacher: that model's shape, whose front end has the same frame rate.
        target_layer: number of its layer; 1 is the first block's output.
    """

    clusters: int = 100
    code_width: int = 256
    span_frames: int = 10
    span_share: float = 0.8
    temperature: float = 0.1
    feature_penalty: float = 10.0
    feature_gradient: float = 0.1
    fit_hours: float = 1.0
    mixing: float = 0.0
    targets: Literal["mfcc", "layer"] = "mfcc"
    teacher: ArchitectureConfig | None = None
    target_layer: int = 6

    def __post_init__(self) -> None:
        if not 0 <= self.mixing <= 1:
            raise ValueError(f"mixing {self.mixing} must be in [0, 1]")
        if (self.targets == "layer") != (self.teacher is not None):
            raise ValueError(
                f"targets {self.targets!r}: a teacher is needed for 'layer' and must not be given otherwise"
            )
        if self.teacher and not 1 <= self.target_layer <= self.teacher.layers:
            raise ValueError(f"target_layer {self.target_layer} must be between 1 and {self.teacher.layers}")

    @property
    def line(self) -> str:
        """The objective in one line."""
        source = f"layer {self.target_layer} of another model" if self.teacher else "MFCC"
        mixing = f", {100 * self.mixing:.0f} % of the utterances mixed" if self.mixing else ""
        return f"masked prediction of {self.clusters} k-means units of {source}{mixing}"


@dataclass(frozen=True)
class Wav2Vec2ObjectiveConfig:
    """Distinguishing the quantised features of hidden frames (arXiv:2006.11477, sections 3 and 4.2).

    Attributes:
        codebooks, entries: number of codebooks of the product quantiser, and of entries in each.
        code_width: width of its concatenated entries.
        projected_width: width in which outputs and targets are compared.
        negatives: number of other hidden frames of the utterance that each one is compared with.
        span_frames, span_share: length of a hidden span; spans times length over frames (spans may overlap).
        temperature: of the cosine similarity.
        diversity_weight: weight of the codebooks' missing perplexity.
        gumbel_start, gumbel_end, gumbel_decay: initial and final temperature of the quantiser's choice, and its factor
            per step.
        target_dropout: dropout of the features to quantise.
        feature_penalty: weight of the mean square of the front end's output.
        feature_gradient: factor on the gradient that reaches the front end.
    """

    codebooks: int = 2
    entries: int = 320
    code_width: int = 256
    projected_width: int = 256
    negatives: int = 100
    span_frames: int = 10
    span_share: float = 0.65
    temperature: float = 0.1
    diversity_weight: float = 0.1
    gumbel_start: float = 2.0
    gumbel_end: float = 0.5
    gumbel_decay: float = 0.999995
    target_dropout: float = 0.1
    feature_penalty: float = 10.0
    feature_gradient: float = 0.1

    def __post_init__(self) -> None:
        require_positive(self, "codebooks", "entries", "code_width", "projected_width", "negatives", "span_frames")
        if self.code_width % self.codebooks:
            raise ValueError(f"code_width {self.code_width} must split into {self.codebooks} codebooks")
        if not 0 < self.span_share <= 1:
            raise ValueError(f"span_share {self.span_share} must be above 0 and at most 1")
        if not (self.temperature > 0 and 0 < self.gumbel_end <= self.gumbel_start and 0 < self.gumbel_decay <= 1):
            raise ValueError(
                "temperatures must be more than 0, gumbel_end at most gumbel_start, gumbel_decay at most 1"
            )

    @property
    def line(self) -> str:
        """The objective in one line."""
        return f"contrastive, {self.negatives} negatives, {self.codebooks} x {self.entries} Gumbel codes"


@dataclass(frozen=True)
class Wav2Vec2FamilyConfig:
    """All settings of one model; `objective` is None if it is not built."""

    encoder: ArchitectureConfig
    objective: HubertObjectiveConfig | Wav2Vec2ObjectiveConfig | None = None
    optimisation: OptimisationConfig = field(default_factory=OptimisationConfig)


def second_iteration(
    config: Wav2Vec2FamilyConfig, teacher: ArchitectureConfig, layer: int = 6, clusters: int = 500
) -> Wav2Vec2FamilyConfig:
    """The same model on units of another's layer; by default HuBERT base's second iteration (X-large: layer 9 of that).

    Raises:
        TypeError: if the model's objective is not masked prediction.
        ValueError: if the teacher has no such layer, or another frame rate.
    """
    if not isinstance(config.objective, HubertObjectiveConfig):
        raise TypeError("only masked prediction has later iterations")
    if (teacher.conv_kernels, teacher.conv_strides) != (config.encoder.conv_kernels, config.encoder.conv_strides):
        raise ValueError("the teacher's front end must have the model's frame rate")
    units = replace(config.objective, targets="layer", teacher=teacher, target_layer=layer, clusters=clusters)
    return replace(config, objective=units)


def _large(family: Family, *, conv_bias: bool) -> ArchitectureConfig:
    return ArchitectureConfig(
        family, 1024, 24, 16, 4096, conv_norm="layer", conv_bias=conv_bias, pre_norm=True,
        dropout=0.0, attention_dropout=0.0, layer_drop=0.0,
    )  # fmt: skip


def _tiny(family: Family) -> ArchitectureConfig:
    """Our own, for CPUs and tests: 3/16 of each width of the base model, front end included, and 7 of 12 layers."""
    return ArchitectureConfig(family, 144, 7, 3, 576, conv_widths=(96,) * 7)


def _hubert_optimisation(peak: float, batch_seconds: float) -> OptimisationConfig:
    return OptimisationConfig(peak, batch_seconds, warmup=0.08, clip=10.0)


def _wav2vec2_optimisation(peak: float, batch_hours: float) -> OptimisationConfig:
    # The recipes do not clip gradients; the norm for a mean loss stays far below this.
    return OptimisationConfig(peak, batch_hours * 3600, warmup=0.08, clip=1e3)


WAV2VEC2_FAMILY = {
    "wav2vec2-tiny": Wav2Vec2FamilyConfig(
        _tiny("wav2vec2"),
        Wav2Vec2ObjectiveConfig(entries=100, code_width=48, projected_width=48),
        _wav2vec2_optimisation(5e-4, 1.6).narrowed(768, 144),
    ),
    "wav2vec2-base": Wav2Vec2FamilyConfig(
        ArchitectureConfig("wav2vec2"), Wav2Vec2ObjectiveConfig(), _wav2vec2_optimisation(5e-4, 1.6)
    ),
    "wav2vec2-large": Wav2Vec2FamilyConfig(
        _large("wav2vec2", conv_bias=True),
        # For 60,000 h, without the penalty and with the front end's full gradient (section 4.2).
        Wav2Vec2ObjectiveConfig(
            code_width=768,
            projected_width=768,
            gumbel_end=0.1,
            target_dropout=0.0,
            feature_penalty=0.0,
            feature_gradient=1.0,
        ),
        _wav2vec2_optimisation(3e-4, 2.7),
    ),
    "hubert-tiny": Wav2Vec2FamilyConfig(
        _tiny("hubert"),
        HubertObjectiveConfig(code_width=48),
        _hubert_optimisation(5e-4, 32 * 87.5).narrowed(768, 144),
    ),
    "hubert-base": Wav2Vec2FamilyConfig(
        ArchitectureConfig("hubert"), HubertObjectiveConfig(), _hubert_optimisation(5e-4, 32 * 87.5)
    ),
    "hubert-large": Wav2Vec2FamilyConfig(
        _large("hubert", conv_bias=True),
        HubertObjectiveConfig(clusters=500, code_width=768, feature_gradient=1.0),
        _hubert_optimisation(1.5e-3, 128 * 56.25),
    ),
    "hubert-xlarge": Wav2Vec2FamilyConfig(
        replace(_large("hubert", conv_bias=True), width=1280, layers=48, hidden=5120),
        HubertObjectiveConfig(clusters=500, code_width=1024, feature_gradient=1.0),
        _hubert_optimisation(3e-3, 256 * 22.5),
    ),
    "wavlm-base": Wav2Vec2FamilyConfig(
        ArchitectureConfig("wavlm"),
        HubertObjectiveConfig(clusters=500, mixing=0.2),
        _hubert_optimisation(5e-4, 32 * 87.5),
    ),
    "wavlm-large": Wav2Vec2FamilyConfig(
        _large("wavlm", conv_bias=False),
        HubertObjectiveConfig(clusters=500, code_width=768, feature_gradient=1.0, mixing=0.2),
        _hubert_optimisation(1.5e-3, 128 * 56.25),
    ),
}
