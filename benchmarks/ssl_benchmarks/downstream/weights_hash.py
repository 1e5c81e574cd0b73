"""A name for the function that an encoder computes."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from ssl_benchmarks.counting.weights import tensors_in
from ssl_models.interface import Encoder

LIBRARIES = frozenset({"torch", "transformers"})
"""Modules of these packages show their settings in repr and config; other attributes may change at run time."""
PASSING = frozenset({"_name_or_path", "name_or_path", "transformers_version"})
"""Entries of a transformers config that may change although the model does not."""


def weights_hash(encoder: Encoder) -> str:
    """SHA-256 of everything that determines the features: weights and buffers, classes and settings, and source files.

    Computed over names, shapes, types and bytes of the state and of buffers outside it, so it is the same in every
    process and on every device. The files of classes outside torch and transformers are included, so that an edited
    `forward` is another model; functions that they import from elsewhere are not.
    """
    module = cast("nn.Module", encoder)
    digest = hashlib.sha256()
    for line in (repr(module), *_settings(module)):
        digest.update(f"{line}\n".encode())
    for source in _sources(module):
        digest.update(source)
    for name, value in sorted({**dict(module.named_buffers()), **module.state_dict()}.items()):
        for tensor in tensors_in(value):
            _add(digest, name, tensor)
    return digest.hexdigest()


def _add(digest: Any, name: str, tensor: Tensor) -> None:  # noqa: ANN401 - hashlib does not name its type
    digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}\n".encode())
    tensor = tensor.dequantize() if tensor.is_quantized else tensor
    if tensor.numel():
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())


def _is_of_a_library(module: nn.Module) -> bool:
    return type(module).__module__.partition(".")[0] in LIBRARIES


def _settings(module: nn.Module) -> Iterator[str]:
    """Public settings of each part, and each transformers config once."""
    configs: set[int] = set()
    for name, part in module.named_modules():
        config: Any = getattr(part, "config", None)
        if hasattr(config, "to_dict") and id(config) not in configs:
            configs.add(id(config))
            yield f"{name} {sorted((k, repr(v)) for k, v in config.to_dict().items() if k not in PASSING)}"
        if not _is_of_a_library(part):
            for key, value in sorted(vars(part).items()):
                if not key.startswith("_") and key != "training" and _has_stable_repr(value):
                    yield f"{name}.{key} = {value!r}"


def _has_stable_repr(value: object) -> bool:
    """Whether the repr of a value identifies the value, in every process."""
    if isinstance(value, tuple | list):
        return all(map(_has_stable_repr, value))
    return value is None or isinstance(value, bool | int | float | str) or is_dataclass(value)


def _sources(module: nn.Module) -> Iterator[bytes]:
    """The source files of its own classes."""
    names = {type(part).__module__ for part in module.modules() if not _is_of_a_library(part)}
    for name in sorted(names):
        file = getattr(sys.modules.get(name), "__file__", None)
        if file is not None and Path(file).is_file():
            yield Path(file).read_bytes()
