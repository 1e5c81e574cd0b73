"""data2vec-audio's encoder: what transformers gives, sizes as published, closed forms."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from ssl_benchmarks.counting.flops import inference_flops, training_flops
from ssl_models.baselines.data2vec.closed_form import encoder_macs, encoder_parameters, training_macs
from ssl_models.baselines.data2vec.config import (
    DATA2VEC,
    Data2VecConfig,
    Data2VecEncoderConfig,
    Data2VecObjectiveConfig,
)
from ssl_models.baselines.data2vec.encoder import build_encoder
from ssl_models.baselines.data2vec.regression import Data2VecPretraining

SMALL = Data2VecEncoderConfig(32, 3, 2, 64, conv_widths=(16,) * 7, position_groups=4)
SECONDS = [3.7, 60.0, *(pytest.param(other, marks=pytest.mark.slow) for other in (1.0, 10.0, 30.0))]


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def standard(clip: Tensor) -> Tensor:
    return (clip - clip.mean()) / (clip.var(correction=0) + 1e-7).sqrt()


@pytest.mark.parametrize("normalise", [False, True])
@torch.no_grad()
def test_it_gives_what_transformers_gives(*, normalise: bool) -> None:
    """Every layer of a padded batch, of clips as they are or, where that is turned on, standardised."""
    torch.manual_seed(0)
    encoder, lengths = build_encoder(SMALL).eval(), torch.tensor([16_000, 9_000])
    assert not encoder.normalise
    encoder.normalise = normalise
    waveforms = noise(2, 16_000)
    inside = (torch.arange(16_000) < lengths[:, None]).long()
    given = torch.zeros(2, 16_000)
    for row, clip, n in zip(given, waveforms, lengths.tolist(), strict=True):
        row[:n] = standard(clip[:n]) if normalise else clip[:n]
    theirs = encoder.model(given, attention_mask=inside, output_hidden_states=True).hidden_states
    ours = encoder(waveforms, lengths)
    assert len(ours.layers) == len(theirs) == 4
    assert ours.lengths.tolist() == [49, 27]
    for mine, other in zip(ours.layers, theirs, strict=True):
        torch.testing.assert_close(mine, other, atol=1e-5, rtol=0)


@torch.no_grad()
def test_what_stands_in_the_padding_is_never_read() -> None:
    torch.manual_seed(0)
    encoder, lengths = build_encoder(SMALL).eval(), torch.tensor([16_000, 9_000, 400])
    inside = torch.arange(18_000) < lengths[:, None]
    clean, dirty = (encoder(torch.where(inside, noise(3, 18_000), filling), lengths) for filling in (0.0, float("nan")))
    for one, other in zip(clean.layers, dirty.layers, strict=True):
        assert torch.equal(one, other)


@torch.no_grad()
def test_how_much_padding_there_is_reaches_the_last_45_frames_through_the_positions() -> None:
    """The architecture's own leak: from the second position convolution on, padding is no longer zero.

    Five of kernel 19 reach 5 x 9 frames; what lies before them is the same alone and in a padded batch, up to attention.
    """
    torch.manual_seed(0)
    encoder, clip = build_encoder(SMALL).eval(), noise(1, 32_000)
    padded = torch.nn.functional.pad(clip, (0, 16_000))
    alone, together = encoder(clip).layers[0][0], encoder(padded, torch.tensor([32_000])).layers[0][0, :99]
    torch.testing.assert_close(together[: 99 - 45], alone[: 99 - 45], atol=1e-5, rtol=0)
    assert float((together - alone)[99 - 45 :].abs().max()) > 0.01


@pytest.mark.parametrize("config", [SMALL, *(model.encoder for model in DATA2VEC.values())])
def test_parameters_are_those_of_the_built_encoder(config: Data2VecEncoderConfig) -> None:
    with torch.device("meta"):
        encoder = build_encoder(config)
    assert encoder_parameters(config) == sum(p.numel() for p in encoder.parameters())


def test_sizes_are_the_published_ones() -> None:
    """93,164,288 is what the published base checkpoint counts."""
    base, large = (DATA2VEC[f"data2vec-audio-{size}"].encoder for size in ("base", "large"))
    assert encoder_parameters(base) == 93_164_288
    assert (large.width, large.layers, large.hidden) == (1024, 24, 4096)
    assert (base.frame_rate, base.samples_per_frame) == (50.0, 320)


def test_the_closed_form_by_hand() -> None:
    """103 samples through (k4, s2) and (k3, s2) make 50 and 24 frames; width 4, 2 blocks, 3 position layers of k5."""
    shape = Data2VecEncoderConfig(
        4, 2, 2, 6, conv_widths=(3, 5), conv_kernels=(4, 3), conv_strides=(2, 2), position_layers=3, position_kernel=5,
        position_groups=2, layer_drop=0.25,
    )  # fmt: skip
    front = 50 * 3 * 4 + 24 * 5 * 3 * 3 + 24 * 5 * 4
    positions, blocks = 3 * 24 * 4 * 2 * 5, 2 * 24 * (4 * 4 * 4 + 2 * 24 * 4 + 2 * 4 * 6)
    assert encoder_macs(shape, 103) == front + positions + blocks
    config = Data2VecConfig(shape, Data2VecObjectiveConfig(top_layers=1))
    # round(24 x 0.65 / 10) = 2 spans hide 20 frames at most.
    expected = 3 * (front + positions + 0.75 * blocks + 20 * 4 * 4) + positions + blocks
    assert training_macs(config, 103) == expected


def shallow(name: str) -> Data2VecConfig:
    """The model with three of its layers, which cost the same; the whole of each is counted in test_every_model.py."""
    config = DATA2VEC[name]
    objective = replace(config.objective, top_layers=2)
    return Data2VecConfig(replace(config.encoder, layers=3), objective)


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("name", DATA2VEC)
def test_inference_agrees_with_the_closed_form(name: str, seconds: float) -> None:
    config = shallow(name).encoder
    counted = inference_flops(lambda: build_encoder(config).eval(), seconds)
    assert counted.flops == pytest.approx(2 * encoder_macs(config, round(seconds * 16_000)), rel=1e-3)
    assert not counted.suspects


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("name", DATA2VEC)
def test_a_step_agrees_with_the_closed_form(name: str, seconds: float) -> None:
    config = shallow(name)
    counted = training_flops(lambda: Data2VecPretraining(config), seconds)
    assert counted.flops == pytest.approx(2 * training_macs(config, round(seconds * 16_000)), rel=1e-3)
    assert not counted.suspects


def test_an_even_position_kernel_yields_a_frame_more() -> None:
    shape = replace(SMALL, position_kernel=8)
    counted = inference_flops(lambda: build_encoder(shape).eval(), 1.0)
    assert counted.macs == encoder_macs(shape, 16_000)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"width": 30}, "4 groups"),
        ({"heads": 3}, "3 heads"),
        ({"layers": 0}, "layers 0"),
        ({"conv_kernels": (3,)}, "the same convolutions"),
        ({"layer_drop": 1.0}, "layer_drop 1.0"),
    ],
)
def test_shapes_that_cannot_be_are_refused(wrong: dict[str, int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(SMALL, **wrong)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"top_layers": 0}, "top_layers 0"),
        ({"span_share": 1.5}, "span_share 1.5"),
        ({"kept_progress": 0.0}, "kept_progress 0.0"),
        ({"kept_start": 0.99999}, "must be ascending"),
    ],
)
def test_objectives_that_cannot_be_are_refused(wrong: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(Data2VecObjectiveConfig(), **wrong)


def test_the_teacher_has_no_more_layers_than_the_student() -> None:
    with pytest.raises(ValueError, match="top_layers 8 must be at most layers 3"):
        Data2VecConfig(SMALL)
