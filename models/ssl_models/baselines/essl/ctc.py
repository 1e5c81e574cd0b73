"""What fine-tuning puts on essL's encoder: frames taken four times as often, convolutions, characters, CTC."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ssl_models.baselines.essl.config import CtcHeadConfig
from ssl_models.baselines.essl.convolutions import Convolution, silenced

BLANK = 0


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
        """`frame_lengths` `(B,)` are valid encoder frames (None: all); padding is silent to its neighbours."""
        x = self.upsampling(silenced(features, frame_lengths).transpose(1, 2)).transpose(1, 2)
        x = F.dropout(F.relu(self.norm(x)), self.dropout, self.training)
        lengths = None if frame_lengths is None else frame_lengths * self.config.upsampling
        for layer in self.convolutions:
            x = layer(x, lengths)
        return self.output(x).float().log_softmax(-1)

    def loss(self, features: Tensor, frame_lengths: Tensor, characters: Tensor, counts: Tensor) -> Tensor:
        """CTC loss in nats per character (A. Graves et al., 2006).

        Shapes: features `(B, frames, width in)`, frame_lengths `(B,)`, characters `(B, most)` from 1 on, of which each
        clip's first `counts` `(B,)` are its own. A text too long for its outputs, where CTC needs one for each character
        and a blank between equal ones, is left out of the mean; where no text fits, that is no number.
        """
        log_probabilities = self(features, frame_lengths).transpose(0, 1)
        outputs = frame_lengths * self.config.upsampling
        own = torch.arange(1, characters.shape[1], device=counts.device) < counts[:, None]
        repeats = ((characters[:, 1:] == characters[:, :-1]) & own).sum(1)
        fits = outputs >= counts + repeats
        each = F.ctc_loss(log_probabilities, characters, outputs, counts, BLANK, "none", zero_infinity=True)
        return each[fits].sum() / counts[fits].sum()
