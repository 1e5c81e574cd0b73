"""Masked prediction on the plain transformer: the training step shared by MelHuBERT and BEST-RQ."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ssl_models.baselines.transformer.encoder import TransformerEncoder
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.framing import HOP
from ssl_models.parts.frontend import known_lengths, silence_padding, valid_mask
from ssl_models.parts.masking import span_mask
from ssl_models.parts.objective import Objective, feature_variance


class MaskedTransformer(Objective):
    """Predicts the labels of hidden frames; subclasses define how frames are hidden, predicted and described."""

    encoder: TransformerEncoder
    quantiser: Any

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
            frames = stacked.shape[1]
            frame_lengths = None if lengths is None else self.encoder.frame_lengths(lengths)
            known = known_lengths(frame_lengths, stacked)
            hidden = span_mask(known, frames, settings.span_frames, settings.span_share, generator, overlap=True)
            seen = self.hide(stacked, hidden, generator)
        output = self.encoder.transform(seen, frame_lengths)[-1]
        loss, hits = self.predict(output, labels, hidden)
        with torch.no_grad():
            metrics = {"masked_accuracy": hits, "feature_variance": feature_variance(output, frame_lengths)}
            metrics |= self.target_metrics(labels, valid_mask(known, frames))
        return LossAndMetrics(loss, metrics)

    def hide(self, stacked: Tensor, hidden: Tensor, generator: torch.Generator) -> Tensor:
        """Stacked frames `(B, frames, D)` with those hidden where `hidden` `(B, frames)` is True."""
        raise NotImplementedError

    def predict(self, output: Tensor, labels: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy of hidden frames in nats, and the accuracy on their labels."""
        raise NotImplementedError

    def target_metrics(self, labels: Tensor, valid: Tensor) -> dict[str, Tensor]:
        """Metrics of the labels on frames where `valid` `(B, frames)` is True."""
        raise NotImplementedError
