"""Which GPUs are metered: the names a user or CUDA_VISIBLE_DEVICES gives, resolved to NVML handles."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.energy.nvml import Missing
from models.errors import BadInputError

if TYPE_CHECKING:
    from benchmarks.energy.nvml import Nvml

Choice = Literal["visible", "all"] | Sequence[int | str]


@dataclass(frozen=True)
class Gpu:
    """A chosen GPU: "gpu" and its NVML index (as nvidia-smi counts), or the UUID of a MIG instance; `handle` may be `Missing`."""

    name: str
    handle: Any
    note: str = ""


def select(nvml: Nvml, choice: Choice) -> list[Gpu] | Missing:
    """The GPUs of a choice, each once.

    Raises:
        BadInputError: for an index or UUID that was given by hand and is not here.
    """
    count = nvml.query("DeviceGetCount")
    if isinstance(count, Missing):
        return count
    if not count:
        return Missing("the NVIDIA driver lists no GPU")
    if choice == "all":
        return [_by_index(nvml, index) for index in range(count)]
    if choice == "visible":
        return _visible(nvml, count)
    if isinstance(choice, str):
        raise BadInputError(f"gpus={choice!r} is not known: give 'visible', 'all', or a list of indices and UUIDs")
    return _unique([_given(nvml, str(token), count) for token in choice])


def _visible(nvml: Nvml, count: int) -> list[Gpu] | Missing:
    names = os.environ.get("CUDA_VISIBLE_DEVICES")
    if names is None:
        return [_by_index(nvml, index) for index in range(count)]
    chosen = []
    for token in names.split(","):
        gpu = _resolve(nvml, token.strip(), count)
        if gpu is None:  # CUDA ignores the first name it does not know, and all after it
            break
        chosen.append(gpu)
    return _unique(chosen) or Missing(f"CUDA_VISIBLE_DEVICES={names} hides every GPU")


def _unique(gpus: list[Gpu]) -> list[Gpu]:
    return list({gpu.name: gpu for gpu in gpus}.values())


def _given(nvml: Nvml, token: str, count: int) -> Gpu:
    gpu = _resolve(nvml, token, count)
    if gpu is None:
        known = ", ".join(f"{index} ({_uuid(nvml, index)})" for index in range(count))
        raise BadInputError(f"no GPU {token!r} here; there are: {known}")
    return gpu


def _resolve(nvml: Nvml, token: str, count: int) -> Gpu | None:
    if token.isdecimal():
        return _by_index(nvml, int(token)) if int(token) < count else None
    if token.startswith("MIG-"):
        handle = nvml.query("DeviceGetHandleByUUID", token.encode())
        note = "a MIG instance has no sensor of its own: give the parent GPU's index to meter the whole of it"
        return None if isinstance(handle, Missing) else Gpu(token, handle, note)
    matches = [index for index in range(count) if token and _uuid(nvml, index).startswith(token)]
    return _by_index(nvml, matches[0]) if len(matches) == 1 else None


def _by_index(nvml: Nvml, index: int) -> Gpu:
    return Gpu(f"gpu{index}", nvml.query("DeviceGetHandleByIndex", index))


def _uuid(nvml: Nvml, index: int) -> str:
    handle = nvml.query("DeviceGetHandleByIndex", index)
    uuid = handle if isinstance(handle, Missing) else nvml.query("DeviceGetUUID", handle)
    return "UUID unknown" if isinstance(uuid, Missing) else str(uuid)
