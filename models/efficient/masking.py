"""Which frames are hidden from the encoder."""

from __future__ import annotations

import torch
from torch import Tensor


def span_mask(lengths: Tensor, frames: int, span: int, share: float, generator: torch.Generator) -> Tensor:
    """Disjoint spans at random places over `share` of each clip's valid frames, `(B, frames)` bool, True = masked.

    A clip of n frames gets round(n * share / span) spans (at least one where one fits), placed uniformly among all
    placements without overlap; spans may touch. Shapes are constant and nothing is read back to the host.
    """
    device = lengths.device
    most = max(1, round(frames * share / span))
    spans = (lengths * share / span).round().long().clamp(min=1)
    spans = torch.minimum(spans, lengths // span)
    # Shrunk to one slot each, disjoint spans are a draw of `spans` slots without replacement.
    slots = lengths - spans * (span - 1)
    keys = torch.rand(len(lengths), frames, generator=generator, device=device)
    keys = keys.masked_fill(torch.arange(frames, device=device) >= slots[:, None], 2.0)
    order = torch.arange(most, device=device)
    drawn = keys.topk(min(most, frames), largest=False).indices
    # Draws past a clip's own number of spans are parked beyond the end.
    drawn = drawn.masked_fill(order[: drawn.shape[1]] >= spans[:, None], frames)
    starts = drawn.sort(dim=1).values + order[: drawn.shape[1]] * (span - 1)
    edges = torch.zeros(len(lengths), frames + span + 1, dtype=torch.int32, device=device)
    starts = torch.where(starts < frames, starts, frames + 1)
    one = torch.ones_like(starts, dtype=torch.int32)
    edges.scatter_add_(1, starts, one)
    edges.scatter_add_(1, (starts + span).clamp(max=frames + span), -one)
    return edges.cumsum(1)[:, :frames] > 0
