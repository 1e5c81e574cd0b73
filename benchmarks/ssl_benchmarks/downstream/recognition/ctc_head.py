"""The head for fine-tuning essL's encoder: frames upsampled four times, convolutions, characters."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from ssl_models.baselines.essl.convolutions import Convolution, silenced


@dataclass(frozen=True)
class CtcHeadConfig:
    """Maps frames to characters in fine-tuning, where the whole model is trained.

    Attributes:
        upsampling: outputs per encoder frame (4 = 50 Hz).
        width, kernel, convolutions: of the layers after upsampling.
    """

    upsampling: int = 4
    width: int = 512
    kernel: int = 5
    convolutions: int = 2

    def __post_init__(self) -> None:
        if min(self.upsampling, self.width) < 1 or self.convolutions < 0 or self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError("upsampling and width must be at least 1, convolutions at least 0, kernel odd")


class CtcHead(nn.Module):
    """Encoder frames `(B, frames, width in)` to log-probabilities `(B, frames * upsampling, characters)`; 0 is the blank."""

    def __init__(
        self, width_in: int, characters: int, config: CtcHeadConfig | None = None, dropout: float = 0.1
    ) -> None:
        super().__init__()
        self.config = config = config or CtcHeadConfig()
        self.upsampling = nn.ConvTranspose1d(width_in, config.width, config.upsampling, config.upsampling)
        self.norm = nn.LayerNorm(config.width)
        self.convolutions = nn.ModuleList(
            Convolution(config.width, config.width, config.kernel, padding=config.kernel // 2, dropout=dropout)
            for _ in range(config.convolutions)
        )
        self.output = nn.Linear(config.width, characters)
        self.dropout = dropout

    def forward(self, features: Tensor, frame_lengths: Tensor | None = None) -> Tensor:
        """Apply the head; `frame_lengths` `(B,)` are valid encoder frames (None: all). Padding does not affect others."""
        x = self.upsampling(silenced(features, frame_lengths).transpose(1, 2)).transpose(1, 2)
        x = F.dropout(F.relu(self.norm(x)), self.dropout, self.training)
        lengths = None if frame_lengths is None else frame_lengths * self.config.upsampling
        for layer in self.convolutions:
            x = layer(x, lengths)
        return self.output(x).float().log_softmax(-1)
