"""What the models' tests share: a few hundred steps on real speech."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

Curve = list[dict[str, float]]


@pytest.fixture(scope="session")
def speech_clips(real_speech: Path) -> Callable[[float], Tensor]:
    """Clips of so many seconds of three speakers, `(N, T)`; tests that use it carry the marker `speech`."""
    files = sorted(real_speech.glob("train-clean-5/*/*/*.opus")) or sorted(real_speech.glob("train-clean-5/*/*/*.flac"))
    audio = np.concatenate([soundfile.read(path, dtype="float32")[0] for path in files[:90]])

    def cut(seconds: float) -> Tensor:
        length = round(seconds * 16_000)
        return torch.from_numpy(audio[: len(audio) // length * length]).view(-1, length)

    return cut


@pytest.fixture(scope="session")
def learn(speech_clips: Callable[[float], Tensor]) -> Callable[..., Curve]:
    """Fit the targets, then train with Adam; gives loss and metrics of each step.

    The rate rises over a tenth of the steps and stays.
    """

    def run(module: Any, steps: int, rate: float, clips: int = 8, seconds: float = 3.0) -> Curve:
        audio = speech_clips(seconds)
        if not module.targets_fitted:
            module.fit_targets((clip.numpy() for clip in audio[:100]), 0)
        optimiser = torch.optim.AdamW((p for p in module.parameters() if p.requires_grad), rate, (0.9, 0.98))
        warmup = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1.0, (step + 1) / (0.1 * steps)))
        draw, curve = torch.Generator().manual_seed(0), []
        module.train()
        for step in range(steps):
            outcome = module(audio[torch.randperm(len(audio), generator=draw)[:clips]], None, draw)
            optimiser.zero_grad()
            outcome.loss.backward()
            torch.nn.utils.clip_grad_norm_(module.parameters(), 10.0)
            optimiser.step()
            warmup.step()
            module.after_step((step + 1) / steps)
            curve.append({"loss": outcome.loss.item()} | {name: m.item() for name, m in outcome.metrics.items()})
        return curve

    return run


@pytest.fixture(scope="session")
def mean_of_last() -> Callable[[Curve, str], float]:
    """The mean of a metric over the last 20 steps."""
    return lambda curve, name: float(np.mean([row[name] for row in curve[-20:]]))
