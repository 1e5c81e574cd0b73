"""What tells in training whether features still carry anything."""

from __future__ import annotations

from torch import Tensor

from ssl_models.parts.frontend import valid_mask


def feature_variance(output: Tensor, frame_lengths: Tensor | None) -> Tensor:
    """Mean over channels of the variance over the valid frames of `(B, frames, D)`; near 0 = collapsed.

    In float32, with Bessel's correction. `frame_lengths` `(B,)` are valid frames (None: all); padding has no share in it.
    """
    frames = output.float().flatten(0, 1)
    if frame_lengths is None:
        return frames.var(0).mean()
    valid = valid_mask(frame_lengths, output.shape[1]).flatten()[:, None].float()
    count = valid.sum()
    residual = (frames - (frames * valid).sum(0) / count.clamp(min=1)) * valid
    return (residual.square().sum(0) / (count - 1).clamp(min=1)).mean()
