"""Attention and rotary positions against explicit loops in float64."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from ssl_models.efficient.attention import ROTARY_BASE, SelfAttention, rotary_angles, turned

Array = NDArray[np.float64]
CPU = torch.device("cpu")


def rotated(vector: Array, position: int) -> Array:
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
        k = [rotated(rms_normed(keys[t, part], weights["key_norm.weight"]), t) for t in range(valid)]
        for t in range(frames):
            q = rotated(rms_normed(queries[t, part], weights["query_norm.weight"]), t)
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


def test_queries_and_keys_are_normed_and_turned_by_a_complex_product() -> None:
    x = torch.randn(2, 1, 3, 200, 10, generator=torch.Generator().manual_seed(2))
    gains = torch.randn(2, 10, generator=torch.Generator().manual_seed(3))
    measured = turned(x, gains, *rotary_angles(200, 10, CPU)).numpy()
    for which, h, t in product(range(2), range(3), (0, 1, 77, 199)):
        expected = rotated(rms_normed(x[which, 0, h, t].double().numpy(), gains[which].double().numpy()), t)
        np.testing.assert_allclose(measured[which, 0, h, t], expected, atol=1e-4)


def test_bfloat16_is_as_near_as_its_rounding() -> None:
    """Three roundings of 2^-9: of the normed value, of the table and of the sum."""
    x = torch.randn(2, 1, 2, 100, 8, generator=torch.Generator().manual_seed(2))
    gains, angles = torch.ones(2, 8), rotary_angles(100, 8, CPU)
    rough = turned(x.bfloat16(), gains, *angles)
    assert rough.dtype == torch.bfloat16
    exact = turned(x.bfloat16().float(), gains, *angles)
    torch.testing.assert_close(rough.float(), exact, rtol=2.0**-7, atol=2.0**-6)


def scores(query: Tensor, key: Tensor, frames: int) -> Tensor:
    """Products of one query and one key standing at every frame, `(frames, frames)`."""
    cos, sin = rotary_angles(frames, query.shape[-1], CPU)
    gains = torch.ones(2, query.shape[-1])
    q, k = turned(torch.stack([query, key])[:, None, None, None].expand(2, 1, 1, frames, -1), gains, cos, sin)[:, 0, 0]
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
