"""Whether an error says that there was not enough memory."""

from __future__ import annotations

PHRASES = (
    "can't allocate memory",
    "CUDA out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""How torch says it where it raises no error of its own kind."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error is of memory, in Python's words or in torch's."""
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(part in str(error) for part in PHRASES)
