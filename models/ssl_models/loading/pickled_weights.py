"""Pickled checkpoints by path: torch's own reader of weights, with no class allowed besides those that it needs itself."""

from __future__ import annotations

import re
import shlex
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssl_models.errors import BadInputError
from ssl_models.loading.checkpoint_parts import Parts, parts_of
from ssl_models.loading.converting.torch_file import open_torch_file

if TYPE_CHECKING:
    from torch import Tensor

SUFFIXES = frozenset({".pt", ".pth", ".ckpt", ".bin", ".th"})
"""Endings of files that `torch.save` writes."""
REFUSED, SAID = re.compile(r"GLOBAL (\S+)"), re.compile(r"WeightsUnpickler error: ([^\n]*)")


def read_pickled(path: Path) -> Parts[Tensor]:
    """The parts of a checkpoint, through `torch.load(weights_only=True)`.

    Raises:
        BadInputError: for a file that torch refuses or cannot read; it names `sslbench convert`.
    """
    import torch

    with open_torch_file(path):
        pass  # what is broken or would grow beyond all bounds does not reach torch
    try:
        with no_class_allowed():
            value = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
        return parts_of(value, torch.Tensor)
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from error
    except Exception as error:  # torch's reader raises many kinds
        raise BadInputError(
            f"{path}: torch.load(weights_only=True) refuses it ({_reason(error)}); sslbench convert "
            f"{shlex.quote(str(path))} reads its tensors and runs nothing in it"
        ) from error


@contextmanager
def no_class_allowed() -> Iterator[None]:
    """Without the classes that other libraries, or torch itself, have put on torch's list of safe ones."""
    from torch import serialization

    allowed: list[Any] = serialization.get_safe_globals()
    serialization.clear_safe_globals()
    try:
        yield
    finally:
        serialization.add_safe_globals(allowed)


def _reason(error: Exception) -> str:
    """The class that was refused, or torch's own words in short."""
    said = str(error)
    if found := REFUSED.search(said):
        return f"it holds a {found[1]}"
    said = found[1] if (found := SAID.search(said)) else said
    return " ".join(said.split())[:160] or type(error).__name__
