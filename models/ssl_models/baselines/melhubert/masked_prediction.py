"""MelHuBERT's objective: predict the k-means unit of each hidden 20 ms frame (arXiv:2211.09944, section 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ssl_models.baselines.melhubert.config import MelHubertConfig
from ssl_models.baselines.transformer.encoder import TransformerEncoder
from ssl_models.baselines.transformer.masked_prediction import MaskedTransformer
from ssl_models.parts.objective import UnitObjective, hidden_cross_entropy
from ssl_models.parts.targets import LogMelQuantiser, label_entropy


class MelHubertPretraining(MaskedTransformer, UnitObjective):
    """Encoder, target quantiser and linear head; implements `ssl_models.interface.Pretraining`."""

    def __init__(self, config: MelHubertConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = TransformerEncoder(config.encoder)
        self.quantiser = LogMelQuantiser(config.objective.clusters, config.encoder.mels)
        self.head = nn.Linear(config.encoder.width, config.objective.clusters)

    def hide(self, stacked: Tensor, hidden: Tensor, generator: torch.Generator) -> Tensor:  # noqa: ARG002
        """Set hidden frames to zero."""
        return stacked.masked_fill(hidden[..., None], 0.0)

    def predict(self, output: Tensor, labels: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy of hidden frames in nats, and the accuracy on their labels."""
        return hidden_cross_entropy(self.head(output).float(), labels, hidden)

    def target_metrics(self, labels: Tensor, valid: Tensor) -> dict[str, Tensor]:
        """Entropy in nats of the units' use."""
        return {"target_entropy": label_entropy(labels, valid, self.config.objective.clusters)}
