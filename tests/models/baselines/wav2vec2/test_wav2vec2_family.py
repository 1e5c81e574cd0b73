"""The closed forms of wav2vec 2.0, HuBERT and WavLM by hand, against the counter, and against published shapes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
import torch

from ssl_benchmarks.counting.flops import count_inference, count_training, fake_tensors, inference_flops, training_flops
from ssl_benchmarks.profile.closed_form import closed_form
from ssl_models.baselines.wav2vec2.closed_form import conv_frames, encoder_macs, encoder_parameters, training_macs
from ssl_models.baselines.wav2vec2.config import (
    WAV2VEC2_FAMILY,
    ArchitectureConfig,
    Family,
    HubertObjectiveConfig,
    Wav2Vec2FamilyConfig,
)
from ssl_models.baselines.wav2vec2.encoder import architecture_of, build_encoder, transformers_settings
from ssl_models.baselines.wav2vec2.masked_prediction import HubertPretraining
from ssl_models.catalog import load_model, pretraining

SECONDS = [1.0, 3.7, 10.0, 30.0, 60.0]
TRAINED = {name: form.training for name in WAV2VEC2_FAMILY if (form := closed_form(name)) and form.training}
FAMILIES: list[Family] = ["wav2vec2", "hubert", "wavlm"]
SMALL = ArchitectureConfig(
    "hubert", 8, 2, 2, 10, conv_widths=(3, 5), conv_kernels=(4, 3), conv_strides=(2, 2),
    position_kernel=4, position_groups=2, layer_drop=0.0,
)  # fmt: skip
"""103 samples give floor(99 / 2) + 1 = 50 frames, and those floor(47 / 2) + 1 = 24."""

TINY = ArchitectureConfig("hubert", 8, 2, 2, 10, conv_widths=(4,) * 7, position_kernel=4, position_groups=2)


def slow_but(names: Iterable[str], *quick: str) -> list[Any]:
    """All names, those that are not quick marked as slow."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in names]


def test_the_encoder_by_hand() -> None:
    """Front end, projection, positions (25 places for 24 frames: the kernel is even), two layers of 24 frames."""
    front = 50 * 3 * 1 * 4 + 24 * 5 * 3 * 3
    projection = 24 * 5 * 8
    positions = 25 * 8 * (8 // 2) * 4
    layer = 24 * (4 * 8 * 8 + 2 * 24 * 8 + 2 * 8 * 10)
    assert (front, projection, positions, layer) == (1_680, 960, 3_200, 19_200)
    assert conv_frames(SMALL, 103) == [50, 24]
    assert encoder_macs(SMALL, 103) == 44_240
    assert encoder_macs(replace(SMALL, family="wav2vec2"), 103) == 44_240
    assert encoder_macs(replace(SMALL, family="wavlm"), 103) == 44_240 + 2 * 24 * 8 * 8
    assert encoder_macs(replace(SMALL, position_kernel=5), 103) == 44_240 - 3_200 + 24 * 8 * 4 * 5


def test_training_by_hand() -> None:
    """One second: 49 frames; half of the layers dropped; 7 code vectors of 6; mel filters and targets once."""
    config = Wav2Vec2FamilyConfig(replace(TINY, layer_drop=0.5), HubertObjectiveConfig(clusters=7, code_width=6))
    front = 4 * (3_199 * 10 + 4 * (3 * (1_599 + 799 + 399 + 199) + 2 * (99 + 49)))
    rest = 49 * 4 * 8 + 50 * 8 * 4 * 4
    layers = 2 * 49 * (4 * 64 + 2 * 49 * 8 + 2 * 8 * 10)
    head = 49 * 6 * (8 + 7)
    targets = 100 * 257 * 80 + 100 * 80 * 13 + 50 * 39 * 7
    assert training_macs(config, 16_000) == 3 * (front + rest + 0.5 * layers + head) + targets
    with pytest.raises(ValueError, match="not built"):
        training_macs(Wav2Vec2FamilyConfig(TINY), 16_000)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("large", [False, True])
def test_small_shapes_agree_with_the_counter(family: Family, *, large: bool) -> None:
    """To the last product, whatever the front end's norm, the kernel's parity and the order of norms."""
    for kernel, samples in ((4, 103), (5, 16)):
        shape = replace(SMALL, family=family, position_kernel=kernel)
        if large:
            shape = replace(shape, conv_norm="layer", conv_bias=True, pre_norm=True)
        counted = inference_flops(lambda shape=shape: build_encoder(shape).eval(), samples / 16_000)
        assert counted.macs == encoder_macs(shape, samples)
        with fake_tensors():
            built = sum(p.numel() for p in build_encoder(shape).parameters())
        assert encoder_parameters(shape) == built


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5])
def test_training_of_a_small_shape_agrees_with_the_counter(share: float) -> None:
    objective = HubertObjectiveConfig(clusters=7, code_width=6)
    config = Wav2Vec2FamilyConfig(replace(TINY, layer_drop=share), objective)
    for seconds in (0.1, 3.7):
        counted = training_flops(lambda: HubertPretraining(config, objective).train(), seconds)
        assert counted.flops == pytest.approx(2 * training_macs(config, round(seconds * 16_000)), rel=1e-5)


