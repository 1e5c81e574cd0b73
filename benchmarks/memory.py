"""Peak memory of a piece of work, and the bytes behind a model's tensors."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import torch
from torch import Tensor

from benchmarks.quantity import Quantity, unavailable


class PeakMemory:
    """Peak memory between entering and leaving the block, in bytes.

    On CUDA the peak of what torch's allocator handed out. On the CPU the peak resident set (the kernel's high-water
    mark) less the resident set at the start: enter it before the model is built, in a process that did no such work
    before, or memory freed earlier and used again goes unseen.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._before = 0
        self._peak: int | None = None

    def __enter__(self) -> Self:
        self._before = psutil.Process().memory_info().rss
        self.restart()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._peak = self._read()

    def restart(self) -> None:
        """Forget the peak so far, keep the start: what comes next is what counts."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            _reset_high_water()

    def so_far(self, *, less: int = 0) -> Quantity:
        """The peak until now, or until the block's end; `less` bytes that were held in it but belong to no model."""
        peak = self._read() if self._peak is None else self._peak
        if self.device.type == "cuda":
            return Quantity(float(peak), "B", "measured", note="max allocated by torch's CUDA allocator")
        if peak == 0:
            return unavailable("B", "this system tells no high-water mark of the resident set")
        growth = float(max(0, peak - self._before - less))
        note = "peak resident set less the one before the model was built"
        return Quantity(
            growth, "B", "measured", note=note + (f" and less {less} B of speech kept decoded" * bool(less))
        )

    def _read(self) -> int:
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else _high_water()


def _reset_high_water() -> None:
    """Let the kernel's high-water mark start anew (Linux 4.0; proc(5), clear_refs, value 5)."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return  # elsewhere the mark covers the whole process, which is then new anyway


def _high_water() -> int:
    """Peak resident set of this process in bytes, 0 where it cannot be told."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return _high_water_elsewhere()
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def _high_water_elsewhere() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return int(getattr(psutil.Process().memory_info(), "peak_wset", 0))
    # macOS counts ru_maxrss in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def bytes_of(tensors: Iterable[Tensor]) -> Quantity:
    """Memory of the tensors themselves, each storage once."""
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return Quantity(float(sum(storages.values())), "B", "analytic", note="sum of the tensors' storages")
