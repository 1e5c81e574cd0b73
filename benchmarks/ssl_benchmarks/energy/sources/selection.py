"""Which GPUs are metered: names from a user or from CUDA_VISIBLE_DEVICES, resolved to NVML handles."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ssl_benchmarks.energy.sources.nvml import Missing
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from ssl_benchmarks.energy.sources.nvml import Nvml

Choice = Literal["visible", "all"] | Sequence[int | str]
INSTANCE_OF = "instance of "
"""Prefix of the name of an instance of which only the card is known."""


@dataclass(frozen=True)
class Gpu:
    """A selected GPU: "gpu" and its NVML index (as in nvidia-smi), or a MIG instance; `handle` may be `Missing`.

    An instance is named by its UUID, or "instance of gpu0" if only its card is known.
    """

    name: str
    handle: Any


def select(nvml: Nvml, choice: Choice) -> list[Gpu] | Missing:
    """The GPUs of a choice, each once.

    Raises:
        BadInputError: if a given index or UUID does not exist.
    """
    count = nvml.query("DeviceGetCount")
    if isinstance(count, Missing):
        return count
    if not count:
        return Missing("the NVIDIA driver lists no GPU")
    if choice == "all":
        return [_by_index(nvml, index) for index in range(count)]
    if choice == "visible":
        found = _visible(nvml, count)
        return found if isinstance(found, Missing) else [_as_used(nvml, gpu) for gpu in found]
    if isinstance(choice, str):
        raise BadInputError(f"gpus={choice!r} is invalid: give 'visible', 'all', or a list of indices and UUIDs")
    return _unique([_given(nvml, str(token), count) for token in choice])


def _visible(nvml: Nvml, count: int) -> list[Gpu] | Missing:
    if in_use := _torch_sees(nvml, count):
        return in_use
    names = os.environ.get("CUDA_VISIBLE_DEVICES")
    if names is None:
        return [_by_index(nvml, index) for index in range(count)]
    if reason := _order_unknown(nvml, names, count):
        return Missing(reason)
    chosen = []
    for token in names.split(","):
        gpu = _resolve(nvml, token.strip(), count)
        if gpu is None:  # CUDA ignores the first unknown name and all after it
            break
        chosen.append(gpu)
    return _unique(chosen) or Missing(f"CUDA_VISIBLE_DEVICES={names} hides every GPU")


def _as_used(nvml: Nvml, gpu: Gpu) -> Gpu:
    """The instance that CUDA uses on a card split into instances (MIG), since it never runs on the whole card."""
    cut = gpu.name.startswith("gpu") and is_cut(nvml, gpu.handle)
    return Gpu(f"{INSTANCE_OF}{gpu.name}", gpu.handle) if cut else gpu


def _torch_sees(nvml: Nvml, count: int) -> list[Gpu]:
    """The GPUs of a torch that has initialised CUDA, by UUID; empty if it has not, or if NVML does not know one of them."""
    torch: Any = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return []
    uuids = [str(getattr(cuda.get_device_properties(i), "uuid", "")) for i in range(cuda.device_count())]
    known = {uuid_of(nvml, index): index for index in range(count)}
    found = [known.get(f"GPU-{uuid}") for uuid in uuids]
    return [] if None in found else [_by_index(nvml, index) for index in found if index is not None]


def _order_unknown(nvml: Nvml, names: str, count: int) -> str:
    """Why the numbers in CUDA_VISIBLE_DEVICES may mean other GPUs than NVML's; empty if they do not.

    NVML counts in PCI order, CUDA fastest first unless CUDA_DEVICE_ORDER is set: the same for identical GPUs.
    """
    numbers = {int(token) for token in names.split(",") if token.strip().isdecimal()} & set(range(count))
    if os.environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or len(numbers) in {0, count}:
        return ""
    kinds = {name_of(nvml, index) for index in range(count)}
    if len(kinds) == 1 and None not in kinds:
        return ""
    listed = ", ".join(sorted(kind or "unknown" for kind in kinds))
    return (
        f"CUDA_VISIBLE_DEVICES={names} counts the fastest GPU first, the driver in PCI order, and the GPUs here differ "
        f"({listed}): set CUDA_DEVICE_ORDER=PCI_BUS_ID"
    )


def _unique(gpus: list[Gpu]) -> list[Gpu]:
    return list({gpu.name: gpu for gpu in gpus}.values())


def _given(nvml: Nvml, token: str, count: int) -> Gpu:
    gpu = _resolve(nvml, token, count)
    if gpu is None:
        known = ", ".join(f"{index} ({uuid_of(nvml, index)})" for index in range(count))
        raise BadInputError(f"no GPU {token!r} here; available: {known}")
    return gpu


def _resolve(nvml: Nvml, token: str, count: int) -> Gpu | None:
    if token.isdecimal():
        return _by_index(nvml, int(token)) if int(token) < count else None
    if token.startswith("MIG-"):
        handle = nvml.query("DeviceGetHandleByUUID", token.encode())
        return None if isinstance(handle, Missing) else Gpu(token, handle)
    matches = [index for index in range(count) if token and uuid_of(nvml, index).startswith(token)]
    return _by_index(nvml, matches[0]) if len(matches) == 1 else None


def _by_index(nvml: Nvml, index: int) -> Gpu:
    return Gpu(f"gpu{index}", nvml.query("DeviceGetHandleByIndex", index))


def uuid_of(nvml: Nvml, index: int) -> str:
    """The UUID of the driver's GPU `index`, including "GPU-"."""
    return _device_text(nvml, index, "UUID") or "UUID unknown"


def name_of(nvml: Nvml, index: int) -> str | None:
    """The name of the driver's GPU `index`."""
    return _device_text(nvml, index, "Name")


def _device_text(nvml: Nvml, index: int, what: str) -> str | None:
    answer = nvml.query(f"DeviceGet{what}", nvml.query("DeviceGetHandleByIndex", index))
    return None if isinstance(answer, Missing) else str(answer)


def is_cut(nvml: Nvml, handle: Any) -> bool | None:  # noqa: ANN401 - NVML's handle
    """Whether a card is split into instances (MIG); None if the driver does not report it."""
    mode = nvml.query("DeviceGetMigMode", handle)
    return None if isinstance(mode, Missing) else bool(mode[0])


def is_instance(nvml: Nvml, gpu: Gpu) -> bool:
    """Whether this is an instance of a card (MIG)."""
    answer = nvml.query("DeviceIsMigDeviceHandle", gpu.handle)
    return gpu.name.startswith(("MIG-", INSTANCE_OF)) or (not isinstance(answer, Missing) and bool(answer))
