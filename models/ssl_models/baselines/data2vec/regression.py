"""data2vec's objective: regress, for hidden frames, the top layers of a teacher that sees all (arXiv:2202.03555)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ssl_models.baselines.data2vec.config import Data2VecConfig
from ssl_models.baselines.data2vec.encoder import build_encoder
from ssl_models.baselines.data2vec.teacher import Teacher
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.framing import most_hidden
from ssl_models.parts.frontend import known_lengths, silence_padding, valid_mask
from ssl_models.parts.masking import hidden_frames, span_mask
from ssl_models.parts.objective import Objective, feature_variance


class Data2VecPretraining(Objective):
    """Student, teacher and prediction head; implements `ssl_models.interface.Pretraining`.

    The loss is the mean squared error over the channels of hidden frames. fairseq sums over channels and divides by
    the root of their number, a factor to which Adam is invariant.
    """

    def __init__(self, config: Data2VecConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = build_encoder(config.encoder)
        self.teacher = Teacher(self.encoder.model.encoder)
        self.predict = nn.Linear(config.encoder.width, config.encoder.width)

    def forward(self, waveforms: Tensor, lengths: Tensor | None, generator: torch.Generator) -> LossAndMetrics:
        """Loss over the hidden valid frames of `(B, T)` waveforms.

        The metric `target_variance` is the loss of predicting the mean of every channel, which is zero.

        Raises:
            ValueError: if a clip is shorter than one frame.
        """
        self.encoder.require_a_frame(waveforms)
        objective = self.config.objective
        features = self.encoder.conv_features(silence_padding(waveforms, lengths), lengths)
        frames = features.shape[1]
        frame_lengths = None if lengths is None else self.encoder.frame_lengths(lengths)
        known = known_lengths(frame_lengths, features)
        with torch.no_grad():
            mask = span_mask(known, frames, objective.span_frames, objective.span_share, generator, overlap=True)
            hidden = hidden_frames(mask, most_hidden(frames, objective.span_frames, objective.span_share))
        projected = self.encoder.model.feature_projection(features)[0]
        targets = hidden.of(self.targets(projected, frame_lengths))
        output = self.student(projected, mask, frame_lengths)
        errors = (self.predict(hidden.of(output)).float() - targets).square().mean(-1)
        with torch.no_grad():
            metrics = {
                "feature_variance": feature_variance(output, frame_lengths),
                "target_variance": (targets.square().mean(-1) * hidden.weight).sum(),
            }
        return LossAndMetrics((errors * hidden.weight).sum(), metrics)

    def student(self, projected: Tensor, mask: Tensor, frame_lengths: Tensor | None) -> Tensor:
        """The last layer over projected frames `(B, frames, width)`, with those under `mask` hidden."""
        model = self.encoder.model
        seen = torch.where(mask[..., None], model.masked_spec_embed.to(projected.dtype), projected)
        valid = None if frame_lengths is None else valid_mask(frame_lengths, projected.shape[1])
        return model.encoder(seen, attention_mask=valid)[0]

    @torch.no_grad()
    def targets(self, projected: Tensor, frame_lengths: Tensor | None) -> Tensor:
        """The teacher's targets `(B, frames, width)` for projected frames, none of which are hidden."""
        if frame_lengths is not None:
            projected = torch.where(valid_mask(frame_lengths, projected.shape[1])[..., None], projected, 0.0)
        positioned = projected + self.encoder.model.encoder.pos_conv_embed(projected)
        return self.teacher(positioned, frame_lengths, self.config.objective.top_layers)

    def after_step(self, progress: float) -> None:
        """Let the teacher follow the student."""
        self.teacher.follow(self.encoder.model.encoder, self.config.objective.kept(progress))
