"""The closed form of the efficient model, with blocks at half the frame rate and with a loss in the middle, against the counter."""

from __future__ import annotations

import pytest

from ssl_benchmarks.counting.flops import count_inference, count_training, fake_tensors
from ssl_models.efficient.closed_form import encoder_macs, encoder_parameters, training_macs
from ssl_models.efficient.config import EfficientConfig, EncoderConfig, ObjectiveConfig
from ssl_models.efficient.encoder import EfficientEncoder
from ssl_models.efficient.masked_prediction import MaskedPrediction

ONE_RATE, TWO_RATES = EncoderConfig(48, 5, 3, 96), EncoderConfig(48, 5, 3, 96, halved=2)


@pytest.mark.parametrize("encoder", [ONE_RATE, TWO_RATES], ids=["one rate", "two rates"])
@pytest.mark.parametrize("middle_weight", [0.0, 0.5], ids=["one loss", "two losses"])
@pytest.mark.parametrize("seconds", [1.0, 3.48])
def test_a_steps_flops_agree_with_the_closed_form(encoder: EncoderConfig, middle_weight: float, seconds: float) -> None:
    """25 and 87 frames, so that the last one has no neighbour."""
    config = EfficientConfig(encoder, ObjectiveConfig(clusters=50, middle_weight=middle_weight))
    samples = round(seconds * 16_000)
    with fake_tensors():
        module = MaskedPrediction(config)
        assert count_training(module, seconds).flops == pytest.approx(2 * training_macs(config, samples), rel=1e-3)
        assert count_inference(module.encoder, seconds).macs == pytest.approx(encoder_macs(encoder, samples), rel=1e-3)


def test_half_the_rate_adds_no_parameters() -> None:
    sizes = {sum(p.numel() for p in EfficientEncoder(config).parameters()) for config in (ONE_RATE, TWO_RATES)}
    assert sizes == {encoder_parameters(ONE_RATE)}


def test_blocks_at_half_the_rate_cost_less_than_half() -> None:
    """8 of 16 blocks, of which attention's share falls to a quarter."""
    small, cheaper = EncoderConfig(384, 16, 6, 1024), EncoderConfig(384, 16, 6, 1024, halved=8)
    whole = training_macs(EfficientConfig(small), 245_760)
    assert 0.72 < training_macs(EfficientConfig(cheaper), 245_760) / whole < 0.75
