"""Root-mean-square norm that runs fused in the precision of its input."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class RMSNorm(nn.RMSNorm):
    """Zhang and Sennrich, arXiv 1910.07467, over the last dimension, with a learned gain; `(..., width)` to the same.

    Under bfloat16 the gain is cast down: torch has no fused kernel for input and gain of two kinds.
    """

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        """Divide by the root mean square, multiply by the gain."""
        return F.rms_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.eps)
