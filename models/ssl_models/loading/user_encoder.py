"""A user's own encoder: a function in a file or in an installed package."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import unset_fake_temporarily

from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE, SpeechFeatures
from ssl_models.loading.user_code import contained

if TYPE_CHECKING:
    from collections.abc import Callable

RETURNS = "the function must return a torch.nn.Module that maps waveforms (B, T) and lengths (B,) or None to layers of frames (B, F, D)"


class UserEncoder(nn.Module):
    """A user's module behind our interface.

    The module may return `SpeechFeatures` or any (layers, lengths, frame_rate), the layers alone, or one tensor of
    frames; missing parts are derived from the clip's length.

    Raises:
        BadInputError: if it returns anything else.
    """

    def __init__(self, module: nn.Module, name: str) -> None:
        super().__init__()
        self.module, self.name = module, name
        if (attention := getattr(module, "attention", None)) is not None:
            self.attention = str(attention)

    def forward(self, waveforms: Tensor, lengths: Tensor | None = None) -> SpeechFeatures:
        """Encode `(B, T)` waveforms of `lengths` valid samples (None: all valid)."""
        out = self.module(waveforms, lengths)
        if isinstance(out, tuple) and len(out) == 3 and isinstance(out[2], int | float):
            if not (isinstance(out[1], Tensor) and out[1].shape == (len(waveforms),)):
                raise BadInputError(f"{self.name}: forward returned lengths that are not a tensor (B,); {RETURNS}")
            return SpeechFeatures(self._layers(out[0]), out[1], float(out[2]))
        layers = self._layers(out)
        frames, samples = layers[-1].shape[1], waveforms.shape[1]
        valid = torch.full((len(waveforms),), samples, device=waveforms.device) if lengths is None else lengths
        return SpeechFeatures(layers, (valid * frames) // samples, frames / samples * SAMPLE_RATE)

    def _layers(self, out: Any) -> tuple[Tensor, ...]:  # noqa: ANN401 - whatever the user returns
        layers = (out,) if isinstance(out, Tensor) else tuple(out) if isinstance(out, tuple | list) else ()
        if not layers or not all(isinstance(layer, Tensor) and layer.ndim == 3 for layer in layers):
            shape = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
            raise BadInputError(f"{self.name}: forward returned {shape}; {RETURNS}")
        return layers


def user_encoder(name: str) -> UserEncoder:
    """The encoder of `path/to/file.py:function` or `package.module:function`; see `user_module`."""
    return UserEncoder(user_module(name), name)


def user_module(name: str) -> nn.Module:
    """What `path/to/file.py:function` or `package.module:function` returns; the function is called without arguments.

    A file is run under a private name, so that no file beside it can shadow one of our packages.

    Raises:
        BadInputError: if the file, module or function does not exist, fails, or returns something else.
    """
    where, _, attribute = name.rpartition(":")
    function = _function(name, where, attribute)
    # Code that loads weights from a file needs tensors with values, and so does a cache that it may keep.
    with contained(name, "building"), unset_fake_temporarily():
        module = function()
    if not isinstance(module, nn.Module):
        raise BadInputError(f"{name}: {attribute}() returned {type(module).__name__}; {RETURNS}")
    return module


def _function(name: str, where: str, attribute: str) -> Callable[[], Any]:
    path = Path(where)
    if path.suffix == ".py" and not path.is_file():
        raise BadInputError(f"{path}: no such file; write path/to/file.py:function")
    # What the file caches must be real tensors, even if the first call comes from fake ones.
    with contained(name, "importing"), unset_fake_temporarily():
        module = _module_of_file(path.resolve()) if path.suffix == ".py" else importlib.import_module(where)
    function = getattr(module, attribute, None)
    if not callable(function):
        raise BadInputError(f"{name}: no function {attribute!r} in {where}; {RETURNS}")
    return function


@lru_cache(maxsize=8)
def _module_of_file(path: Path) -> Any:  # noqa: ANN401 - a module
    spec = importlib.util.spec_from_file_location(f"_sslbench_user_{path.stem}_{abs(hash(path)):x}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    # Last on the path: the file's own helpers are found, but cannot hide a package.
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module
