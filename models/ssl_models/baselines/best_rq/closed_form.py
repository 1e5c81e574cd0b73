"""BEST-RQ's multiply-accumulates on paper, to hold the counter against."""

from __future__ import annotations

from ssl_models.baselines.best_rq.config import BestRqConfig
from ssl_models.baselines.transformer.closed_form import encoder_macs, encoder_parameters, step_macs
from ssl_models.parts.frontend_macs import random_projection_macs

__all__ = ["encoder_macs", "encoder_parameters", "training_macs"]


def training_macs(config: BestRqConfig, samples: int) -> int:
    """MACs of one clip's training step: forward, backward, and the targets."""
    encoder, objective = config.encoder, config.objective
    heads = objective.codebooks * objective.entries
    targets = random_projection_macs(samples, encoder.mels, encoder.stack, objective.codebooks, objective.entries)
    return step_macs(encoder, samples, heads) + targets
