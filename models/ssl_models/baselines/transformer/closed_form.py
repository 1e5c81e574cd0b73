"""Closed form of the plain transformer's multiply-accumulates and parameters, to check the counter against."""

from __future__ import annotations

from ssl_models.baselines.transformer.config import EncoderConfig
from ssl_models.parts.framing import HOP, filter_macs


def encoder_frames(config: EncoderConfig, samples: int) -> int:
    """Number of frames of a clip with this many samples."""
    return samples // HOP // config.stack


def projection_macs(config: EncoderConfig, samples: int) -> int:
    """MACs of the projection of stacked frames."""
    return encoder_frames(config, samples) * config.mels * config.stack * config.width


def transformer_macs(config: EncoderConfig, samples: int) -> int:
    """MACs of positions and layers on one clip.

    Positions: (frames + 1) x d x d / groups x kernel, with an extra frame from an even kernel's padding. Per layer and
    frame: 4 d^2 for the projections, 2 T d for scores and mixing, 2 d h for the feed-forward layer.
    """
    c, frames = config, encoder_frames(config, samples)
    shifted = frames + 2 * (c.position_kernel // 2) - c.position_kernel + 1
    positions = shifted * c.width * (c.width // c.position_groups) * c.position_kernel
    return positions + c.layers * frames * (4 * c.width**2 + 2 * frames * c.width + 2 * c.width * c.hidden)


def encoder_macs(config: EncoderConfig, samples: int) -> int:
    """MACs of one clip's encoding: matrix products and convolutions, as torch's counter counts them; 1 MAC = 2 FLOPs."""
    return filter_macs(samples, config.mels) + projection_macs(config, samples) + transformer_macs(config, samples)


def step_macs(config: EncoderConfig, samples: int, outputs: int) -> int:
    """MACs of a training step without the targets: a head with this many outputs per frame, backward twice the forward.

    The mel filters are not differentiated, and the projection needs no gradient of its input.
    """
    head = encoder_frames(config, samples) * config.width * outputs
    front = filter_macs(samples, config.mels) + 2 * projection_macs(config, samples)
    return front + 3 * (transformer_macs(config, samples) + head)


def encoder_parameters(config: EncoderConfig) -> int:
    """Number of trainable values: projection, positions (with weight norm), each layer's matrices and norms, a final norm."""
    c = config
    positions = c.width * (c.width // c.position_groups) * c.position_kernel + c.position_kernel + c.width
    layer = 4 * (c.width**2 + c.width) + 2 * c.width * c.hidden + c.hidden + c.width + 4 * c.width
    return (c.mels * c.stack + 1) * c.width + positions + c.layers * layer + 2 * c.width
