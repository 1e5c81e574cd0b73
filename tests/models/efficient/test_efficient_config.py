"""Sizes and the learning-rate schedule, against the table of the plan and numbers worked by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssl_models.efficient.config import EFFICIENT, EncoderConfig, ObjectiveConfig
from ssl_models.efficient.encoder import EfficientEncoder
from ssl_models.interface import Encoder
from ssl_models.optimisation import OptimisationConfig


@pytest.mark.parametrize(
    ("name", "millions", "width", "blocks", "heads", "hidden", "clusters"),
    [
        ("efficient-tiny", 2.0, 144, 8, 3, 384, 100),
        ("efficient-small", 28.4, 384, 16, 6, 1024, 500),
        ("efficient-base", 57.8, 512, 18, 8, 1408, 500),
    ],
)
def test_sizes_are_those_of_the_table(
    name: str, millions: float, width: int, blocks: int, heads: int, hidden: int, clusters: int
) -> None:
    config = EFFICIENT[name]
    e = config.encoder
    assert (e.width, e.blocks, e.heads, e.hidden, e.mels, e.stack) == (width, blocks, heads, hidden, 80, 4)
    assert (config.objective.clusters, config.objective.labels_per_frame) == (clusters, 2)
    with torch.device("meta"):
        encoder = EfficientEncoder(e)
    assert isinstance(encoder, Encoder)
    assert sum(p.numel() for p in encoder.parameters()) == pytest.approx(millions * 1e6, rel=0.05)


def test_a_frame_is_40_milliseconds() -> None:
    e = EFFICIENT["efficient-base"].encoder
    assert (e.frame_rate, e.samples_per_frame) == (25.0, 640)


@pytest.mark.parametrize(("width", "heads"), [(10, 3), (9, 3)])
def test_heads_must_split_the_width_evenly(width: int, heads: int) -> None:
    with pytest.raises(ValueError, match="heads"):
        EncoderConfig(width, 1, heads, 8)


@pytest.mark.parametrize(
    "build",
    [
        lambda: EncoderConfig(8, 1, 0, 8),
        lambda: EncoderConfig(8, 0, 1, 8),
        lambda: EncoderConfig(8, 4, 1, 8, halved=4),
        lambda: EncoderConfig(8, 4, 1, 8, halved=-1),
        lambda: ObjectiveConfig(clusters=0),
        lambda: ObjectiveConfig(middle_weight=-0.5),
        lambda: ObjectiveConfig(middle_weight=float("nan")),
        lambda: ObjectiveConfig(masked_share=1.5),
        lambda: OptimisationConfig(warmup=1.0),
        lambda: OptimisationConfig(clip=float("nan")),
    ],
)
def test_settings_that_cannot_be_are_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must"):
        build()


@pytest.mark.parametrize(
    ("progress", "batch", "rate"),
    [
        (0.0, 491.52, 0.0),
        (0.05, 491.52, 1e-3),
        (0.1, 491.52, 2e-3),
        (0.55, 491.52, 1e-3),
        (1.0, 491.52, 0.0),
        (1.2, 491.52, 0.0),
        (0.1, 122.88, 1e-3),
        (0.1, 4 * 491.52, 4e-3),
    ],
)
def test_learning_rate_by_hand(progress: float, batch: float, rate: float) -> None:
    """Linear up over a tenth of the budget, linear down over the rest, square root of the batch."""
    assert OptimisationConfig().learning_rate(progress, batch) == pytest.approx(rate)


@given(st.floats(0, 1), st.floats(0, 1))
def test_learning_rate_has_one_peak(a: float, b: float) -> None:
    rate = OptimisationConfig().learning_rate
    early, late = sorted((a, b))
    if late <= 0.1:
        assert rate(early, 491.52) <= rate(late, 491.52)
    elif early >= 0.1:
        assert rate(early, 491.52) >= rate(late, 491.52)
    assert max(rate(a, 491.52), rate(b, 491.52)) <= 2e-3 * (1 + 1e-12)
