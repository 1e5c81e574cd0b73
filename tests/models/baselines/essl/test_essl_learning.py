"""A reduced essL on real speech: the loss falls below its start and below chance, and nothing collapses."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from ssl_models.baselines.essl.config import EsslConfig, EsslEncoderConfig, EsslObjectiveConfig, StageConfig
from ssl_models.baselines.essl.contrastive import EsslPretraining

pytestmark = [pytest.mark.slow, pytest.mark.speech]

STEPS, CLIPS, SAMPLES, PEAK = 150, 8, 64_000, 1e-3
TINY = EsslConfig(
    EsslEncoderConfig(
        StageConfig((32, 64, 64), (5, 5, 1), (2, 2, 1), 1, 4, 128),
        StageConfig((128, 64), (5, 1), (2, 1), 2, 4, 128, layer_drop=0.05),
        mels=40, position_kernel=16, position_groups=4,
    ),
    EsslObjectiveConfig(code_width=64, frequency_width=6, momentum=0.99),
)  # fmt: skip
"""The momentum is that of a short run: at 0.995 the teacher would hardly have left its start."""


def speech(folder: Path) -> Tensor:
    """Clips of 4 s, `(n, 64000)`, from one file in 25."""
    clips = []
    for path in sorted(folder.glob("train-clean-5/*/*/*.opus"))[::25]:
        audio, rate = soundfile.read(path, dtype="float32")
        assert rate == 16_000
        clips += [audio[i : i + SAMPLES] for i in range(0, len(audio) - SAMPLES + 1, SAMPLES)]
    return torch.from_numpy(np.stack(clips))


def test_a_short_pretraining_learns(real_speech: Path) -> None:
    clips = speech(real_speech)
    torch.manual_seed(0)
    module = EsslPretraining(TINY)
    optimiser = torch.optim.AdamW([p for p in module.parameters() if p.requires_grad], PEAK, betas=(0.9, 0.98))
    generator = torch.Generator().manual_seed(0)
    curve = []
    for step in range(STEPS):
        optimiser.param_groups[0]["lr"] = PEAK * min(1.0, (step + 1) / 20)
        chosen = torch.randint(len(clips), (CLIPS,), generator=generator)
        outcome = module(clips[chosen], None, generator)
        optimiser.zero_grad()
        outcome.loss.backward()
        optimiser.step()
        module.after_step(step / STEPS)
        curve.append({"loss": outcome.loss.item(), **{k: v.item() for k, v in outcome.metrics.items()}})
    end = {name: sum(line[name] for line in curve[-10:]) / 10 for name in curve[0]}
    assert end["loss"] < curve[0]["loss"] - 0.6
    assert end["loss"] < math.log(101) - 0.6
    assert end["contrastive_accuracy"] > 0.2
    assert end["feature_variance"] > 0.3
