"""How the front ends split speech into frames, in samples at 16 kHz, and the MACs of that (matrix products, no FFT)."""

WINDOW = 400
"""25 ms."""

HOP = 160
"""10 ms."""

FFT = 512
"""Points of the FFT of each frame."""

CEPSTRA = 13
"""Cepstral coefficients of the targets."""

MFCC_WIDTH = 39
"""The same with first and second deltas."""

CODE_WIDTH = 16
"""Dimensions in which random codes are compared (arXiv:2202.01855, section 4.1)."""


def most_hidden(frames: int, span: int, share: float) -> int:
    """The most frames that spans of `span` frames and `share` in total can hide: those covered without overlap."""
    return min(max(1, round(frames * share / span)) * span, frames)


def filter_macs(samples: int, mels: int) -> int:
    """MACs of the mel filters of a clip's log-mel spectrum."""
    return samples // HOP * (FFT // 2 + 1) * mels


def target_macs(samples: int, mels: int, clusters: int) -> int:
    """MACs of the cepstra of a log-mel spectrum and their distances to `clusters` centroids, for every second frame."""
    frames = samples // HOP
    return frames * mels * CEPSTRA + frames // 2 * MFCC_WIDTH * clusters


def random_projection_macs(samples: int, mels: int, stack: int, codebooks: int, entries: int) -> int:
    """MACs of projecting stacked log-mel and comparing it with random codes, for each label frame and codebook."""
    return samples // HOP // stack * codebooks * CODE_WIDTH * (mels * stack + entries)
