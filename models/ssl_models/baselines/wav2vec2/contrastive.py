"""wav2vec 2.0's objective: distinguish hidden frames' quantised features (arXiv:2006.11477, section 3)."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ssl_models.baselines.wav2vec2.config import Wav2Vec2FamilyConfig, Wav2Vec2ObjectiveConfig
from ssl_models.baselines.wav2vec2.encoder import build_encoder
from ssl_models.baselines.wav2vec2.quantiser import GumbelQuantiser, expected_use, gumbel_noise, hard_use, perplexities
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.framing import most_hidden
from ssl_models.parts.frontend import known_lengths, silence_padding, valid_mask
from ssl_models.parts.masking import HiddenFrames, hidden_frames, span_mask
from ssl_models.parts.objective import Objective, feature_variance


class Draws(NamedTuple):
    """All random draws of one step.

    Attributes:
        mask: hidden frames, `(B, frames)` bool.
        hidden: the same in slots.
        negatives: slots of each slot's negatives, `(B, slots, negatives)` int64.
        noise: noise for the quantiser's choice, `(B, slots, codebooks, entries)`; None outside training.
    """

    mask: Tensor
    hidden: HiddenFrames
    negatives: Tensor
    noise: Tensor | None


class ContrastivePretraining(Objective):
    """Encoder, quantiser and two projections; implements `ssl_models.interface.Pretraining`.

    The loss is the contrastive one over hidden frames, plus the weighted shortfall of the codebooks' perplexity and,
    if in the recipe, the penalty on the front end's output. Everything after the encoder is computed for a fixed
    number of slots, as many as the spans can hide.
    """

    steps: Tensor

    def __init__(self, config: Wav2Vec2FamilyConfig, objective: Wav2Vec2ObjectiveConfig) -> None:
        super().__init__()
        self.config, self.objective = config, objective
        self.encoder = build_encoder(config.encoder)
        self.drop = nn.Dropout(objective.target_dropout)
        self.quantiser = GumbelQuantiser(
            config.encoder.conv_widths[-1], objective.codebooks, objective.entries, objective.code_width
        )
        self.project_targets = nn.Linear(objective.code_width, objective.projected_width)
        self.project_output = nn.Linear(config.encoder.width, objective.projected_width)
        # Counted on the device, so that nothing waits for the temperature.
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @property
    def temperature(self) -> Tensor:
        """Temperature of the quantiser's Gumbel softmax, after the steps so far."""
        objective = self.objective
        falling = objective.gumbel_start * torch.exp(self.steps.float() * math.log(objective.gumbel_decay))
        return falling.clamp(min=objective.gumbel_end)

    def draw(self, frame_lengths: Tensor, frames: int, generator: torch.Generator) -> Draws:
        """All random draws of one step, for clips of `frame_lengths` `(B,)` out of `frames` frames."""
        objective = self.objective
        mask = span_mask(frame_lengths, frames, objective.span_frames, objective.span_share, generator, overlap=True)
        slots = most_hidden(frames, objective.span_frames, objective.span_share)
        hidden = hidden_frames(mask, slots)
        negatives = draw_negatives(hidden.counts, slots, objective.negatives, generator)
        shape = (len(mask), slots, objective.codebooks, objective.entries)
        return Draws(mask, hidden, negatives, gumbel_noise(shape, generator, mask.device) if self.training else None)

    def forward(self, waveforms: Tensor, lengths: Tensor | None, generator: torch.Generator) -> LossAndMetrics:
        """Loss over the hidden valid frames of `(B, T)` waveforms: mean cross-entropy in nats, and the other terms.

        Raises:
            ValueError: if a clip is shorter than one frame.
        """
        self.encoder.require_a_frame(waveforms)
        features = self.encoder.conv_features(silence_padding(waveforms, lengths), lengths)
        frames = features.shape[1]
        frame_lengths = None if lengths is None else self.encoder.frame_lengths(lengths)
        known = known_lengths(frame_lengths, features)
        with torch.no_grad():
            draws = self.draw(known, frames, generator)
        return self.compare(features, frame_lengths, draws)

    def compare(self, features: Tensor, frame_lengths: Tensor | None, draws: Draws) -> LossAndMetrics:
        """The loss for the front end's output `(B, frames, D)`, with all random draws given."""
        objective, (mask, hidden, negatives, noise) = self.objective, draws
        penalty = _mean_square(features, frame_lengths) if objective.feature_penalty else features.new_zeros(())
        if objective.feature_gradient != 1 and features.requires_grad:
            features.register_hook(lambda gradient: gradient * objective.feature_gradient)
        output = self.encoder.contextual(features, mask, frame_lengths)
        # The blocks' input before projection: the normed output of the front end.
        unhidden = self.encoder.model.feature_projection.layer_norm(hidden.of(features))
        targets = self.quantiser(self.drop(unhidden), noise, self.temperature)
        logits = contrastive_logits(
            self.project_output(hidden.of(output)), self.project_targets(targets.vectors), targets.codes, negatives,
            objective.temperature,
        )  # fmt: skip
        contrastive = ((logits.logsumexp(-1) - logits[..., 0]) * hidden.weight).sum()
        diversity = 1 - perplexities(expected_use(targets.logits, hidden.weight)).mean() / objective.entries
        loss = contrastive + objective.diversity_weight * diversity + objective.feature_penalty * penalty
        with torch.no_grad():
            metrics = {
                "contrastive_loss": contrastive.detach(),
                "diversity_loss": diversity.detach(),
                "contrastive_accuracy": (_correct(logits) * hidden.weight).sum(),
                "codebook_perplexity": perplexities(hard_use(targets.logits, hidden.weight)).mean(),
                "feature_variance": feature_variance(output, frame_lengths),
            }
        return LossAndMetrics(loss, metrics)

    def after_step(self, progress: float) -> None:  # noqa: ARG002 - the temperature depends on steps, not on the budget
        """Count the step, on which the quantiser's temperature depends."""
        self.steps += 1


