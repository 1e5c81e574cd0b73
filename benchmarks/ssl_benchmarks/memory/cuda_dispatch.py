"""Imitates torch's choices on a CUDA device, as far as they change which tensors are kept, without such a device."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_map

IN_FLOAT32 = frozenset({
    F.layer_norm, torch.layer_norm, F.group_norm, torch.group_norm, F.softmax, torch.softmax, Tensor.softmax,
    F.log_softmax, torch.log_softmax, Tensor.log_softmax, F.nll_loss, F.cross_entropy, F.cosine_similarity,
    torch.cosine_similarity, torch.exp, Tensor.exp, torch.log, Tensor.log, torch.pow, Tensor.pow, Tensor.__pow__,
    torch.sum, Tensor.sum, torch.cumsum, Tensor.cumsum, torch.logsumexp, F.mse_loss, F.l1_loss, F.smooth_l1_loss,
})  # fmt: skip
"""Operators that autocast computes in float32 on CUDA and in lower precision on the CPU (torch's autocast reference)."""


class CudaDispatch(TorchFunctionMode):
    """Fused attention for any dropout, fused RMS norms, one-byte dropout masks, and CUDA's autocast rules.

    Args:
        autocast: whether bfloat16 autocast is on.
    """

    def __init__(self, *, autocast: bool) -> None:
        super().__init__()
        self.autocast = autocast

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
        kwargs = kwargs or {}
        if func is F.scaled_dot_product_attention:
            return func(*args[:4], **{**kwargs, "dropout_p": 0.0})
        if func is F.rms_norm:
            return _fused_rms_norm(*args, **kwargs)
        if func is F.dropout:
            return _fused_dropout(*args, **kwargs)
        if func is F.multi_head_attention_forward:
            # A mode is off inside the function that it handles, and this function calls others.
            with patch.object(F, "softmax", self._softmax), patch.object(F, "dropout", _fused_dropout):
                return func(*args, **kwargs)
        if self.autocast and func in IN_FLOAT32:
            args, kwargs = tree_map(_float32, (args, kwargs))
        return func(*args, **kwargs)

    def _softmax(self, input: Tensor, dim: int) -> Tensor:  # noqa: A002 - torch's name
        return torch.softmax(input.float() if self.autocast else input, dim)


def _float32(value: object) -> object:
    return value.float() if isinstance(value, Tensor) and value.dtype == torch.bfloat16 else value


def _fused_rms_norm(
    input: Tensor,  # noqa: A002 - torch's name
    normalized_shape: list[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """On CUDA it keeps the same tensors as a layer norm; on a CPU, torch decomposes it."""
    del eps
    return F.layer_norm(input, normalized_shape, weight)


def _fused_dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:  # noqa: A002, FBT001, FBT002, ARG001 - torch's signature
    return torch.native_dropout(input, p, training)[0] if training and p else input
