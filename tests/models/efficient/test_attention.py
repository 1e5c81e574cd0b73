"""Attention and rotary positions against explicit loops in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from ssl_models.efficient.attention import ROTARY_BASE, SelfAttention, rotary_angles, rotate

Array = NDArray[np.float64]
CPU = torch.device("cpu")


def turned(vector: Array, position: int) -> Array:
    """Su et al.: the pair (i, i + half) as a complex number, turned by position * base^(-2 i / width)."""
    half = len(vector) // 2
    pairs = vector[:half] + 1j * vector[half:]
    pairs = pairs * np.exp(1j * position * ROTARY_BASE ** (-2 * np.arange(half) / len(vector)))
    return np.concatenate([pairs.real, pairs.imag])


def rms_normed(vector: Array, gain: Array) -> Array:
    return np.asarray(vector / math.sqrt((vector**2).mean() + 1e-6) * gain)


GAIN = torch.linspace(0.5, 1.5, 24)
"""Of the norm before the layer."""


def attention_oracle(layer: SelfAttention, x: Array, valid: int) -> Array:
    """One clip `(frames, width)`, frame by frame and head by head, over its first `valid` frames."""
    weights = {name: value.detach().double().numpy() for name, value in layer.state_dict().items()}
    frames, width = x.shape
    head = width // layer.heads
    x = np.stack([rms_normed(frame, GAIN.double().numpy()[:width]) for frame in x])
    queries, keys, values = np.split(x @ weights["qkv.weight"].T, 3, axis=1)
    mixed = np.zeros_like(x)
    for h in range(layer.heads):
        part = slice(h * head, (h + 1) * head)
        k = [turned(rms_normed(keys[t, part], weights["key_norm.weight"]), t) for t in range(valid)]
        for t in range(frames):
            q = turned(rms_normed(queries[t, part], weights["query_norm.weight"]), t)
            scores = np.array([q @ other for other in k]) / math.sqrt(head)
            share = np.exp(scores - scores.max())
            share /= share.sum()
            mixed[t, part] = share @ values[:valid, part]
    return np.asarray(mixed @ weights["output.weight"].T)


def layer_with_gains(width: int, heads: int) -> SelfAttention:
    torch.manual_seed(3)
    layer = SelfAttention(width, heads)
    for norm in (layer.query_norm, layer.key_norm):
        torch.nn.init.normal_(norm.weight, 1.0, 0.3)
    return layer


@pytest.mark.parametrize(("width", "heads"), [(12, 3), (16, 1), (24, 2)])
def test_attention_is_softmax_over_the_valid_frames(width: int, heads: int) -> None:
    layer = layer_with_gains(width, heads)
    x = torch.randn(2, 11, width, generator=torch.Generator().manual_seed(0))
    lengths = [11, 6]
    attend = torch.arange(11) < torch.tensor(lengths)[:, None]
    measured = layer(x, GAIN[:width], *rotary_angles(11, width // heads, CPU), attend[:, None, None]).detach().numpy()
    for clip, valid in enumerate(lengths):
        np.testing.assert_allclose(measured[clip], attention_oracle(layer, x[clip].double().numpy(), valid), atol=1e-5)


def test_without_a_mask_every_frame_is_seen() -> None:
    layer = layer_with_gains(12, 3)
    x = torch.randn(1, 9, 12, generator=torch.Generator().manual_seed(1))
    measured = layer(x, GAIN[:12], *rotary_angles(9, 4, CPU), None)[0].detach().numpy()
    np.testing.assert_allclose(measured, attention_oracle(layer, x[0].double().numpy(), 9), atol=1e-5)


def test_rotation_is_a_complex_product() -> None:
    x = torch.randn(1, 2, 200, 10, generator=torch.Generator().manual_seed(2))
    cos, sin = rotary_angles(200, 10, CPU)
    measured = rotate(x, cos, sin).numpy()
    for h in range(2):
        for t in (0, 1, 77, 199):
            np.testing.assert_allclose(measured[0, h, t], turned(x[0, h, t].double().numpy(), t), atol=1e-4)


def scores(query: Tensor, key: Tensor, frames: int) -> Tensor:
    """Products of one query and one key standing at every frame, `(frames, frames)`."""
    cos, sin = rotary_angles(frames, query.shape[-1], CPU)
    q, k = (rotate(v.expand(1, 1, frames, -1), cos, sin)[0, 0] for v in (query, key))
    return q @ k.T


@settings(max_examples=40)
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_scores_depend_on_relative_position_only(seed: int, half: int, at: int, by: int, shift: int) -> None:
    query, key = torch.randn(2, 2 * half, generator=torch.Generator().manual_seed(seed))
    table = scores(query, key, 181)
    torch.testing.assert_close(table[at, by], table[at + shift, by + shift], atol=2e-4, rtol=0)


def test_scores_do_depend_on_relative_position() -> None:
    table = scores(torch.ones(8), torch.ones(8), 20)
    assert table[0].unique().numel() == 20


def test_the_order_of_frames_matters_only_by_position() -> None:
    """With all angles zero, attention does not know the order of the frames."""
    layer = layer_with_gains(12, 3)
    x = torch.randn(1, 7, 12, generator=torch.Generator().manual_seed(1))
    order = torch.tensor([3, 0, 6, 1, 2, 5, 4])
    still = torch.ones(7, 2), torch.zeros(7, 2)
    torch.testing.assert_close(layer(x, GAIN[:12], *still, None)[:, order], layer(x[:, order], GAIN[:12], *still, None))
    moving = rotary_angles(7, 4, CPU)
    assert not torch.allclose(
        layer(x, GAIN[:12], *moving, None)[:, order], layer(x[:, order], GAIN[:12], *moving, None), atol=1e-3
    )
