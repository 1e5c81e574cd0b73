"""MelHuBERT's multiply-accumulates on paper, to hold the counter against."""

from __future__ import annotations

from ssl_models.baselines.melhubert.config import MelHubertConfig
from ssl_models.baselines.transformer.closed_form import encoder_macs, encoder_parameters, step_macs
from ssl_models.parts.framing import HOP

__all__ = ["encoder_macs", "encoder_parameters", "training_macs"]


def training_macs(config: MelHubertConfig, samples: int) -> int:
    """MACs of one clip's training step: forward, backward, and the distances of every second log-mel frame to the centroids."""
    targets = samples // HOP // 2 * config.encoder.mels * config.objective.clusters
    return step_macs(config.encoder, samples, config.objective.clusters) + targets
