"""The efficient model's objective: predict the cluster, or the random codes, of each masked frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ssl_models.efficient.config import EfficientConfig
from ssl_models.efficient.encoder import EfficientEncoder
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.framing import HOP
from ssl_models.parts.frontend import known_lengths, silence_padding, stacked_frames, valid_mask
from ssl_models.parts.masking import span_mask
from ssl_models.parts.objective import UnitObjective, feature_variance, hidden_cross_entropy
from ssl_models.parts.random_projection import RandomProjectionQuantiser, codebook_entropy
from ssl_models.parts.targets import KMeansQuantiser


class MaskedPrediction(UnitObjective):
    """Encoder, mask vector, target quantiser and prediction head; implements `ssl_models.interface.Pretraining`."""

    def __init__(self, config: EfficientConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = EfficientEncoder(config.encoder)
        settings = config.objective
        self.quantiser = (
            KMeansQuantiser(settings.clusters, config.encoder.mels)
            if settings.targets == "k-means"
            else RandomProjectionQuantiser(settings.codebooks, settings.clusters, config.encoder.mels)
        )
        self.mask_vector = nn.Parameter(torch.randn(config.encoder.width) * 0.1)
        labels = settings.labels_per_frame * settings.codebooks * settings.clusters
        self.head = nn.Linear(config.encoder.width, labels, bias=False)
        nn.init.normal_(self.head.weight, std=0.02)
        self._predict = self.predict

    def compile(self, *args: object, **kwargs: object) -> None:
        """Compile the differentiated part; the front end's complex spectrum is excluded, since compilers fail on it."""
        self._predict = torch.compile(self.predict, *args, dynamic=False, **kwargs)  # type: ignore[call-overload]

    def forward(self, waveforms: Tensor, lengths: Tensor | None, generator: torch.Generator) -> LossAndMetrics:
        """Mean cross-entropy in nats per label for `(B, T)` waveforms, with masked and visible valid frames weighted.

        Raises:
            ValueError: if a clip is shorter than one frame.
        """
        self.encoder.require_a_frame(waveforms)
        settings = self.config.objective
        with torch.no_grad():
            logmel = self.encoder.logmel(silence_padding(waveforms, lengths))
            stacked = stacked_frames(logmel, lengths, self.config.encoder.stack)
            labels = self.quantiser(logmel, None if lengths is None else lengths // HOP)
            batch, frames = stacked.shape[:2]
            labels = labels[:, : frames * settings.labels_per_frame].reshape(batch, frames, -1)
            frame_lengths = None if lengths is None else self.encoder.frame_lengths(lengths)
            known = known_lengths(frame_lengths, stacked)
            mask = span_mask(known, frames, settings.span_frames, settings.masked_share, generator)
        loss, hits, variance = self._predict(stacked, labels, mask, frame_lengths)
        with torch.no_grad():
            valid = valid_mask(known, frames).repeat_interleave(settings.labels_per_frame, dim=1)
            entropy = codebook_entropy(labels.view(*valid.shape, settings.codebooks), valid, settings.clusters)
            metrics = {"masked_accuracy": hits, "feature_variance": variance, "target_entropy": entropy}
        return LossAndMetrics(loss, metrics)

    def predict(
        self, stacked: Tensor, labels: Tensor, mask: Tensor, frame_lengths: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Loss at masked and visible frames, accuracy on masked labels, and variance of the output.

        The variance is that of the channels over valid frames; near 0, the output has collapsed.
        """
        projected = self.encoder.project(stacked)
        projected = torch.where(mask[..., None], self.mask_vector.to(projected.dtype), projected)
        blocks, weight = self.config.encoder.blocks, self.config.objective.middle_weight
        layers = self.encoder.transform(projected, frame_lengths, {blocks, blocks // 2} if weight else {blocks})
        visible = ~mask if frame_lengths is None else valid_mask(frame_lengths, mask.shape[1]) & ~mask
        loss, hits = self._loss(layers[-1], labels, mask, visible)
        if weight:
            middle = self.encoder.final_norm(layers[0])
            loss = loss + weight * self._loss(middle, labels, mask, visible)[0]
        with torch.no_grad():
            variance = feature_variance(layers[-1], frame_lengths)
        return loss, hits, variance

    def _loss(self, output: Tensor, labels: Tensor, mask: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
        """Loss of a layer at masked and visible frames, and accuracy on masked labels."""
        logits = self.head(output).float().view(*labels.shape, -1)
        loss, hits = hidden_cross_entropy(logits, labels, mask)
        weight = self.config.objective.masked_weight
        if weight < 1:
            loss = weight * loss + (1 - weight) * hidden_cross_entropy(logits, labels, visible)[0]
        return loss, hits
