"""Closed form of the efficient model's multiply-accumulates, to check the counter against."""

from __future__ import annotations

from ssl_models.efficient.config import EfficientConfig, EncoderConfig
from ssl_models.parts.framing import HOP, filter_macs, random_projection_macs, target_macs


def encoder_macs(config: EncoderConfig, samples: int) -> int:
    """MACs of one clip's encoding: matrix products only, as torch's counter counts them; 1 MAC = 2 FLOPs.

    Per block and frame, of which blocks in the middle may have half: 4 d^2 for the projections, 2 T d for scores and
    mixing, 3 d h for SwiGLU; before them the mel filters and the input projection. The FFT (about 2.5 % of the front
    end's filters) and elementwise work are left out.
    """
    frames = samples // HOP // config.stack
    front = filter_macs(samples, config.mels) + frames * config.mels * config.stack * config.width
    halves = (frames + 1) // 2
    fine = (config.blocks - config.halved) * frames * _per_frame(config, frames)
    return front + fine + config.halved * halves * _per_frame(config, halves)


def _per_frame(config: EncoderConfig, frames: int) -> int:
    """MACs of a block per frame."""
    return 4 * config.width**2 + 2 * frames * config.width + 3 * config.width * config.hidden


def training_macs(config: EfficientConfig, samples: int) -> int:
    """MACs of one clip's training step: forward, backward (twice the forward of trained parts), and the targets.

    The front end and the targets are not differentiated, and the input projection needs no gradient of its input.
    """
    encoder, objective = config.encoder, config.objective
    frames = samples // HOP // encoder.stack
    filters = filter_macs(samples, encoder.mels)
    projection = frames * encoder.mels * encoder.stack * encoder.width
    blocks = encoder_macs(encoder, samples) - filters - projection
    head = frames * encoder.width * objective.labels_per_frame * objective.codebooks * objective.clusters
    if objective.targets == "k-means":
        targets = target_macs(samples, encoder.mels, objective.clusters)
    else:
        targets = random_projection_macs(samples, encoder.mels, 2, objective.codebooks, objective.clusters)
    heads = 2 if objective.middle_weight else 1
    return filters + targets + 2 * projection + 3 * (blocks + heads * head)


def encoder_parameters(config: EncoderConfig) -> int:
    """Number of trainable values: the input projection, each block's matrices and norms, the last norm."""
    width, head = config.width, config.width // config.heads
    block = 4 * width**2 + 3 * width * config.hidden + 2 * width + 2 * head
    return config.mels * config.stack * width + config.blocks * block + width
