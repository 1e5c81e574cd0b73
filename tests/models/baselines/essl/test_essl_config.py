"""essL's sizes against the published ones, and the settings that cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict

import pytest
import torch

from ssl_models.baselines.essl.closed_form import encoder_macs, encoder_parameters
from ssl_models.baselines.essl.config import (
    ESSL,
    EsslConfig,
    EsslEncoderConfig,
    EsslObjectiveConfig,
    StageConfig,
)
from ssl_models.baselines.essl.contrastive import EsslPretraining
from ssl_models.interface import Encoder
from ssl_models.settings import from_document

CONFIG = ESSL["essl"]


def parameters(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_parameters_are_the_published_ones() -> None:
    """90.8 M in the student (encoder and head), 182.3 M in pretraining."""
    with torch.device("meta"):
        module = EsslPretraining(CONFIG)
    assert isinstance(module.encoder, Encoder)
    assert parameters(module.encoder) == encoder_parameters(CONFIG.encoder)
    student = parameters(module.encoder) + parameters(module.head)
    assert [round(n / 1e6, 1) for n in (student, parameters(module))] == [90.8, 182.3]
    assert sum(p.numel() for p in module.parameters() if p.requires_grad) == student + parameters(module.predictor)


def test_macs_are_near_the_published_estimate() -> None:
    """About 1.32 GMAC a second: 2 % more than ours, which has 184 frames in 15 s where 187.5 would fit without edges."""
    assert encoder_macs(CONFIG.encoder, 240_000) / 15 == pytest.approx(1.32e9, rel=0.02)
    assert encoder_macs(CONFIG.encoder, 240_000) / 184 * 187.5 / 15 == pytest.approx(1.32e9, rel=0.005)


def test_frames_and_rates_by_hand() -> None:
    """29 log-mel frames make 13, 5 and then 1; eight more make one more."""
    e = CONFIG.encoder
    assert (e.stride, e.samples_per_frame, e.frame_rate, e.shortest) == (8, 1280, 12.5, 29 * 160)
    assert e.lower.frames(29) == [13, 5, 5]
    assert e.upper.frames(5) == [1, 1]
    assert e.lower.frames(37)[-1] == 7
    assert e.lower.frames(4) == [0, 0, 0]


def test_recipe_is_the_published_one() -> None:
    recipe = CONFIG.optimisation
    assert (recipe.peak_learning_rate, recipe.reference_batch_seconds, recipe.warmup) == (3e-4, 4 * 1080, 0.08)
    assert (recipe.betas, recipe.weight_decay, recipe.schedule) == ((0.9, 0.98), 0.01, "cosine")


def test_settings_survive_json() -> None:
    assert from_document(EsslConfig, json.loads(json.dumps(asdict(CONFIG)))) == CONFIG


def stage(**changed: object) -> StageConfig:
    return StageConfig(**{**asdict(CONFIG.encoder.upper), **changed})


@pytest.mark.parametrize(
    "build",
    [
        lambda: stage(conv_kernels=(5,)),
        lambda: stage(conv_widths=(), conv_kernels=(), conv_strides=()),
        lambda: stage(conv_strides=(0, 1)),
        lambda: stage(layers=0),
        lambda: stage(heads=5),
        lambda: stage(layer_drop=1.0),
        lambda: EsslEncoderConfig(mels=0),
        lambda: EsslEncoderConfig(window=513),
        lambda: EsslEncoderConfig(position_groups=5),
        lambda: EsslEncoderConfig(dropout=-0.1),
        lambda: EsslEncoderConfig(attention_dropout=float("nan")),
        lambda: EsslObjectiveConfig(negatives=0),
        lambda: EsslObjectiveConfig(most_shift=-1),
        lambda: EsslObjectiveConfig(predictor_kernels=(4,)),
        lambda: EsslObjectiveConfig(predictor_kernels=()),
        lambda: EsslObjectiveConfig(temperature=0.0),
        lambda: EsslObjectiveConfig(momentum=1.1),
        lambda: EsslObjectiveConfig(noise_snr=(30.0, 0.0)),
        lambda: EsslConfig(EsslEncoderConfig(mels=16)),
    ],
)
def test_settings_that_cannot_be_are_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must"):
        build()
