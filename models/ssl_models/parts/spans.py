"""How many frames hidden spans can cover, known from shapes alone."""

from __future__ import annotations


def most_hidden(frames: int, span: int, share: float) -> int:
    """Frames that spans of `span` frames and `share` in all hide at most: what they cover where none overlap."""
    return min(max(1, round(frames * share / span)) * span, frames)
