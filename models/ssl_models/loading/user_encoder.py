"""A user's own encoder."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE, SpeechFeatures
from ssl_models.loading.user_function import made_by

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
    """The encoder of `path/to/file.py:function` or `package.module:function`; the function is called without arguments.

    Raises:
        BadInputError: if the file, module or function does not exist, fails, or returns no module.
    """
    made = made_by(name, RETURNS)
    if isinstance(made, nn.Module):
        return UserEncoder(made, name)
    step = "; as a training step it is measured with --phase training" if callable(made) else ""
    raise BadInputError(f"{name}: {name.rpartition(':')[2]}() returned {type(made).__name__}; {RETURNS}{step}")
