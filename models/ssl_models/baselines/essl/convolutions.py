"""The convolutions of essL: no bias, a norm over the channels of each frame, ReLU."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ssl_models.parts.frontend import valid_mask


class Convolution(nn.Module):
    """`(B, frames, width in)` to `(B, frames out, width)`: convolution, dropout, layer norm, ReLU.

    `padding` zeros are added on either side. With it, frames past the end must be zeros, which `forward` ensures.
    """

    def __init__(
        self, width_in: int, width: int, kernel: int, stride: int = 1, *, padding: int = 0, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(width_in, width, kernel, stride, padding, bias=False)
        nn.init.kaiming_normal_(self.convolution.weight)
        self.norm = nn.LayerNorm(width)
        self.dropout = dropout

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """`lengths` `(B,)` are valid frames of the input; unpadded convolutions need none."""
        x = self.convolution(silenced(x, lengths).transpose(1, 2)).transpose(1, 2)
        return F.relu(self.norm(F.dropout(x, self.dropout, self.training)))


class Predictor(nn.ModuleList):
    """The student's prediction of the teacher's code, `(B, frames, width)` to the same; with ReLU after the last layer too."""

    def __init__(self, width: int, kernels: Sequence[int], dropout: float) -> None:
        super().__init__(Convolution(width, width, kernel, padding=kernel // 2, dropout=dropout) for kernel in kernels)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """`lengths` `(B,)` are valid frames (None: all)."""
        for layer in self:
            x = layer(x, lengths)
        return x


def silenced(x: Tensor, lengths: Tensor | None) -> Tensor:
    """`(B, frames, D)` with zeros past each clip's end."""
    if lengths is None:
        return x
    return torch.where(valid_mask(lengths, x.shape[1])[..., None], x, 0.0)
