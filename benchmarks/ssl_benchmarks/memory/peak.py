"""Peak memory of a piece of work, and the bytes of a model's tensors."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

import psutil
import torch
from torch import Tensor, nn

from ssl_benchmarks.energy.sources.nvml import Missing, Nvml
from ssl_benchmarks.memory.high_water import high_water, reset_high_water
from ssl_benchmarks.record.quantity import Quantity, unavailable


class PeakMemory:
    """Peak memory between entering and leaving the block, in bytes.

    On CUDA, the largest amount allocated by torch's allocator. On the CPU, the peak resident set (the kernel's
    high-water mark) minus the resident set at the start: enter the block before the model is built, in a process that
    did no such work before; otherwise memory that was freed earlier and is reused goes unnoticed.
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
        """Forget the peak so far but keep the start: only what follows counts."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            reset_high_water()

    def so_far(self, *, less: int = 0) -> Quantity:
        """The peak until now, or until the block's end, minus `less` bytes that were held but belong to no model."""
        peak = self._read() if self._peak is None else self._peak
        if self.device.type == "cuda":
            return Quantity(float(peak), "B", "measured", note="max allocated by torch's CUDA allocator")
        if peak == 0:
            return unavailable("B", "this system reports no peak resident set")
        growth = float(max(0, peak - self._before - less))
        note = "peak resident set minus that before the model was built"
        return Quantity(growth, "B", "measured", note=note + (f" and minus {less} B of decoded speech" * bool(less)))

    def _read(self) -> int:
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else high_water()


def load_libraries() -> None:
    """Let torch load what its operators load on first use, and release what that leaves: it is no part of a model.

    Convolution, matrix product, attention, spectrum, backward and optimiser are run on tensors of a few kilobytes:
    kernel code, threads and torch's own modules take about 20 MiB for inference and 100 MiB for training.
    """
    with torch.inference_mode(mode=False), torch.enable_grad():
        layers = nn.Sequential(nn.Conv1d(4, 8, 5, groups=2), nn.GELU(), nn.Linear(60, 64), nn.LayerNorm(64))
        heads = layers(torch.randn(1, 4, 64)).view(1, 2, 4, 64)
        out = nn.functional.scaled_dot_product_attention(heads, heads, heads)
        spectrum = torch.stft(torch.randn(1, 800), 400, 160, window=torch.hann_window(400), return_complex=True)
        (out.square().mean() + spectrum.abs().mean()).backward()
        torch.optim.AdamW(layers.parameters(), fused=True).step()
    gc.collect()
    with suppress(OSError, AttributeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


def reserved(device: torch.device) -> Quantity | None:
    """Peak bytes that torch's allocator reserved on a CUDA device; the note has the driver's figure. None on a CPU."""
    if device.type != "cuda":
        return None
    used = _process_use(device)
    note = f"max reserved by torch's CUDA allocator; according to NVML, this process holds {used}"
    return Quantity(float(torch.cuda.max_memory_reserved(device)), "B", "measured", note=note)


def _process_use(device: torch.device) -> str:
    """The memory of this process on the device, context and libraries included, as the driver reports it, in words."""
    nvml = Nvml.open()
    if isinstance(nvml, Missing):
        return f"an unknown amount ({nvml.reason})"
    try:
        uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        handle = nvml.query("DeviceGetHandleByUUID", uuid.encode())
        listed = handle if isinstance(handle, Missing) else nvml.query("DeviceGetComputeRunningProcesses", handle)
    finally:
        nvml.close()
    if isinstance(listed, Missing):
        return f"an unknown amount ({listed.reason})"
    mine = [process.usedGpuMemory for process in listed if process.pid == os.getpid() and process.usedGpuMemory]
    return f"{mine[0]} B" if mine else "an unknown amount (the driver does not list it, as in a container)"


def gradient_bytes(parameters: Iterable[Tensor]) -> Quantity:
    """Size of one gradient per trainable parameter."""
    size = sum(p.numel() * p.element_size() for p in parameters if p.requires_grad)
    return Quantity(float(size), "B", "analytic", note="one gradient per trainable parameter")


def optimiser_bytes(*optimisers: torch.optim.Optimizer) -> Quantity:
    """Size of the state that optimisers have created so far."""
    states = (state for optimiser in optimisers for state in optimiser.state.values())
    return bytes_of(v for state in states for v in state.values() if isinstance(v, Tensor))


def bytes_of(tensors: Iterable[Tensor]) -> Quantity:
    """Size of the tensors, counting each storage once."""
    storages = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}
    return Quantity(float(sum(storages.values())), "B", "analytic", note="sum of the tensors' storages")
