"""Settings of BEST-RQ: C.-C. Chiu et al., arXiv:2202.01855; R. Whetten et al., arXiv:2405.04296, and SpeechBrain's recipe.

From the paper: log-mel at unit variance, 40 ms frames, spans of 400 ms that start at each 10 ms with probability 0.01,
hidden as normal noise of deviation 0.1. From SpeechBrain: AdamW at 8e-4, 25,000 of 300,000 steps of warm-up, 2 h of
audio per step. Our choices: a plain pre-norm transformer of wav2vec 2.0 base's size instead of a Conformer (the
paper's has 0.6 G parameters), joined frames instead of two convolutions, four codebooks of 2,048 instead of one of
8,192, a fixed number of spans on the grid of 40 ms, and linear decay of the learning rate. Also the closed form of
training's multiply-accumulates, to check the counter against.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ssl_models.baselines.transformer.closed_form import encoder_macs, encoder_parameters, step_macs
from ssl_models.baselines.transformer.config import EncoderConfig
from ssl_models.optimisation import OptimisationConfig
from ssl_models.parts.checks import require_positive
from ssl_models.parts.framing import random_projection_macs

__all__ = ["BEST_RQ", "BestRqConfig", "ObjectiveConfig", "encoder_macs", "encoder_parameters", "training_macs"]


@dataclass(frozen=True)
class ObjectiveConfig:
    """Masked prediction of random-projection codes.

    Attributes:
        codebooks, entries: number of frozen random codebooks, and of codes in each.
        seed: for projections and codes.
        span_frames, span_share: length of a hidden span; spans times length over frames (spans may overlap).
        noise: standard deviation of the noise that replaces hidden frames; speech has 1.
    """

    codebooks: int = 4
    entries: int = 2048
    seed: int = 0
    span_frames: int = 10
    span_share: float = 0.4
    noise: float = 0.1

    def __post_init__(self) -> None:
        require_positive(self, "codebooks", "entries", "span_frames")
        if not (0 < self.span_share <= 1 and self.noise >= 0):
            raise ValueError(f"span_share {self.span_share} must be in (0, 1], noise {self.noise} must be at least 0")

    @property
    def line(self) -> str:
        """The objective in one line."""
        return f"masked prediction of {self.codebooks} x {self.entries} random-projection codes"


@dataclass(frozen=True)
class BestRqConfig:
    """All settings of one model."""

    encoder: EncoderConfig
    objective: ObjectiveConfig = ObjectiveConfig()
    optimisation: OptimisationConfig = field(default_factory=OptimisationConfig)


# 64 frames of 40 ms: the 2.6 s of wav2vec 2.0's position convolution.
_BASE = EncoderConfig(mels=80, stack=4, position_kernel=64, pre_norm=True)
_OPTIMISATION = OptimisationConfig(8e-4, 7200, warmup=25 / 300, clip=10.0)

BEST_RQ = {
    # Our own, for CPUs and tests: 3/16 of each width; with 2,048 entries the heads would be half the encoder's size.
    "best-rq-tiny": BestRqConfig(
        replace(_BASE, width=144, layers=8, heads=3, hidden=576),
        ObjectiveConfig(entries=256),
        _OPTIMISATION.narrowed(768, 144),
    ),
    "best-rq-base": BestRqConfig(_BASE, optimisation=_OPTIMISATION),
}


def training_macs(config: BestRqConfig, samples: int) -> int:
    """MACs of one clip's training step: forward, backward, and the targets."""
    encoder, objective = config.encoder, config.objective
    heads = objective.codebooks * objective.entries
    targets = random_projection_macs(samples, encoder.mels, encoder.stack, objective.codebooks, objective.entries)
    return step_macs(encoder, samples, heads) + targets
