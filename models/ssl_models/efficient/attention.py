"""Multi-head self-attention with rotary positions and query-key norm, and the norm itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ssl_models.efficient.recomputed import linear_after

ROTARY_BASE = 200.0
"""For clips of a few hundred frames: with language models' 10,000, half of the angles would hardly turn within a clip, and
the model takes longer to learn that hidden frames resemble their neighbours (loss 4.16 instead of 4.22 after 200
steps)."""

SHARPNESS = 2.0
"""Initial query gain: scores of unit queries and keys vary too little to single out neighbours (loss 4.08 instead of 4.16)."""


def rotary_angles(frames: int, head_width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines `(frames, head_width / 2)` of Su et al., arXiv:2104.09864."""
    half = torch.arange(head_width // 2, device=device, dtype=torch.float32)
    rate = ROTARY_BASE ** (-2.0 * half / head_width)
    angle = torch.arange(frames, device=device, dtype=torch.float32)[:, None] * rate
    return angle.cos(), angle.sin()


EPSILON = 1e-6


def rms_norm(x: Tensor, gain: Tensor) -> Tensor:
    """Zhang and Sennrich, arXiv:1910.07467, over the last dimension, with a learned gain; `(..., width)` to the same.

    Under bfloat16 the gain is cast down: torch has no fused kernel for input and gain of different types.
    """
    return F.rms_norm(x, gain.shape, gain.to(x.dtype), EPSILON)


class RMSNorm(nn.RMSNorm):
    """`rms_norm` with a gain of its own, `(..., width)` to the same."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Divide by the root mean square, multiply by the gain."""
        return rms_norm(x, self.weight)


class SelfAttention(nn.Module):
    """`(B, frames, width)` to the same shape; no biases."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.query_norm = RMSNorm(width // heads)
        nn.init.constant_(self.query_norm.weight, SHARPNESS)
        self.key_norm = RMSNorm(width // heads)
        self.output = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, gain: Tensor, cos: Tensor, sin: Tensor, attend: Tensor | None) -> Tensor:
        """Norm with a gain, then attend over frames; `attend` is `(B, 1, 1, frames)`, True for frames that may be attended to, None for all."""
        qkv = linear_after(rms_norm, self.qkv.weight, x, gain)
        return linear_after(
            attended, self.output.weight, qkv, self.query_norm.weight, self.key_norm.weight, cos, sin, attend
        )


def attended(  # noqa: PLR0917 - tensors by place, as autograd's functions take them
    qkv: Tensor, query_gain: Tensor, key_gain: Tensor, cos: Tensor, sin: Tensor, attend: Tensor | None
) -> Tensor:
    """Attention of queries, keys and values `(B, frames, 3 * width)`, with gains of one head's width; `(B, frames, width)`."""
    batch, frames, width = qkv.shape
    parts = qkv.view(batch, frames, 3, -1, len(query_gain)).permute(2, 0, 3, 1, 4)
    query, key = turned(parts[:2], torch.stack([query_gain, key_gain]), cos, sin)
    mixed = F.scaled_dot_product_attention(query, key, parts[2], attn_mask=attend)
    return mixed.transpose(1, 2).reshape(batch, frames, width // 3)


def turned(x: Tensor, gains: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Queries and keys `(2, B, heads, frames, head_width)`, normed with their `gains` `(2, head_width)` and rotated.

    Each pair (i, i + half) of the head width turns by its frame's angle. Gains are multiplied into the angles' small
    tables, so that the large tensors are passed over once for the norm and twice for the rotation.
    """
    half = gains.shape[1] // 2
    gains = gains.float()[:, None, None, None]
    along = (torch.cat([cos, cos], dim=-1) * gains).to(x.dtype)
    across = (torch.cat([-sin, sin], dim=-1) * gains.roll(half, -1)).to(x.dtype)
    normed = F.rms_norm(x, (2 * half,), None, EPSILON)
    return torch.addcmul(normed * along, normed.roll(half, -1), across)
