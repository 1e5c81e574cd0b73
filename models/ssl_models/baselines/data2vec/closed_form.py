"""Closed form of data2vec-audio's multiply-accumulates and parameters, to check the counter against."""

from __future__ import annotations

from ssl_models.baselines.data2vec.config import Data2VecConfig, Data2VecEncoderConfig
from ssl_models.baselines.wav2vec2.closed_form import conv_frames, front_end_macs
from ssl_models.parts.framing import most_hidden


def encoder_macs(config: Data2VecEncoderConfig, samples: int) -> int:
    """MACs of one clip's encoding: matrix products and convolutions, as torch's counter counts them; 1 MAC = 2 FLOPs.

    The front end, the projection of its frames, the position convolutions and the blocks.
    """
    frames = conv_frames(config, samples)[-1]
    projection = frames * config.conv_widths[-1] * config.width
    return front_end_macs(config, samples) + projection + position_macs(config, frames) + block_macs(config, frames)


def position_macs(config: Data2VecEncoderConfig, frames: int) -> int:
    """MACs of the stacked position convolutions; an even kernel yields an extra frame, which is cut off."""
    shifted = frames + 2 * (config.position_kernel // 2) - config.position_kernel + 1
    group = config.width // config.position_groups
    return config.position_layers * shifted * config.width * group * config.position_kernel


def block_macs(config: Data2VecEncoderConfig, frames: int) -> int:
    """MACs of all blocks: per frame 4 d^2 for projections, 2 T d for scores and mixing, 2 d h for the feed-forward."""
    layer = 4 * config.width**2 + 2 * frames * config.width + 2 * config.width * config.hidden
    return config.layers * frames * layer


def training_macs(config: Data2VecConfig, samples: int) -> float:
    """MACs of one clip's training step: student forward and backward (twice the forward), teacher forward.

    The teacher recomputes position convolutions and blocks, all blocks regardless of the student's LayerDrop.
    Predictions are made for as many frames as the spans can hide. transformers also computes the gradient of the
    waveform, so even the first convolution costs three times its forward.
    """
    encoder, objective = config.encoder, config.objective
    frames = conv_frames(encoder, samples)[-1]
    blocks, slots = block_macs(encoder, frames), most_hidden(frames, objective.span_frames, objective.span_share)
    learned = encoder_macs(encoder, samples) - encoder.layer_drop * blocks + slots * encoder.width**2
    return 3 * learned + position_macs(encoder, frames) + blocks


def encoder_parameters(config: Data2VecEncoderConfig) -> int:
    """Number of trainable values of the encoder, including the mask vector; the teacher is not part of it."""
    c, count, width_in = config, 0, 1
    for width, kernel in zip(c.conv_widths, c.conv_kernels, strict=True):
        count += width * width_in * kernel + 2 * width
        width_in = width
    count += 2 * width_in + (width_in + 1) * c.width + c.width
    count += c.position_layers * (c.width * (c.width // c.position_groups) * c.position_kernel + c.width)
    layer = 4 * (c.width**2 + c.width) + 2 * c.width * c.hidden + c.hidden + c.width + 4 * c.width
    return count + c.layers * layer + 2 * c.width
