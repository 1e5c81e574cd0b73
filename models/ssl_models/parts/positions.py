"""Positions from a convolution, as in wav2vec 2.0."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm


class PositionConvolution(nn.Module):
    """Adds to each frame a grouped convolution of its neighbours, `(B, frames, width)` to the same (arXiv:2006.11477)."""

    def __init__(self, width: int, kernel: int, groups: int) -> None:
        super().__init__()
        convolution = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=groups)
        nn.init.normal_(convolution.weight, std=(4 / (kernel * width)) ** 0.5)
        if convolution.bias is not None:
            nn.init.zeros_(convolution.bias)
        self.convolution = weight_norm(convolution, dim=2)

    def forward(self, x: Tensor) -> Tensor:
        """Frames past the end must be zeros; the extra frame of an even kernel is cut off."""
        around = self.convolution(x.transpose(1, 2))[..., : x.shape[1]]
        return x + F.gelu(around).transpose(1, 2)
