"""Frames and their products by hand, at 16 kHz; one second is 100 frames of 10 ms."""

from __future__ import annotations

import pytest

from ssl_models.parts.framing import (
    HOP,
    WINDOW,
    filter_macs,
    most_hidden,
    random_projection_macs,
    target_macs,
)


def test_frames_are_25_ms_every_10_ms() -> None:
    assert (WINDOW / 16_000, HOP / 16_000) == (0.025, 0.01)


def test_mel_filters_are_a_product_of_every_bin() -> None:
    """257 bins of 512 points, 80 channels, and 100 frames of a second; part of a frame is none."""
    assert filter_macs(16_000, 80) == 100 * 257 * 80
    assert filter_macs(16_159, 80) == filter_macs(16_000, 80)


def test_targets_are_13_cepstra_and_distances_in_39_dimensions_at_50_hz() -> None:
    assert target_macs(16_000, 80, 500) == 100 * 80 * 13 + 50 * 39 * 500


def test_random_codes_are_compared_in_16_dimensions() -> None:
    """25 label frames of four stacked frames; two codebooks of 8,192 entries."""
    assert random_projection_macs(16_000, 80, 4, 2, 8_192) == 25 * 2 * 16 * (320 + 8_192)


@pytest.mark.parametrize(
    ("frames", "span", "share", "most"),
    [(100, 10, 0.5, 50), (100, 10, 0.01, 10), (8, 10, 0.5, 8), (100, 12, 0.5, 48), (100, 10, 2.0, 100)],
)
def test_spans_hide_at_most_what_they_cover_apart(frames: int, span: int, share: float, most: int) -> None:
    assert most_hidden(frames, span, share) == most
