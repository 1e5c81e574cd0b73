"""essL's FLOPs: the counter against the closed form, at full size and at a shape unlike it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ssl_benchmarks.counting.flops import inference_flops, training_flops
from ssl_models.baselines.essl.closed_form import encoder_macs, training_macs
from ssl_models.baselines.essl.config import ESSL, EsslConfig, EsslEncoderConfig, EsslObjectiveConfig, StageConfig
from ssl_models.baselines.essl.contrastive import EsslPretraining
from ssl_models.baselines.essl.encoder import EsslEncoder

ODD = EsslConfig(
    EsslEncoderConfig(
        StageConfig((12, 20), (3, 7), (3, 1), 2, 5, 14), StageConfig((24,), (5,), (2,), 3, 3, 40, layer_drop=0.4),
        mels=30, window=400, position_kernel=9, position_groups=4,
    ),
    EsslObjectiveConfig(code_width=6, predictor_kernels=(7, 3), most_shift=5),
)  # fmt: skip
WHOLE = ESSL["essl"].encoder
SHALLOW = replace(
    ESSL["essl"], encoder=replace(WHOLE, lower=replace(WHOLE.lower, layers=1), upper=replace(WHOLE.upper, layers=2))
)
"""With a few of its layers, which cost the same; the whole is counted in test_every_model.py and below."""
CONFIGS = [SHALLOW, ODD]


@pytest.mark.parametrize(
    "seconds", [3.7, 60.0, *(pytest.param(other, marks=pytest.mark.slow) for other in (1.0, 10.0, 30.0))]
)
@pytest.mark.parametrize("config", CONFIGS, ids=["essl", "odd"])
def test_the_counter_agrees_with_the_closed_form(config: EsslConfig, seconds: float) -> None:
    samples = round(seconds * 16_000)
    counted = inference_flops(lambda: EsslEncoder(config.encoder).eval(), seconds)
    assert counted.flops == 2 * encoder_macs(config.encoder, samples)
    assert not counted.suspects
    trained = training_flops(lambda: EsslPretraining(config), seconds)
    assert trained.flops == pytest.approx(2 * training_macs(config, samples), rel=1e-6)
    assert not trained.suspects


def test_checkpointing_adds_hardware_flops_only() -> None:
    def build() -> EsslPretraining:
        module = EsslPretraining(ODD)
        module.encoder.checkpoint_gradients()
        return module

    counted = training_flops(build, 3.7)
    assert counted.flops == training_flops(lambda: EsslPretraining(ODD), 3.7).flops
    assert counted.hardware_flops > counted.flops


def test_the_closed_form_by_hand() -> None:
    """A second of a small model: 100 log-mel frames make 32, 26 and then 11; the kernels of 8 yield one frame more."""
    lower, upper = StageConfig((4, 6), (5, 7), (3, 1), 1, 2, 10), StageConfig((8,), (5,), (2,), 2, 2, 16)
    config = EsslEncoderConfig(lower, upper, mels=20, position_kernel=8, position_groups=2)
    filters = 100 * 257 * 20
    below = 32 * 4 * 20 * 5 + 26 * 6 * 4 * 7 + 27 * 6 * 3 * 8 + 26 * (4 * 36 + 2 * 26 * 6 + 2 * 60)
    above = 11 * 8 * 6 * 5 + 12 * 8 * 4 * 8 + 2 * 11 * (4 * 64 + 2 * 11 * 8 + 2 * 128)
    assert encoder_macs(config, 16_000) == filters + below + above


def test_flops_grow_with_the_batch() -> None:
    one, four = (training_flops(lambda: EsslPretraining(ODD), 3.7, clips).flops for clips in (1, 4))
    assert four == pytest.approx(4 * one, abs=4)


def test_a_training_step_at_full_size_under_fake_tensors_needs_no_memory() -> None:
    assert torch.get_default_device().type == "cpu"
    assert training_flops(lambda: EsslPretraining(ESSL["essl"]), 15.0, 72).macs / 72 / 15 == pytest.approx(
        5.19e9, rel=0.001
    )