def draw_negatives(counts: Tensor, slots: int, negatives: int, generator: torch.Generator) -> Tensor:
    """For each slot, `negatives` of its clip's other used slots, uniform with replacement; `(B, slots, negatives)`.

    `counts` `(B,)` are the numbers of used slots; draws for the others are meaningless.
    """
    draws = torch.rand(len(counts), slots, negatives, generator=generator, device=counts.device)
    others = (counts - 1).clamp(min=1)[:, None, None]
    found = torch.minimum((draws * others).long(), others - 1)
    # Skipping the slot itself keeps the draw uniform.
    return (found + (found >= torch.arange(slots, device=counts.device)[:, None])).clamp(max=slots - 1)


def contrastive_logits(output: Tensor, targets: Tensor, codes: Tensor, negatives: Tensor, temperature: float) -> Tensor:
    """Cosine similarities over the temperature, each slot's own target first, `(B, slots, 1 + negatives)` float32.

    All slots of a clip are compared in one product and the drawn ones selected, which is far less work than gathering
    vectors. A negative with the same codes as the slot's own target does not count: its logit is minus infinity.

    Shapes: output and targets `(B, slots, D)`, codes `(B, slots, codebooks)`, negatives `(B, slots, n)`.
    """
    with torch.autocast(output.device.type, enabled=False):
        similarity = F.normalize(output.float(), dim=-1) @ F.normalize(targets.float(), dim=-1).transpose(1, 2)
    logits = similarity / temperature
    alike = (codes[:, :, None] == codes[:, None]).all(-1).gather(2, negatives)
    others = logits.gather(2, negatives).masked_fill(alike, float("-inf"))
    return torch.cat([logits.diagonal(dim1=1, dim2=2)[..., None], others], dim=-1)


def _correct(logits: Tensor) -> Tensor:
    """True where a slot has negatives and its own target beats them all."""
    best = logits[..., 1:].amax(-1)
    return (logits[..., 0] > best) & best.isfinite()


def _mean_square(features: Tensor, frame_lengths: Tensor | None) -> Tensor:
    """Mean square over the valid frames of `(B, frames, D)`."""
    squares = features.float().square().mean(-1)
    if frame_lengths is None:
        return squares.mean()
    valid = valid_mask(frame_lengths, features.shape[1])
    return (squares * valid).sum() / valid.sum().clamp(min=1)
