"""BEST-RQ's objective: predict the random codes of each hidden frame (arXiv 2202.01855, section 3)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ssl_models.baselines.best_rq.config import BestRqConfig
from ssl_models.baselines.transformer.encoder import TransformerEncoder
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.framing import HOP
from ssl_models.parts.frontend import silence_padding, valid_mask
from ssl_models.parts.masking import span_mask
from ssl_models.parts.objective import Objective, feature_variance, hidden_cross_entropy
from ssl_models.parts.random_projection import RandomProjectionQuantiser, codebook_entropy


class BestRqPretraining(Objective):
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

    def forward(self, waveforms: Tensor, lengths: Tensor | None, generator: torch.Generator) -> LossAndMetrics:
        """Mean cross-entropy in nats per code over the hidden valid frames of `(B, T)` waveforms.

        Raises:
            ValueError: if a clip is shorter than one frame.
        """
        self.encoder.require_a_frame(waveforms)
        settings = self.config.objective
        with torch.no_grad():
            logmel = self.encoder.logmel(silence_padding(waveforms, lengths))
            stacked = self.encoder.stacked(logmel, lengths)
            labels = self.quantiser(logmel, None if lengths is None else lengths // HOP)
            batch, frames = stacked.shape[:2]
            frame_lengths = None if lengths is None else self.encoder.frame_lengths(lengths)
            known = torch.full((batch,), frames, device=stacked.device) if frame_lengths is None else frame_lengths
            hidden = span_mask(known, frames, settings.span_frames, settings.span_share, generator, overlap=True)
            noise = torch.randn(stacked.shape, generator=generator, device=stacked.device) * settings.noise
            seen = torch.where(hidden[..., None], noise, stacked)
        output = self.encoder.transform(seen, frame_lengths)[-1]
        loss, hits = self.predict(output, labels, hidden)
        with torch.no_grad():
            entropy = codebook_entropy(labels, valid_mask(known, frames), settings.entries)
            metrics = {
                "masked_accuracy": hits,
                "feature_variance": feature_variance(output, frame_lengths),
                "target_entropy": entropy,
                "codebook_perplexity": entropy.exp(),
            }
        return LossAndMetrics(loss, metrics)

    def predict(self, output: Tensor, labels: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy of the hidden frames' codes in nats, and the accuracy on them."""
        logits = self.heads(output).float().view(*labels.shape, -1)
        return hidden_cross_entropy(logits, labels, hidden)