@pytest.mark.parametrize("name", slow_but(WAV2VEC2_FAMILY, "wav2vec2-tiny"))
def test_inference_of_every_model_agrees_with_the_closed_form(name: str) -> None:
    shape = WAV2VEC2_FAMILY[name].encoder
    with fake_tensors():
        encoder = load_model(name)
        assert sum(p.numel() for p in encoder.parameters()) == encoder_parameters(shape)
        for seconds in SECONDS:
            counted = count_inference(encoder, seconds)
            assert counted.flops == pytest.approx(2 * encoder_macs(shape, round(seconds * 16_000)), rel=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_training_of_every_model_agrees_with_the_closed_form(name: str) -> None:
    with fake_tensors():
        model = pretraining(name).train()
        for seconds in SECONDS:
            counted = count_training(model, seconds)
            expected = TRAINED[name](round(seconds * 16_000))
            assert counted.flops == pytest.approx(2 * expected, rel=1e-3)


@pytest.mark.parametrize(("seconds", "gmacs"), [(1.0, 6.911), (10.0, 74.067)])
def test_hubert_base_has_the_known_cost(seconds: float, gmacs: float) -> None:
    """`HubertModel(HubertConfig())`, counted eagerly with torch's own counter: 6.911 and 74.067 GMAC."""
    assert encoder_macs(ArchitectureConfig("hubert"), round(seconds * 16_000)) / 1e9 == pytest.approx(gmacs, abs=5e-4)


@pytest.mark.parametrize(("name", "millions"), [("hubert-base", 94.4), ("wav2vec2-large", 315.4), ("wavlm-base", 94.4)])
def test_the_sizes_are_the_published_ones(name: str, millions: float) -> None:
    """94.7 M and 317 M are published with pretraining heads; checkpoints without them have 94.4 M and 315.4 M."""
    assert encoder_parameters(WAV2VEC2_FAMILY[name].encoder) / 1e6 == pytest.approx(millions, abs=0.05)


@pytest.mark.parametrize("name", WAV2VEC2_FAMILY)
def test_a_shape_survives_transformers_settings(name: str) -> None:
    import transformers

    shape = WAV2VEC2_FAMILY[name].encoder
    classes = {"wav2vec2": "Wav2Vec2Config", "hubert": "HubertConfig", "wavlm": "WavLMConfig"}
    config = getattr(transformers, classes[shape.family])(**transformers_settings(shape))
    assert architecture_of(config) == shape


def test_a_shape_that_cannot_be_named_is_none() -> None:
    from transformers import HubertConfig, SEWConfig, Wav2Vec2Config

    assert architecture_of(Wav2Vec2Config(add_adapter=True)) is None
    assert architecture_of(Wav2Vec2Config(adapter_attn_dim=16)) is None
    assert architecture_of(HubertConfig(conv_pos_batch_norm=True)) is None
    assert architecture_of(HubertConfig(feat_proj_layer_norm=False)) is None
    assert architecture_of(SEWConfig()) is None


def test_checkpointed_blocks_cost_the_hardware_one_forward_more() -> None:
    """transformers runs front end and layers again, neither projection nor positions; the model's FLOPs stay."""
    objective = HubertObjectiveConfig(clusters=7, code_width=6)
    config = Wav2Vec2FamilyConfig(replace(TINY, layer_drop=0.0), objective)

    def checkpointed() -> HubertPretraining:
        model = HubertPretraining(config, objective).train()
        model.encoder.checkpoint_gradients()
        return model

    counted = training_flops(checkpointed, 1.0)
    assert counted.macs == training_macs(config, 16_000)
    layers = 2 * 49 * (4 * 64 + 2 * 49 * 8 + 2 * 8 * 10)
    front = 4 * (3_199 * 10 + 4 * (3 * (1_599 + 799 + 399 + 199) + 2 * (99 + 49)))
    assert counted.hardware_flops == counted.flops + 2 * (front + layers)


def test_layers_that_may_be_dropped() -> None:
    """WavLM's first layer holds the position bias of all and stays."""
    with torch.device("meta"):
        kept = {family: list(build_encoder(replace(SMALL, family=family)).droppable) for family in FAMILIES}
    assert {family: len(blocks) for family, blocks in kept.items()} == {"wav2vec2": 2, "hubert": 2, "wavlm": 1}
