"""Waiting for the GPU at the edges of a window, without waking it up."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any


def synchronise() -> None:
    """Wait for the devices that this process computes on, if it has initialised CUDA; never imports torch.

    Devices that hold no memory of this process are skipped, since touching one would create a context on it. An error
    of the metered program is left for the program to encounter.
    """
    torch: Any = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return
    with suppress(RuntimeError):
        if cuda.is_current_stream_capturing():  # waiting would invalidate the graph that is being captured
            return
        current = cuda.current_device()
        for index in range(cuda.device_count()):
            if index == current or cuda.memory_reserved(index):
                cuda.synchronize(index)
