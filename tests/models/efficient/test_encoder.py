"""The efficient encoder: shapes, gradients, padding, determinism, precision."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ssl_models.efficient.attention import SHARPNESS, rotary_angles
from ssl_models.efficient.config import EFFICIENT, EncoderConfig
from ssl_models.efficient.encoder import Block, EfficientEncoder, SwiGLU, halved

TINY = EncoderConfig(32, 2, 2, 64)
HALVED = EncoderConfig(24, 5, 3, 40, halved=2)


def encoder_of(config: EncoderConfig, seed: int = 0) -> EfficientEncoder:
    torch.manual_seed(seed)
    return EfficientEncoder(config)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def batch_of(lengths: list[int], extra: int, garbage: float) -> tuple[list[Tensor], Tensor]:
    clips = [noise(n, seed=n) for n in lengths]
    batch = torch.full((len(clips), max(lengths) + extra), garbage)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    return clips, batch


@pytest.mark.parametrize("samples", [640, 1279, 1280, 16_000, 20_001])
@pytest.mark.parametrize("config", [TINY, EncoderConfig(24, 3, 3, 40, mels=20, stack=4), HALVED])
def test_every_layer_has_one_frame_for_40_milliseconds(config: EncoderConfig, samples: int) -> None:
    features = encoder_of(config)(noise(2, samples))
    assert len(features.layers) == config.blocks + 1
    assert {tuple(layer.shape) for layer in features.layers} == {(2, samples // 640, config.width)}
    assert features.lengths.tolist() == [samples // 640] * 2
    assert features.lengths.dtype == torch.int64
    assert features.frame_rate == 25.0


def test_lengths_are_counted_in_whole_frames() -> None:
    lengths = torch.tensor([20_000, 640, 639, 1280])
    assert encoder_of(TINY)(noise(4, 20_000), lengths).lengths.tolist() == [31, 1, 0, 2]


def test_layers_are_the_input_then_each_block_and_the_last_one_normed() -> None:
    encoder = encoder_of(TINY)
    layers = encoder(noise(1, 16_000)).layers
    last = layers[-1].detach().double().numpy()
    assert np.sqrt((last**2).mean(-1)) == pytest.approx(1.0, abs=1e-3)
    without_blocks = encoder.transform(layers[0], None)
    for one, other in zip(layers, without_blocks, strict=True):
        assert torch.equal(one, other)


def test_too_short_a_clip_is_refused() -> None:
    encoder = encoder_of(TINY)
    with pytest.raises(ValueError, match="640 samples, got 639"):
        encoder(torch.zeros(1, 639))


def test_swiglu_by_definition() -> None:
    torch.manual_seed(0)
    layer = SwiGLU(5, 7)
    x = noise(3, 5) * 10
    weights, output = layer.gate_and_value.weight.double(), layer.output.weight.double()
    gain = torch.linspace(0.5, 1.5, 5)
    normed = x.double() / (x.double().square().mean(-1, keepdim=True) + 1e-6).sqrt() * gain
    gate, value = (normed @ weights[:7].T).detach().numpy(), (normed @ weights[7:].T).detach().numpy()
    expected = (gate / (1 + np.exp(-gate)) * value) @ output.detach().numpy().T
    np.testing.assert_allclose(layer(x, gain).detach().numpy(), expected, atol=1e-5)


def test_a_block_adds_to_the_residual_stream() -> None:
    """With its two outputs at zero, a block changes nothing."""
    torch.manual_seed(0)
    block = Block(TINY)
    torch.nn.init.zeros_(block.attention.output.weight)
    torch.nn.init.zeros_(block.feed_forward.output.weight)
    x = noise(2, 5, 32)
    assert torch.equal(block(x, torch.ones(5, 8), torch.zeros(5, 8), None), x)


def test_gradients_reach_every_learned_parameter() -> None:
    encoder = encoder_of(TINY)
    features = encoder(noise(2, 8000), torch.tensor([8000, 5000]))
    F.mse_loss(features.layers[-1], noise(2, 12, 32, seed=1)).backward()
    for name, parameter in encoder.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().amax() > 0, name


def test_what_follows_from_the_settings_is_not_saved() -> None:
    encoder = encoder_of(TINY)
    assert set(encoder.state_dict()) == {name for name, _ in encoder.named_parameters()}


def test_initial_deviations() -> None:
    """1 / sqrt(fan in); what writes to the residual stream by a further 1 / sqrt(2 blocks)."""
    config = EFFICIENT["efficient-tiny"].encoder
    encoder = encoder_of(config)
    for name, parameter in encoder.named_parameters():
        if parameter.ndim == 1:
            gain = SHARPNESS if name.endswith("query_norm.weight") else 1.0
            assert torch.equal(parameter, torch.full_like(parameter, gain)), name
            continue
        expected = parameter.shape[1] ** -0.5 / (4.0 if name.endswith("output.weight") else 1.0)
        assert float(parameter.detach().std()) == pytest.approx(expected, rel=0.03), name


@pytest.mark.parametrize("garbage", [0.0, 0.9, float("nan")])
@pytest.mark.parametrize("config", [TINY, EFFICIENT["efficient-tiny"].encoder, HALVED])
@torch.no_grad()
def test_a_clip_gets_the_same_frames_alone_and_in_a_padded_batch(config: EncoderConfig, garbage: float) -> None:
    encoder = encoder_of(config)
    lengths = [12_000, 8_300, 4_801, 640]
    clips, batch = batch_of(lengths, 2_000, garbage)
    together = encoder(batch, torch.tensor(lengths))
    for i, clip in enumerate(clips):
        alone = encoder(clip[None])
        frames = int(alone.lengths[0])
        assert int(together.lengths[i]) == frames
        for padded, single in zip(together.layers, alone.layers, strict=True):
            torch.testing.assert_close(padded[i, :frames], single[0], atol=1e-5, rtol=0)


def test_two_valid_frames_become_their_mean() -> None:
    """Frames 1, 3, 5 of two channels; the second clip has two valid frames, the third one, the last none."""
    x = torch.tensor([1.0, 3.0, 5.0])[None, :, None].expand(4, 3, 2)
    means, lengths = halved(x, torch.tensor([3, 2, 1, 0]))
    assert means[..., 0].tolist() == [[2.0, 5.0], [2.0, 0.0], [1.0, 0.0], [0.0, 0.0]]
    assert lengths is not None
    assert lengths.tolist() == [2, 1, 1, 0]
    alone, unknown = halved(x[:1], None)
    assert unknown is None
    assert torch.equal(alone, means[:1])


@torch.no_grad()
def test_blocks_in_the_middle_add_what_they_change_to_both_frames_of_a_pair() -> None:
    """Block by block: two of five at half the rate, at the angles of every second frame."""
    encoder, x = encoder_of(HALVED), noise(2, 7, 24)
    blocks, (cos, sin) = list(encoder.blocks), rotary_angles(7, 8, x.device)
    fine = blocks[0](x, cos, sin, None)
    pooled = torch.stack([fine[:, 0:2].mean(1), fine[:, 2:4].mean(1), fine[:, 4:6].mean(1), fine[:, 6]], dim=1)
    inner = blocks[2](blocks[1](pooled, cos[::2], sin[::2], None), cos[::2], sin[::2], None)
    expected = fine + (inner - pooled)[:, [0, 0, 1, 1, 2, 2, 3]]
    torch.testing.assert_close(encoder.transform(x, None)[3], expected)


@pytest.mark.parametrize("config", [TINY, HALVED], ids=["one rate", "two rates"])
def test_wanted_layers_are_those_of_all(config: EncoderConfig) -> None:
    encoder, x = encoder_of(config), noise(2, 9, config.width)
    lengths = torch.tensor([9, 4])
    layers = encoder.transform(x, lengths)
    for wanted in ({config.blocks}, {2, config.blocks}, {0, 1}):
        some = encoder.transform(x, lengths, wanted)
        assert all(torch.equal(layers[n], one) for n, one in zip(sorted(wanted), some, strict=True))


@torch.no_grad()
def test_a_clip_without_a_whole_frame_harms_nobody() -> None:
    encoder = encoder_of(TINY)
    clips, batch = batch_of([16_000, 500], 0, float("nan"))
    together = encoder(batch, torch.tensor([16_000, 500]))
    torch.testing.assert_close(together.layers[-1][0], encoder(clips[0][None]).layers[-1][0], atol=1e-5, rtol=0)
    assert all(layer.isfinite().all() for layer in together.layers)


def test_the_seed_decides_the_weights_and_nothing_else_does() -> None:
    one, two, other = (encoder_of(TINY, seed).state_dict() for seed in (5, 5, 6))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["project.weight"], other["project.weight"])


@torch.no_grad()
def test_encoding_is_deterministic() -> None:
    encoder, batch = encoder_of(TINY), noise(2, 9000)
    first = encoder(batch).layers[-1]
    assert torch.equal(first, encoder(batch).layers[-1])
    assert torch.equal(first, encoder.train()(batch).layers[-1])


@torch.no_grad()
def test_bfloat16_stays_near_float32() -> None:
    encoder, batch = encoder_of(EFFICIENT["efficient-tiny"].encoder), noise(2, 16_000)
    lengths = torch.tensor([16_000, 9_000])
    full = encoder(batch, lengths)
    with torch.autocast("cpu", torch.bfloat16):
        half = encoder(batch, lengths)
    assert half.layers[0].dtype == torch.bfloat16
    for exact, rough in zip(full.layers, half.layers, strict=True):
        similarity = F.cosine_similarity(exact[0], rough[0].float(), dim=-1)
        assert float(similarity.min()) > 0.995
