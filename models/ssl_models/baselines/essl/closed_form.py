"""Closed form of essL's multiply-accumulates and parameters, to check the counter against."""

from __future__ import annotations

from ssl_models.baselines.essl.config import EsslConfig, EsslEncoderConfig, StageConfig
from ssl_models.parts.framing import HOP, filter_macs


def encoder_macs(config: EsslEncoderConfig, samples: int) -> int:
    """MACs of one clip's encoding: matrix products and convolutions, as torch's counter counts them; 1 MAC = 2 FLOPs.

    Convolutions: frames x width out x width in x kernel. Positions: (frames + 1) x d x d / groups x kernel, with an
    extra frame from an even kernel's padding. Per layer and frame: 4 d^2 for the projections, 2 T d for scores and
    mixing, 2 d h for the feed-forward layer. The FFT, norms, activations and the kernel's weight norm are left out.
    """
    return filter_macs(samples, config.mels) + _stack_macs(config, samples // HOP)


def training_macs(config: EsslConfig, samples: int) -> float:
    """MACs of one clip's training step: student forward and backward (twice its forward), teacher forward.

    The spectrum is computed twice, clean and noisy, and not differentiated; the first convolution needs no gradient of
    its input, and the similarities none of the teacher's side. LayerDrop skips a student's layer with all its work, so
    the expected value is counted. The teacher's clip is longer by the silence of the shift.
    """
    encoder, objective, frames = config.encoder, config.objective, samples // HOP
    outputs = encoder_frames(encoder, frames)
    first = (
        encoder.lower.frames(frames)[0] * encoder.lower.conv_widths[0] * encoder.mels * encoder.lower.conv_kernels[0]
    )
    dropped = encoder.upper.layer_drop * _layer_macs(encoder.upper, outputs)
    similarities = outputs**2 * objective.code_width
    head = encoder.upper.width * objective.code_width
    learned = _stack_macs(encoder, frames) - dropped
    learned += outputs * (head + objective.code_width**2 * sum(objective.predictor_kernels))
    shifted = frames + objective.most_shift * encoder.stride
    teacher = _stack_macs(encoder, shifted) + encoder_frames(encoder, shifted) * head
    return 2 * filter_macs(samples, encoder.mels) + 3 * learned - first + 2 * similarities + teacher


def encoder_frames(config: EsslEncoderConfig, logmel_frames: int) -> int:
    """Encoder frames of a clip with this many log-mel frames."""
    return config.upper.frames(config.lower.frames(logmel_frames)[-1])[-1]


def _stack_macs(config: EsslEncoderConfig, frames: int) -> int:
    """MACs of both stages for this many log-mel frames."""
    total, width_in = 0, config.mels
    for stage in (config.lower, config.upper):
        counts = stage.frames(frames)
        for count, width, kernel in zip(counts, stage.conv_widths, stage.conv_kernels, strict=True):
            total += count * width * width_in * kernel
            width_in = width
        frames, kernel = counts[-1], config.position_kernel
        shifted = frames + 2 * (kernel // 2) - kernel + 1
        total += shifted * width_in * (width_in // config.position_groups) * kernel + _layer_macs(stage, frames)
    return total


def _layer_macs(stage: StageConfig, frames: int) -> int:
    """MACs of all layers of a stage's transformer."""
    return stage.layers * frames * (4 * stage.width**2 + 2 * frames * stage.width + 2 * stage.width * stage.hidden)


def encoder_parameters(config: EsslEncoderConfig) -> int:
    """Number of trainable values of the encoder; the authors' 90.8 M for the student include its head."""
    total, width_in = 0, config.mels
    for stage in (config.lower, config.upper):
        for width, kernel in zip(stage.conv_widths, stage.conv_kernels, strict=True):
            total += width * width_in * kernel + 2 * width
            width_in = width
        d, kernel = stage.width, config.position_kernel
        total += d * (d // config.position_groups) * kernel + kernel + d + 2 * d
        total += stage.layers * (4 * (d**2 + d) + 2 * d * stage.hidden + stage.hidden + d + 4 * d)
    return total
