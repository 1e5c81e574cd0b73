"""Choice of the frames that are hidden from the encoder."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


def span_mask(
    lengths: Tensor, frames: int, span: int, share: float, generator: torch.Generator, *, overlap: bool = False
) -> Tensor:
    """Spans at random positions in each clip's valid frames, `(B, frames)` bool, True = masked.

    A clip of n frames gets round(n * share / span) spans (at least one if one fits), drawn uniformly from all
    placements: either without overlap (spans may touch, and cover `share`), or with distinct starts but possible
    overlap, as in wav2vec 2.0 and HuBERT (where they cover less). Shapes are constant and nothing is read back to the
    host.
    """
    device = lengths.device
    most = max(1, round(frames * share / span))
    spans = (lengths * share / span).round().long().clamp(min=1)
    if overlap:
        slots, apart = (lengths - span + 1).clamp(min=0), 0
        spans = torch.minimum(spans, slots)
    else:
        spans = torch.minimum(spans, lengths // span)
        # With each span reduced to one slot, disjoint spans are a draw of `spans` slots without replacement.
        slots, apart = lengths - spans * (span - 1), span - 1
    keys = torch.rand(len(lengths), frames, generator=generator, device=device)
    keys = keys.masked_fill(torch.arange(frames, device=device) >= slots[:, None], 1.0)  # above all drawn values
    order = torch.arange(most, device=device)
    drawn = keys.topk(min(most, frames), largest=False).indices
    # Draws beyond a clip's own number of spans are moved past the end.
    drawn = drawn.masked_fill(order[: drawn.shape[1]] >= spans[:, None], frames)
    starts = drawn.sort(dim=1).values + order[: drawn.shape[1]] * apart
    return _covered(starts.clamp(max=frames), frames, span)


class HiddenFrames(NamedTuple):
    """A fixed number of slots for each clip's hidden frames, so that shapes do not depend on the mask.

    Attributes:
        positions: frame of each slot, hidden frames in order first, `(B, slots)` int64.
        counts: hidden frames of each clip, `(B,)` int64; further slots are to be ignored.
        weight: 1 / the batch's number of hidden frames in used slots, 0 in others, `(B, slots)`.
    """

    positions: Tensor
    counts: Tensor
    weight: Tensor

    def of(self, frames: Tensor) -> Tensor:
        """The frames in the slots, `(B, slots, D)`, from `(B, frames, D)`."""
        return frames.gather(1, self.positions[..., None].expand(-1, -1, frames.shape[2]))


def hidden_frames(mask: Tensor, slots: int) -> HiddenFrames:
    """The hidden frames of a `(B, frames)` mask; `slots` is the most it can hide (`ssl_models.parts.framing.most_hidden`)."""
    positions = mask.to(torch.uint8).sort(dim=1, descending=True, stable=True).indices[:, :slots]
    counts = mask.sum(1)
    used = torch.arange(slots, device=mask.device) < counts[:, None]
    return HiddenFrames(positions, counts, used / counts.sum().clamp(min=1))


def _covered(starts: Tensor, frames: int, span: int) -> Tensor:
    """The frames in spans that begin at `starts` `(B, n)`; a start beyond the end covers none."""
    edges = torch.zeros(len(starts), frames + span + 1, dtype=torch.int32, device=starts.device)
    one = torch.ones_like(starts, dtype=torch.int32)
    edges.scatter_add_(1, starts, one)
    edges.scatter_add_(1, (starts + span).clamp(max=frames + span), -one)
    return edges.cumsum(1)[:, :frames] > 0
