"""Training steps of a user's own in all three forms, and what is none of them; `FILE.py:FUNCTION` in tests.

The front is a convolution of 400 samples every 160, the body a linear layer, both 32 wide: multiply-adds are counted by
hand.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.front, self.body = nn.Conv1d(1, 32, 400, 160), nn.Linear(32, 32)

    def features(self, x: Tensor) -> Tensor:
        return self.body(self.front(x[:, None]).transpose(1, 2))


class Loss(Net):
    def forward(self, x: Tensor) -> Tensor:
        return self.features(x).pow(2).mean()


class Named(Net):
    def forward(self, x: Tensor) -> dict[str, Any]:
        return {"loss": self.features(x).pow(2).mean(), "else": 1}


class Light(Net):
    def training_step(self, batch: Tensor, index: int) -> Tensor:
        return self.features(batch).pow(2).mean()


class Frames(Net):
    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        return self.features(x)


class Detached(Net):
    def forward(self, x: Tensor) -> Tensor:
        return self.features(x).pow(2).mean().detach()


class Fails(Net):
    def forward(self, x: Tensor) -> Tensor:
        raise RuntimeError("no speech today")


class Looks(Net):
    """Looks at its loss, which tensors without values do not have."""

    def forward(self, x: Tensor) -> Tensor:
        loss = self.features(x).pow(2).mean()
        return loss if loss.item() < 1e9 else loss * 0


def stepped(model: nn.Module, optimiser: torch.optim.Optimizer, waveforms: Tensor) -> float:
    loss = model(waveforms)
    loss.backward()
    optimiser.step()
    optimiser.zero_grad()
    return loss.item()


def opaque() -> Callable[[Tensor], float]:
    """The model and its optimiser in a closure."""
    model = Loss()
    optimiser = torch.optim.SGD(model.parameters(), 1e-3, momentum=0.9)

    def step(waveforms: Tensor) -> float:
        return stepped(model, optimiser, waveforms)

    return step


def compiled() -> Callable[[Tensor], float]:
    """It compiles its model at the first step."""
    model = Loss()
    return partial(stepped, torch.compile(model), torch.optim.SGD(model.parameters(), 1e-3))


def with_lengths() -> Callable[[Tensor, Tensor], None]:
    """It looks at the lengths that it gets."""
    step = opaque()

    def checked(waveforms: Tensor, lengths: Tensor) -> None:
        assert waveforms.dtype is torch.float32
        assert lengths.tolist() == [waveforms.shape[1]] * len(waveforms)
        step(waveforms)

    return checked


class Trainer:
    """An object that is called, with its model and optimiser as attributes."""

    def __init__(self) -> None:
        self.model = Loss()
        self.optimiser = torch.optim.AdamW(self.model.parameters())

    def __call__(self, waveforms: Tensor) -> float:
        return stepped(self.model, self.optimiser, waveforms)

    def method(self, waveforms: Tensor) -> float:
        return self(waveforms)


def method() -> Callable[[Tensor], float]:
    return Trainer().method


def in_partial() -> Callable[[Tensor], float]:
    model = Loss()
    return partial(stepped, model, torch.optim.SGD(model.parameters(), 1e-3))


MODEL = Loss()
OPTIMISER = torch.optim.SGD(MODEL.parameters(), 1e-3)


def in_globals() -> Callable[[Tensor], float]:
    return lambda waveforms: stepped(MODEL, OPTIMISER, waveforms)


def without_a_model() -> Callable[[Tensor], Tensor]:
    """Matrix products, and nothing that torch calls a module, a parameter or an optimiser."""
    return lambda waveforms: waveforms @ waveforms.T


def without_products() -> Callable[[Tensor], Tensor]:
    return torch.tanh


def unusual() -> Callable[[Tensor], None]:
    """Ends with an error at its first step."""

    def step(waveforms: Tensor) -> None:
        raise RuntimeError("no step today")

    return step


def number() -> int:
    return 7


def kind() -> type:
    return Loss
