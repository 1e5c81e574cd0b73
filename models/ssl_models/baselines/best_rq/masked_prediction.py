"""BEST-RQ's objective: predict the random codes of each hidden frame (arXiv:2202.01855, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ssl_models.baselines.best_rq.config import BestRqConfig
from ssl_models.baselines.transformer.encoder import TransformerEncoder
from ssl_models.baselines.transformer.masked_prediction import MaskedTransformer
from ssl_models.parts.objective import hidden_cross_entropy
from ssl_models.parts.random_projection import RandomProjectionQuantiser, codebook_entropy


class BestRqPretraining(MaskedTransformer):
    """Encoder, frozen random codebooks and a linear head for each; implements `ssl_models.interface.Pretraining`."""

    def __init__(self, config: BestRqConfig) -> None:
        super().__init__()
        encoder, objective = config.encoder, config.objective
        self.config = config
        self.encoder = TransformerEncoder(encoder)
        self.quantiser = RandomProjectionQuantiser(
            objective.codebooks, objective.entries, encoder.mels, encoder.stack, objective.seed
        )
        self.heads = nn.Linear(encoder.width, objective.codebooks * objective.entries)

    def hide(self, stacked: Tensor, hidden: Tensor, generator: torch.Generator) -> Tensor:
        """Replace hidden frames by noise."""
        noise = torch.randn(stacked.shape, generator=generator, device=stacked.device)
        return torch.where(hidden[..., None], noise * self.config.objective.noise, stacked)

    def predict(self, output: Tensor, labels: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy of the hidden frames' codes in nats, and the accuracy on them."""
        logits = self.heads(output).float().view(*labels.shape, -1)
        return hidden_cross_entropy(logits, labels, hidden)

    def target_metrics(self, labels: Tensor, valid: Tensor) -> dict[str, Tensor]:
        """Entropy in nats and perplexity of the codebooks' use."""
        entropy = codebook_entropy(labels, valid, self.config.objective.entries)
        return {"target_entropy": entropy, "codebook_perplexity": entropy.exp()}
