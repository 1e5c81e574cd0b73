"""Settings of essL, the baseline that the efficient model is meant to improve on.

L. Lugo, V. Vielzeuf, Towards efficient self-supervised representation learning in speech processing (EACL 2024); every
number is from the settings that the authors published (Orange-OpenSource/essL, MIT). The recipe derives from SPIRAL
(W. Huang et al., arXiv:2201.10207). Where the publication leaves a choice open, the attribute or module says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from ssl_models.optimisation import OptimisationConfig
from ssl_models.parts.checks import require_positive, require_shares
from ssl_models.parts.framing import FFT, HOP


@dataclass(frozen=True)
class StageConfig:
    """Convolutions that reduce the frame rate, then a transformer.

    Attributes:
        conv_widths, conv_kernels, conv_strides: of the convolutions, layer by layer; the last width is the
            transformer's.
        layers, heads, hidden: sizes of the transformer; `hidden` is the feed-forward layer's inner width.
        layer_drop: share of the layers that training skips.
    """

    conv_widths: tuple[int, ...]
    conv_kernels: tuple[int, ...]
    conv_strides: tuple[int, ...]
    layers: int
    heads: int
    hidden: int
    layer_drop: float = 0.0

    def __post_init__(self) -> None:
        depths = {len(self.conv_widths), len(self.conv_kernels), len(self.conv_strides)}
        if len(depths) > 1 or not self.conv_widths:
            raise ValueError("conv_widths, conv_kernels and conv_strides must have the same length, at least 1")
        sizes = (*self.conv_widths, *self.conv_kernels, *self.conv_strides, self.layers, self.heads, self.hidden)
        if min(sizes) < 1:
            raise ValueError(f"{min(sizes)}: widths, kernels, strides, layers, heads and hidden must be at least 1")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} must split into {self.heads} heads")
        require_shares(self, "layer_drop")

    @property
    def width(self) -> int:
        """Width of the transformer."""
        return self.conv_widths[-1]

    def frames(self, frames: int) -> list[int]:
        """Frames after each convolution of a clip of `frames`: floor((n - kernel) / stride) + 1, no padding."""
        counts = []
        for kernel, stride in zip(self.conv_kernels, self.conv_strides, strict=True):
            frames = max(0, frames - kernel + stride) // stride
            counts.append(frames)
        return counts


@dataclass(frozen=True)
class EsslEncoderConfig:
    """The encoder's shape and its regularisation in training.

    Attributes:
        lower, upper: the two stages, to 40 ms and to 80 ms.
        mels: log-mel channels.
        window: of the log-mel spectrum in samples (320 = 20 ms).
        position_kernel, position_groups: of the convolution that encodes positions.
        dropout, attention_dropout: dropout of values and of attention weights in training.
    """

    lower: StageConfig = StageConfig((384, 512, 512), (5, 5, 1), (2, 2, 1), 2, 8, 2048)
    upper: StageConfig = StageConfig((1536, 768), (5, 1), (2, 1), 10, 12, 3072, layer_drop=0.05)
    mels: int = 128
    window: int = 320
    position_kernel: int = 128
    position_groups: int = 16
    dropout: float = 0.1
    attention_dropout: float = 0.1

    def __post_init__(self) -> None:
        require_positive(self, "mels", "window", "position_kernel", "position_groups")
        if self.window > FFT:
            raise ValueError(f"window {self.window} must be at most {FFT} samples")
        for stage in (self.lower, self.upper):
            if stage.width % self.position_groups:
                raise ValueError(f"width {stage.width} must split into {self.position_groups} position_groups")
        require_shares(self, "dropout", "attention_dropout")

    @property
    def line(self) -> str:
        """The shape in one line."""
        return (
            f"log-mel, {self.lower.layers} post-norm layers of width {self.lower.width}, then {self.upper.layers} of "
            f"width {self.upper.width} at {self.frame_rate:g} Hz"
        )

    @property
    def stride(self) -> int:
        """Log-mel frames from one encoder frame to the next."""
        return prod((*self.lower.conv_strides, *self.upper.conv_strides))

    @property
    def samples_per_frame(self) -> int:
        """Audio samples from one frame to the next."""
        return HOP * self.stride

    @property
    def frame_rate(self) -> float:
        """Encoder frames per second."""
        return 16_000 / self.samples_per_frame

    @property
    def shortest(self) -> int:
        """Samples that a clip needs for one frame."""
        frames = 1
        for stage in (self.upper, self.lower):
            for kernel, stride in zip(reversed(stage.conv_kernels), reversed(stage.conv_strides), strict=True):
                frames = (frames - 1) * stride + kernel
        return frames * HOP


@dataclass(frozen=True)
class EsslObjectiveConfig:
    """Distinguish, for every frame, the teacher's frame from others of the same utterance.

    Attributes:
        code_width: width of the codes in which student and teacher are compared.
        predictor_kernels: of the student's convolutions from its code to its prediction, each `code_width` wide.
        temperature: of the cosine similarity.
        negatives: drawn for each frame, with replacement, from the other frames of its utterance.
        momentum: initial momentum of the teacher; it rises to 1 on half a cosine.
        most_shift: most encoder frames of silence at the start of the teacher's clip.
        noise_share: share of the student's clips with white noise (the authors added noise recordings).
        noise_snr: lowest and highest signal-to-noise ratio in dB.
        frequency_masks, frequency_width: number of bands of mel channels set to zero, and the largest width of one.
        time_mask_share, time_width: time masks per log-mel frame, and the most frames that one covers.
        most_time_masks: most time masks in a clip.
    """

    code_width: int = 256
    predictor_kernels: tuple[int, ...] = (5, 5, 1)
    temperature: float = 0.3
    negatives: int = 100
    momentum: float = 0.995
    most_shift: int = 16
    noise_share: float = 0.5
    noise_snr: tuple[float, float] = (0.0, 30.0)
    frequency_masks: int = 2
    frequency_width: int = 20
    time_mask_share: float = 0.025
    time_width: int = 20
    most_time_masks: int = 100

    def __post_init__(self) -> None:
        require_positive(self, "code_width", "negatives", "frequency_width", "time_width")
        for name in ("most_shift", "frequency_masks", "most_time_masks"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} {getattr(self, name)} must be at least 0")
        if not self.predictor_kernels or any(kernel < 1 or kernel % 2 == 0 for kernel in self.predictor_kernels):
            raise ValueError(f"predictor_kernels {self.predictor_kernels} must be odd, at least one")
        if not 0 < self.temperature < float("inf"):
            raise ValueError(f"temperature {self.temperature} must be more than 0")
        if not (0 <= self.momentum <= 1 and 0 <= self.noise_share <= 1 and 0 <= self.time_mask_share <= 1):
            raise ValueError("momentum, noise_share and time_mask_share must be in [0, 1]")
        if not self.noise_snr[0] <= self.noise_snr[1]:
            raise ValueError(f"noise_snr {self.noise_snr} must be ascending")

    @property
    def line(self) -> str:
        """The objective in one line."""
        return f"contrast of each frame with {self.negatives} others of its utterance, coded by an averaged teacher"


# One cycle of 15,000 steps of 4 x 1,080 s; the authors do not clip gradients, and this bound is far above the norm of an ordinary step.
_PRETRAINING = OptimisationConfig(3e-4, 4_320.0, warmup=0.08, clip=100.0, schedule="cosine")


@dataclass(frozen=True)
class EsslConfig:
    """All settings of one model."""

    encoder: EsslEncoderConfig = field(default_factory=EsslEncoderConfig)
    objective: EsslObjectiveConfig = field(default_factory=EsslObjectiveConfig)
    optimisation: OptimisationConfig = _PRETRAINING

    def __post_init__(self) -> None:
        if self.objective.frequency_width > self.encoder.mels:
            raise ValueError(
                f"frequency_width {self.objective.frequency_width} must be at most the {self.encoder.mels} mels"
            )


# Our own, for CPUs and tests: 3/16 of each width, half of the upper layers, the same frames and masks.
_TINY = EsslConfig(
    EsslEncoderConfig(
        StageConfig((72, 96, 96), (5, 5, 1), (2, 2, 1), 2, 2, 384),
        StageConfig((288, 144), (5, 1), (2, 1), 5, 3, 576, layer_drop=0.05),
    ),
    EsslObjectiveConfig(code_width=48),
    _PRETRAINING.narrowed(768, 144),
)

ESSL = {"essl-tiny": _TINY, "essl": EsslConfig()}
