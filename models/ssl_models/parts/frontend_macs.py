"""Multiply-accumulates of front ends and targets on paper: matrix products only, no FFT."""

from __future__ import annotations

from ssl_models.parts.framing import CEPSTRA, CODE_WIDTH, FFT, HOP, MFCC_WIDTH


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
