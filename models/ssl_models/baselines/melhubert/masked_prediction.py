"""MelHuBERT's objective: predict the k-means unit of each hidden 20 ms frame (arXiv 2211.09944, section 2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ssl_models.baselines.melhubert.config import MelHubertConfig
from ssl_models.baselines.transformer.encoder import TransformerEncoder
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.framing import HOP
from ssl_models.parts.frontend import silence_padding, valid_mask
from ssl_models.parts.masking import span_mask
from ssl_models.parts.objective import UnitObjective, feature_variance, hidden_cross_entropy
from ssl_models.parts.targets import LogMelQuantiser, label_entropy


class MelHubertPretraining(UnitObjective):
    """Encoder, target quantiser and linear head; implements `ssl_models.interface.Pretraining`."""

    def __init__(self, config: MelHubertConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = TransformerEncoder(config.encoder)
        self.quantiser = LogMelQuantiser(config.objective.clusters, config.encoder.mels)
        self.head = nn.Linear(config.encoder.width, config.objective.clusters)

    def forward(self, waveforms: Tensor, lengths: Tensor | None, generator: torch.Generator) -> LossAndMetrics:
        """Mean cross-entropy in nats over the hidden valid frames of `(B, T)` waveforms.

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
        output = self.encoder.transform(stacked.masked_fill(hidden[..., None], 0.0), frame_lengths)[-1]
        loss, hits = self.predict(output, labels, hidden)
        with torch.no_grad():
            metrics = {
                "masked_accuracy": hits,
                "feature_variance": feature_variance(output, frame_lengths),
                "target_entropy": label_entropy(labels, valid_mask(known, frames), settings.clusters),
            }
        return LossAndMetrics(loss, metrics)

    def predict(self, output: Tensor, labels: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy of hidden frames in nats, and the accuracy on their labels."""
        logits = self.head(output).float()
        return hidden_cross_entropy(logits, labels, hidden)
