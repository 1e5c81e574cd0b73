"""Whether tensors are on a CUDA device, or are to be treated as if they were."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from torch import Tensor

_assumed: ContextVar[bool] = ContextVar("assumed", default=False)


def on_cuda(tensor: Tensor) -> bool:
    """Whether a tensor is on a CUDA device, or a prediction assumes so."""
    return tensor.is_cuda or _assumed.get()


@contextmanager
def assumed_cuda() -> Iterator[None]:
    """Let models choose inside the block what they would choose on a CUDA device, for a prediction without one."""
    token = _assumed.set(True)
    try:
        yield
    finally:
        _assumed.reset(token)
