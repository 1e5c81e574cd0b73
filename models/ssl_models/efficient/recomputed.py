"""Linear layers that keep less for the backward: what cheap functions make of their inputs is computed again.

A linear layer keeps its input, which is often the result of elementwise work (a norm, a gate) on a tensor that is kept
anyway. On CUDA, where memory is scarce and such work is quick, it runs a second time in the backward; no matrix product
of a linear layer does. On a CPU it would take a third more time, and everything is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from ssl_models.parts.device import on_cuda


def linear_after(cheap: Callable[..., Tensor], weight: Tensor, *inputs: Any) -> Tensor:  # noqa: ANN401 - tensors and plain values
    """`F.linear(cheap(*inputs), weight)`, of which the backward keeps `inputs` alone on CUDA.

    Args:
        cheap: gives `(..., width_in)`; it draws no random numbers and changes nothing.
        weight: `(width_out, width_in)`.
        inputs: of `cheap`; gradients flow to the floating-point tensors among them.
    """
    if torch.compiler.is_compiling() or not torch.is_grad_enabled() or not on_cuda(weight):
        return F.linear(cheap(*inputs), weight)  # a compiler decides by itself what to keep
    device = weight.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
    return cast("Tensor", _LinearAfter.apply(cheap, weight.to(dtype), *inputs))  # type: ignore[no-untyped-call]


class _LinearAfter(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, cheap: Callable[..., Tensor], weight: Tensor, *inputs: Any) -> Tensor:  # noqa: ANN401
        ctx.cheap, ctx.plain = cheap, [None if isinstance(each, Tensor) else each for each in inputs]
        ctx.save_for_backward(weight, *(each if isinstance(each, Tensor) else None for each in inputs))
        return F.linear(cheap(*inputs).to(weight.dtype), weight)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:  # noqa: ANN401
        weight, *kept = ctx.saved_tensors
        needed = ctx.needs_input_grad[2:]
        again = [
            plain if tensor is None else tensor.detach().requires_grad_(needs)
            for tensor, plain, needs in zip(kept, ctx.plain, needed, strict=True)
        ]
        with torch.enable_grad():
            made = ctx.cheap(*again).to(weight.dtype)
        to_weight = gradient.flatten(0, -2).T @ made.detach().flatten(0, -2) if ctx.needs_input_grad[1] else None
        wanted = [each for each, needs in zip(again, needed, strict=True) if needs]
        found = iter(torch.autograd.grad(made, wanted, gradient @ weight))
        return None, to_weight, *(next(found) if needs else None for needs in needed)
