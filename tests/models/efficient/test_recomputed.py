"""A linear layer that computes its input again has the plain layer's values and gradients, and keeps less."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from ssl_models.efficient.attention import attended, rms_norm, rotary_angles
from ssl_models.efficient.encoder import gated
from ssl_models.efficient.recomputed import linear_after
from ssl_models.parts.device import assumed_cuda


def plain(cheap: Any, weight: Tensor, *inputs: Any) -> Tensor:
    return F.linear(cheap(*inputs), weight)


def attention(kind: torch.dtype, frames: int, heads: int, *, padded: bool) -> tuple[Tensor, ...]:
    """Two clips, the second of which may be padded."""
    attend = torch.ones(2, 1, 1, frames, dtype=torch.bool)
    attend[1, ..., frames // 2 + 1 :] = not padded
    gains = torch.rand(4, dtype=kind) + 0.5, torch.rand(4, dtype=kind) + 0.5
    cos, sin = rotary_angles(frames, 4, torch.device("cpu"))
    return (torch.randn(2, frames, 12 * heads, dtype=kind), *gains, cos.to(kind), sin.to(kind), attend)


def leaves(inputs: tuple[Any, ...]) -> list[Any]:
    """Fresh copies, of which all that a gradient can flow to ask for one."""
    return [
        each.detach().clone().requires_grad_() if isinstance(each, Tensor) and each.is_floating_point() else each
        for each in inputs
    ]


def both(cheap: Any, weight: Tensor, inputs: tuple[Any, ...]) -> list[tuple[Tensor, list[Tensor]]]:
    """Values and gradients of the layer that computes again, and of the plain one."""
    found = []
    for layer in (linear_after, plain):
        own, (ours, *_) = leaves(inputs), leaves((weight,))
        with assumed_cuda():
            value = layer(cheap, ours, *own)
        (value.double() * torch.linspace(0.5, 1.5, value.shape[-1])).sum().backward()
        found.append((value.detach(), [each.grad for each in (ours, *own) if isinstance(each, Tensor)]))
    return found


@given(frames=st.integers(1, 9), heads=st.integers(1, 3), padded=st.booleans(), seed=st.integers(0, 99))
def test_values_and_gradients_are_the_plain_layer_s(frames: int, heads: int, *, padded: bool, seed: int) -> None:
    torch.manual_seed(seed)
    kind = torch.float64
    cases: list[tuple[Any, tuple[Any, ...], int]] = [
        (rms_norm, (torch.randn(2, frames, 6, dtype=kind), torch.rand(6, dtype=kind)), 6),
        (gated, (torch.randn(2, frames, 8, dtype=kind),), 4),
        (attended, attention(kind, frames, heads, padded=padded), 4 * heads),
    ]
    for cheap, inputs, width in cases:
        ours, theirs = both(cheap, torch.randn(5, width, dtype=kind), inputs)
        torch.testing.assert_close(ours, theirs)


def test_under_autocast_too() -> None:
    torch.manual_seed(0)
    with torch.autocast("cpu", torch.bfloat16):
        ours, theirs = both(gated, torch.randn(16, 32), (torch.randn(2, 9, 64).bfloat16(),))
    assert ours[0].dtype == torch.bfloat16
    torch.testing.assert_close(ours, theirs)


def test_only_inputs_are_kept() -> None:
    """Of a gate of 64 channels the plain layer keeps five tensors of 32 beside its input."""
    x, weight = torch.randn(100, 64, requires_grad=True), torch.randn(16, 32, requires_grad=True)
    kept: list[list[int]] = []
    for layer in (linear_after, plain):
        shapes: list[int] = []

        def pack(tensor: Tensor, shapes: list[int] = shapes) -> Tensor:
            shapes.append(tensor.untyped_storage().data_ptr())
            return tensor

        with assumed_cuda(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            layer(gated, weight, x)
        kept.append(sorted(set(shapes)))
    assert kept[0] == sorted({x.untyped_storage().data_ptr(), weight.untyped_storage().data_ptr()})
    assert len(kept[1]) > len(kept[0])


def test_on_a_cpu_everything_is_kept() -> None:
    """Computing it again would take longer."""
    x, weight = torch.randn(3, 8, requires_grad=True), torch.randn(5, 4, requires_grad=True)
    assert "_LinearAfter" not in type(linear_after(gated, weight, x).grad_fn).__name__
    with assumed_cuda():
        assert "_LinearAfter" in type(linear_after(gated, weight, x).grad_fn).__name__


def test_without_gradients_nothing_is_kept_and_values_are_the_same() -> None:
    x, weight = torch.randn(3, 8), torch.randn(5, 4)
    with torch.inference_mode(), assumed_cuda():
        value = linear_after(gated, weight, x)
    assert value.grad_fn is None
    torch.testing.assert_close(value, plain(gated, weight, x))


def test_a_weight_that_learns_nothing_and_an_input_that_does() -> None:
    x, weight = torch.randn(3, 8, requires_grad=True), torch.randn(5, 4)
    with assumed_cuda():
        linear_after(gated, weight, x).sum().backward()
    again = x.detach().clone().requires_grad_()
    plain(gated, weight, again).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, again.grad)


@pytest.mark.slow
def test_a_compiler_decides_by_itself() -> None:
    """One graph, without a break at a function of ours."""
    x, weight = torch.randn(3, 8, requires_grad=True), torch.randn(5, 4, requires_grad=True)
    compiled = torch.compile(lambda x, weight: linear_after(gated, weight, x), backend="aot_eager", fullgraph=True)
    with assumed_cuda():
        torch.testing.assert_close(compiled(x, weight), plain(gated, weight, x))
