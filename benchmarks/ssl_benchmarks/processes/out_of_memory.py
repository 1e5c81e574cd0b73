"""Whether an error was caused by lack of memory."""

from __future__ import annotations

PHRASES = (
    "can't allocate memory",
    "CUDA out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
)
"""torch's messages where it raises no error class of its own."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error is one of memory, from Python or from torch."""
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(part in str(error) for part in PHRASES)
