"""essL's objective: distinguish the teacher's code of a frame from its codes of other frames in the utterance."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ssl_models.baselines.essl.augmentation import add_noise, shifted, spec_augment
from ssl_models.baselines.essl.config import EsslConfig
from ssl_models.baselines.essl.convolutions import Predictor
from ssl_models.baselines.essl.encoder import EsslEncoder
from ssl_models.baselines.essl.teacher import Teacher, momentum
from ssl_models.baselines.essl.transformer import Layer
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.framing import HOP
from ssl_models.parts.frontend import known_lengths, silence_padding, valid_mask
from ssl_models.parts.objective import Objective, feature_variance


def negative_counts(lengths: Tensor, frames: int, negatives: int, generator: torch.Generator) -> Tensor:
    """How often each frame is drawn as a negative of each other, `(B, frames, frames)` float32.

    Row i of a clip of n frames contains `negatives` draws with replacement from its n - 1 frames other than i. Rows
    past the end, and clips of one frame, are meaningless.
    """
    own = torch.arange(frames, device=lengths.device)[:, None]
    lots = torch.rand(len(lengths), frames, negatives, generator=generator, device=lengths.device)
    others = (lengths - 1).clamp(min=1)[:, None, None]
    drawn = torch.minimum((lots * others).long(), others - 1)
    # Numbers from a frame's own on mean the next frame, so its own is never drawn.
    drawn = (drawn + (drawn >= own)).clamp(max=frames - 1)
    counts = torch.zeros(len(lengths), frames, frames, device=lengths.device)
    return counts.scatter_add_(2, drawn, torch.ones_like(lots))


def contrastive_loss(
    guesses: Tensor, targets: Tensor, counts: Tensor, lengths: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy in nats over valid frames, and the share whose own target is closer than the drawn negatives.

    Cosine similarities of predictions and targets `(B, frames, D)` over the temperature, in float32. All pairs are one
    matrix product; a negative drawn k times occurs k times in the softmax's sum, i.e. its logit is increased by log k.
    Clips of a single frame have nothing to distinguish and are left out.
    """
    with torch.autocast(guesses.device.type, enabled=False):
        scores = (
            F.normalize(guesses.float(), dim=-1) @ F.normalize(targets.float(), dim=-1).transpose(1, 2) / temperature
        )
        positives = scores.diagonal(dim1=1, dim2=2)
        drawn = counts + torch.eye(counts.shape[1], device=counts.device)
        each = torch.logsumexp(scores + drawn.log(), dim=-1) - positives
        weight = (valid_mask(lengths, scores.shape[1]) & (lengths > 1)[:, None]).float()
        weight = weight / weight.sum().clamp(min=1)
        with torch.no_grad():
            nearest = scores.masked_fill(counts == 0, -torch.inf).amax(-1)
            hits = ((positives > nearest) * weight).sum()
        return (each * weight).sum(), hits


class EsslPretraining(Objective):
    """Student, predictor and teacher; implements `ssl_models.interface.Pretraining`."""

    def __init__(self, config: EsslConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = EsslEncoder(config.encoder)
        self.head = nn.Linear(config.encoder.upper.width, config.objective.code_width)
        self.predictor = Predictor(
            config.objective.code_width, config.objective.predictor_kernels, config.encoder.dropout
        )
        self.teacher = Teacher(config)
        self.teacher.follow(self.encoder, self.head, kept=0.0)

    def after_step(self, progress: float) -> None:
        """Let the teacher follow the student."""
        self.teacher.follow(self.encoder, self.head, momentum(self.config.objective.momentum, progress))

    def compile(self, *args: object, **kwargs: object) -> None:
        """Compile the transformers' layers one by one, since it is decided outside which of them a step skips."""
        for module in self.modules():
            if isinstance(module, Layer):
                module.compile(*args, dynamic=False, **kwargs)

    def forward(self, waveforms: Tensor, lengths: Tensor | None, generator: torch.Generator) -> LossAndMetrics:
        """Loss over the valid frames of `(B, T)` waveforms.

        Raises:
            ValueError: if a clip is shorter than one frame.
        """
        self.encoder.require_a_frame(waveforms)
        settings = self.config.objective
        logmel_lengths = None if lengths is None else lengths // HOP
        frame_lengths = None if lengths is None else self.encoder.frame_lengths(lengths)
        with torch.no_grad():
            waveforms = silence_padding(waveforms, lengths)
            noisy = self.encoder.spectrum(add_noise(waveforms, lengths, settings, generator), lengths)
            noisy = spec_augment(noisy, logmel_lengths, settings, generator)
            clean = self.encoder.spectrum(waveforms, lengths)
        output = self.encoder.transform(noisy, logmel_lengths)[-1]
        guesses = self.predictor(self.head(output), frame_lengths)
        frames = output.shape[1]
        known = known_lengths(frame_lengths, output)
        with torch.no_grad():
            targets = self.targets(clean, logmel_lengths, frames, generator)
            counts = negative_counts(known, frames, settings.negatives, generator)
        loss, hits = contrastive_loss(guesses, targets, counts, known, settings.temperature)
        variance = feature_variance(output.detach(), frame_lengths)
        return LossAndMetrics(loss, {"contrastive_accuracy": hits, "feature_variance": variance})

    def targets(
        self, spectrum: Tensor, logmel_lengths: Tensor | None, frames: int, generator: torch.Generator
    ) -> Tensor:
        """The teacher's codes `(B, frames, code width)` of a clean spectrum, after a silence drawn anew for each clip."""
        most, unit = self.config.objective.most_shift, self.config.encoder.stride
        lots = torch.rand(len(spectrum), generator=generator, device=spectrum.device)
        shifts = (lots * (most + 1)).long().clamp(max=most)
        longer = None if logmel_lengths is None else logmel_lengths + most * unit
        codes = self.teacher(shifted(spectrum, shifts, unit, most), longer)
        index = shifts[:, None] + torch.arange(frames, device=spectrum.device)
        return codes.gather(1, index[..., None].expand(-1, -1, codes.shape[2]))
