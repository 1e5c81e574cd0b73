"""How the front ends cut speech into frames, in samples at 16 kHz, and what that costs on paper: matrix products, no FFT."""

WINDOW = 400
"""25 ms."""

HOP = 160
"""10 ms."""

FFT = 512
"""Points of the transform behind each frame."""

CEPSTRA = 13
"""Coefficients behind the targets."""

MFCC_WIDTH = 39
"""The same with their first and second deltas."""

CODE_WIDTH = 16
"""Dimensions in which random codes are compared (arXiv 2202.01855, section 4.1)."""


def most_hidden(frames: int, span: int, share: float) -> int:
    """Frames that spans of `span` frames and `share` in all hide at most: what they cover where none overlap."""
    return min(max(1, round(frames * share / span)) * span, frames)


def filter_macs(samples: int, mels: int) -> int:
    """The mel filters of a clip's log-mel spectrum."""
    return samples // HOP * (FFT // 2 + 1) * mels


def target_macs(samples: int, mels: int, clusters: int) -> int:
    """Cepstra of a log-mel spectrum and their distances to `clusters` centroids, one frame in two."""
    frames = samples // HOP
    return frames * mels * CEPSTRA + frames // 2 * MFCC_WIDTH * clusters


def random_projection_macs(samples: int, mels: int, stack: int, codebooks: int, entries: int) -> int:
    """Projections of stacked log-mel and their products with random codes, for each label frame and codebook."""
    return samples // HOP // stack * codebooks * CODE_WIDTH * (mels * stack + entries)
