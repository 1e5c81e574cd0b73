"""A user's own training step as a callable: one optimiser step on a batch of waveforms, whatever it does inside."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ssl_models.loading.holdings import Holdings, held_by


class OpaqueStep:
    """A callable that makes one optimiser step on `(B, T)` waveforms; the optimiser is its own.

    It gets float32 waveforms in [-1, 1] at 16 kHz on the device, and `lengths` `(B,)` int64, the valid samples of each
    clip, if it has a parameter of that name. What it returns is ignored.
    """

    def __init__(self, call: Callable[..., Any], name: str) -> None:
        self._call, self.name = call, name
        self._takes_lengths = "lengths" in _parameters(call)

    def __call__(self, waveforms: Tensor, lengths: Tensor) -> None:
        """One step."""
        if self._takes_lengths:
            self._call(waveforms, lengths=lengths)
        else:
            self._call(waveforms)

    @property
    def held(self) -> Holdings:
        """The modules, optimisers and parameters that can be found in it now."""
        return held_by(self._call)

    def to(self, device: torch.device) -> OpaqueStep:
        """Move the modules that were found to the device; their optimisers go on with the same parameters."""
        for module in self.held.modules:
            module.to(device)
        return self


def _parameters(call: Callable[..., Any]) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(call).parameters)
    except (TypeError, ValueError):  # a function written in C may have no signature
        return ()
