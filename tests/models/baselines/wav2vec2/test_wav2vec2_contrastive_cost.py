"""What a step of wav2vec 2.0 computes, against the closed form; and that nothing in it waits for the device."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ssl_benchmarks.counting.flops import fake_tensors, training_flops
from ssl_models.baselines.wav2vec2.closed_form import contrastive_macs, training_macs
from ssl_models.baselines.wav2vec2.config import (
    WAV2VEC2_FAMILY,
    ArchitectureConfig,
    Wav2Vec2FamilyConfig,
    Wav2Vec2ObjectiveConfig,
)
from ssl_models.baselines.wav2vec2.contrastive import ContrastivePretraining


def test_the_objectives_share_by_hand() -> None:
    """24 frames, of which 2 spans of 10 hide 20 at most; 3 codebooks of 7, joined to 6, compared in 5."""
    shape = ArchitectureConfig("wav2vec2", 4, 2, 2, 6, conv_widths=(3, 5), conv_kernels=(4, 3), conv_strides=(2, 2))
    objective = Wav2Vec2ObjectiveConfig(codebooks=3, entries=7, code_width=6, projected_width=5)
    logits, choice, projections, similarities = 20 * 5 * 21, 20 * 3 * 7 * 2, 20 * (6 + 4) * 5, 20 * 20 * 5
    assert contrastive_macs(shape, objective, 24) == logits + choice + projections + similarities


@pytest.mark.parametrize("name", ["wav2vec2-base", "wav2vec2-large"])
@pytest.mark.parametrize(
    "seconds", [3.7, 60.0, *(pytest.param(other, marks=pytest.mark.slow) for other in (1.0, 10.0, 30.0))]
)
def test_a_steps_flops_agree_with_the_closed_form(name: str, seconds: float) -> None:
    """With three of the layers, which cost the same; the whole of each model is counted in test_every_model.py."""
    config = replace(WAV2VEC2_FAMILY[name], encoder=replace(WAV2VEC2_FAMILY[name].encoder, layers=3))
    assert isinstance(config.objective, Wav2Vec2ObjectiveConfig)
    objective = config.objective
    counted = training_flops(lambda: ContrastivePretraining(config, objective), seconds)
    assert counted.flops == pytest.approx(2 * training_macs(config, round(seconds * 16_000)), rel=1e-3)
    assert not counted.suspects


def test_what_follows_the_encoder_costs_little() -> None:
    """At 15 s and base size under 1.5 % of the step: similarities are one product, not a gather of 100 vectors a frame."""
    config = WAV2VEC2_FAMILY["wav2vec2-base"]
    objective = config.objective
    assert isinstance(objective, Wav2Vec2ObjectiveConfig)
    counted = training_flops(lambda: ContrastivePretraining(config, objective), 15.0)
    assert sum(f for work, f in counted.work.items() if not work.module.startswith("encoder")) < 0.015 * counted.flops


@pytest.mark.parametrize("lengths", [None, [32_000, 20_000]])
def test_a_step_reads_nothing_back_to_the_host(lengths: list[int] | None) -> None:
    """Under fake tensors, which have no values to read; LayerDrop, which transformers draws on the host, left out."""
    shape = ArchitectureConfig("wav2vec2", 32, 2, 2, 64, conv_widths=(16,) * 7, layer_drop=0.0)
    objective = Wav2Vec2ObjectiveConfig(entries=8, code_width=16, projected_width=12)
    with fake_tensors():
        module = ContrastivePretraining(Wav2Vec2FamilyConfig(shape, objective), objective)
        given = None if lengths is None else torch.tensor(lengths)
        module(torch.zeros(2, 32_000), given, torch.Generator()).loss.backward()
        module.after_step(0.5)
