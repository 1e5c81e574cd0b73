"""The shape of a plain transformer over stacked log-mel frames."""

from __future__ import annotations

from dataclasses import dataclass

from ssl_models.parts.checks import require_positive, require_shares
from ssl_models.parts.framing import HOP


@dataclass(frozen=True)
class EncoderConfig:
    """The encoder's shape.

    Attributes:
        mels: log-mel channels.
        stack: 10 ms frames joined into one encoder frame.
        width, layers, heads, hidden: sizes of the transformer.
        position_kernel, position_groups: of the convolution that encodes positions.
        pre_norm: whether norms come before attention and feed-forward layer.
        dropout: dropout of values and of attention weights in training.
    """

    mels: int
    stack: int
    width: int = 768
    layers: int = 12
    heads: int = 12
    hidden: int = 3072
    position_kernel: int = 128
    position_groups: int = 16
    pre_norm: bool = False
    dropout: float = 0.1

    def __post_init__(self) -> None:
        require_positive(
            self, "mels", "stack", "width", "layers", "heads", "hidden", "position_kernel", "position_groups"
        )
        if self.width % self.heads or self.width % self.position_groups:
            raise ValueError(
                f"width {self.width} must split into {self.heads} heads and {self.position_groups} position_groups"
            )
        require_shares(self, "dropout")

    @property
    def line(self) -> str:
        """The shape in one line."""
        norm = "pre" if self.pre_norm else "post"
        return f"log-mel x{self.stack}, {self.layers} {norm}-norm layers, width {self.width}, {self.heads} heads"

    @property
    def frame_rate(self) -> float:
        """Encoder frames per second."""
        return 16_000 / self.samples_per_frame

    @property
    def samples_per_frame(self) -> int:
        """Audio samples behind one encoder frame."""
        return HOP * self.stack
