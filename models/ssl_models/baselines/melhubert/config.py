"""Settings of MelHuBERT: T.-Q. Lin, H.-Y. Lee, H. Tang, arXiv:2211.09944, and its public settings for 20 ms frames.

40 log-mel channels at 10 ms joined in pairs, the transformer of HuBERT base on a linear projection, dropout 0.1
everywhere, no LayerDrop; 512 units; spans of 5 frames over 0.7 of the frames (they may overlap), hidden as zeros
before the projection; Adam at a constant 1e-4, (0.9, 0.999), no weight decay, gradients clipped at 10, 32 crops of 15
s per step, 200 epochs of 360 h. Our choice: log-mel is normalised over the clip instead of the corpus. Also the closed
form of training's multiply-accumulates, to check the counter against.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ssl_models.baselines.transformer.closed_form import encoder_macs, encoder_parameters, step_macs
from ssl_models.baselines.transformer.config import EncoderConfig
from ssl_models.optimisation import OptimisationConfig
from ssl_models.parts.checks import require_positive
from ssl_models.parts.framing import HOP

__all__ = ["MELHUBERT", "MelHubertConfig", "ObjectiveConfig", "encoder_macs", "encoder_parameters", "training_macs"]


@dataclass(frozen=True)
class ObjectiveConfig:
    """Masked prediction of k-means units of log-mel frames.

    Attributes:
        clusters: size of the codebook.
        span_frames, span_share: length of a hidden span; spans times length over frames (spans may overlap).
        fit_hours: most hours of training speech used for k-means.
    """

    clusters: int = 512
    span_frames: int = 5
    span_share: float = 0.7
    fit_hours: float = 1.0

    def __post_init__(self) -> None:
        require_positive(self, "clusters", "span_frames")
        if not (0 < self.span_share <= 1 and self.fit_hours > 0):
            raise ValueError(f"span_share {self.span_share} must be in (0, 1], fit_hours {self.fit_hours} above 0")

    @property
    def line(self) -> str:
        """The objective in one line."""
        return f"masked prediction of {self.clusters} k-means units of log-mel"


@dataclass(frozen=True)
class MelHubertConfig:
    """All settings of one model.

    Raises:
        ValueError: if frames are not 20 ms long, as the units are.
    """

    encoder: EncoderConfig
    objective: ObjectiveConfig = ObjectiveConfig()
    optimisation: OptimisationConfig = field(default_factory=OptimisationConfig)

    def __post_init__(self) -> None:
        if self.encoder.stack != 2:
            raise ValueError(f"stack {self.encoder.stack} must be 2: one unit for each 20 ms")


_OPTIMISATION = OptimisationConfig(
    1e-4, 32 * 15, warmup=0.0, betas=(0.9, 0.999), weight_decay=0.0, clip=10.0, schedule="tri-stage", final=1.0
)

MELHUBERT = {
    # Our own, for CPUs and tests: 3/16 of each width, 2/3 of the layers.
    "melhubert-tiny": MelHubertConfig(
        EncoderConfig(mels=40, stack=2, width=144, layers=8, heads=3, hidden=576),
        ObjectiveConfig(clusters=100),
        _OPTIMISATION.narrowed(768, 144),
    ),
    "melhubert-base": MelHubertConfig(EncoderConfig(mels=40, stack=2), optimisation=_OPTIMISATION),
}


def training_macs(config: MelHubertConfig, samples: int) -> int:
    """MACs of one clip's training step: forward, backward, and every second log-mel frame's distances to the centroids."""
    targets = samples // HOP // 2 * config.encoder.mels * config.objective.clusters
    return step_macs(config.encoder, samples, config.objective.clusters) + targets
