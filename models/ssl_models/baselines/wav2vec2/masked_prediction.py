"""HuBERT's objective: predict the k-means unit of each hidden 20 ms frame (arXiv:2106.07447, section II)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ssl_models.baselines.wav2vec2.config import MELS, HubertObjectiveConfig, Wav2Vec2FamilyConfig
from ssl_models.baselines.wav2vec2.encoder import build_encoder
from ssl_models.baselines.wav2vec2.layer_targets import LayerQuantiser
from ssl_models.baselines.wav2vec2.mixing import mixed
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.framing import HOP
from ssl_models.parts.frontend import LogMel, known_lengths, silence_padding, valid_mask
from ssl_models.parts.masking import span_mask
from ssl_models.parts.objective import UnitObjective, feature_variance, hidden_cross_entropy
from ssl_models.parts.targets import KMeansQuantiser, label_entropy


class HubertPretraining(UnitObjective):
    """Encoder, target quantiser, projection and code vectors; implements `ssl_models.interface.Pretraining`.

    The loss is cross-entropy on hidden frames, from cosine similarities of projected frames and code vectors over a
    temperature, plus the penalty on the front end's output. The quantiser runs in the step, on the device.
    """

    def __init__(self, config: Wav2Vec2FamilyConfig, objective: HubertObjectiveConfig) -> None:
        super().__init__()
        self.config, self.objective = config, objective
        self.encoder = build_encoder(config.encoder)
        self.logmel = LogMel(MELS)
        self.quantiser = (
            LayerQuantiser(objective.clusters, objective.teacher, objective.target_layer)
            if objective.teacher
            else KMeansQuantiser(objective.clusters, MELS)
        )
        self.project = nn.Linear(config.encoder.width, objective.code_width)
        self.codes = nn.Parameter(torch.rand(objective.clusters, objective.code_width))

    def forward(self, waveforms: Tensor, lengths: Tensor | None, generator: torch.Generator) -> LossAndMetrics:
        """Loss over the hidden valid frames of `(B, T)` waveforms: mean cross-entropy in nats, and the penalty.

        Raises:
            ValueError: if a clip is shorter than one frame.
        """
        self.encoder.require_a_frame(waveforms)
        objective = self.objective
        waveforms = silence_padding(waveforms, lengths)
        with torch.no_grad():
            heard = mixed(waveforms, lengths, objective.mixing, generator)
        features = self.encoder.conv_features(heard)
        frames = features.shape[1]
        with torch.no_grad():
            labels = self.units(waveforms, lengths)[:, :frames]
            frame_lengths = None if lengths is None else self.encoder.frame_lengths(lengths)
            known = known_lengths(frame_lengths, features)
            hidden = span_mask(known, frames, objective.span_frames, objective.span_share, generator, overlap=True)
        penalty = features.float().square().mean()
        if objective.feature_gradient != 1 and features.requires_grad:
            features.register_hook(lambda gradient: gradient * objective.feature_gradient)
        output = self.encoder.contextual(features, hidden, frame_lengths)
        loss, hits = self.predict(output, labels, hidden)
        with torch.no_grad():
            valid = valid_mask(known, frames)
            metrics = {
                "masked_accuracy": hits,
                "feature_variance": feature_variance(output, frame_lengths),
                "target_entropy": label_entropy(labels, valid, objective.clusters),
            }
        return LossAndMetrics(loss + objective.feature_penalty * penalty, {**metrics, "prediction_loss": loss.detach()})

    def units(self, waveforms: Tensor, lengths: Tensor | None) -> Tensor:
        """The unit of each frame of `(B, T)` waveforms, `(B, frames or one more)` int64."""
        if isinstance(self.quantiser, LayerQuantiser):
            return self.quantiser(waveforms, lengths)
        return self.quantiser(self.logmel(waveforms), None if lengths is None else lengths // HOP)

    def predict(self, output: Tensor, labels: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy of hidden frames in nats, and the accuracy on their labels."""
        projected = F.normalize(self.project(output).float(), dim=-1)
        logits = projected @ F.normalize(self.codes.float(), dim=-1).T / self.objective.temperature
        return hidden_cross_entropy(logits, labels, hidden)
