"""essL's encoder against transformers' layers and a slow convolution; padding, gradients, layers left out."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ssl_models.baselines.essl.config import EsslEncoderConfig, StageConfig
from ssl_models.baselines.essl.convolutions import Convolution, Predictor
from ssl_models.baselines.essl.encoder import EsslEncoder
from ssl_models.baselines.essl.transformer import Transformer

LOWER = StageConfig((12, 16, 16), (5, 5, 1), (2, 2, 1), 2, 2, 24)
UPPER = StageConfig((24, 32), (5, 1), (2, 1), 3, 4, 48, layer_drop=0.5)
TINY = EsslEncoderConfig(LOWER, UPPER, mels=20, position_kernel=8, position_groups=4)


def encoder_of(config: EsslEncoderConfig = TINY, seed: int = 0) -> EsslEncoder:
    torch.manual_seed(seed)
    return EsslEncoder(config)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.1


def batch_of(lengths: list[int], extra: int, garbage: float) -> tuple[list[Tensor], Tensor]:
    clips = [noise(n, seed=n) for n in lengths]
    batch = torch.full((len(clips), max(lengths) + extra), garbage)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    return clips, batch


def ours_of(theirs: str) -> str:
    """Our name of a parameter of transformers' post-norm layer."""
    names = {
        "attention.out_proj": "output", "layer_norm": "attention_norm", "final_layer_norm": "final_norm",
        "feed_forward.intermediate_dense": "widen", "feed_forward.output_dense": "narrow",
    }  # fmt: skip
    module, kind = theirs.rsplit(".", 1)
    return f"{names[module]}.{kind}"


def hubert_states(ours: Transformer, x: Tensor, mask: Tensor | None) -> list[Tensor]:
    """The hidden states of transformers' encoder with our weights; it hands out only the last one itself."""
    from transformers import HubertConfig
    from transformers.models.hubert.modeling_hubert import HubertEncoder

    config = HubertConfig(
        hidden_size=32, num_hidden_layers=3, num_attention_heads=4, intermediate_size=48, num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=4, attn_implementation="eager",
    )  # fmt: skip
    theirs: Any = HubertEncoder(config)
    positions: Any = ours.positions
    theirs.pos_conv_embed.conv.load_state_dict(positions.convolution.state_dict())
    theirs.layer_norm.load_state_dict(ours.norm.state_dict())
    for mine, layer in zip(ours.layers, theirs.layers, strict=True):
        state = mine.state_dict()
        query, key, value = state["qkv.weight"].chunk(3)
        query_bias, key_bias, value_bias = state["qkv.bias"].chunk(3)
        translated = {
            "attention.q_proj.weight": query, "attention.k_proj.weight": key, "attention.v_proj.weight": value,
            "attention.q_proj.bias": query_bias, "attention.k_proj.bias": key_bias, "attention.v_proj.bias": value_bias,
        }  # fmt: skip
        rest = {name: state[ours_of(name)] for name in layer.state_dict() if name not in translated}
        layer.load_state_dict({**translated, **rest})
    states: list[Tensor] = []
    for module in (theirs.dropout, *theirs.layers):
        module.register_forward_hook(lambda _, __, out: states.append(out[0] if isinstance(out, tuple) else out))
    last = theirs.eval()(x.clone(), attention_mask=mask)[0]
    assert torch.equal(last, states[-1])
    return states


@torch.no_grad()
@pytest.mark.parametrize("lengths", [None, [25, 13, 1]])
def test_the_transformer_is_that_of_transformers(lengths: list[int] | None) -> None:
    """Every layer, with weights far from their start, in a padded batch."""
    torch.manual_seed(0)
    ours = Transformer(UPPER, TINY).eval()
    for parameter in ours.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.2)
    x = noise(3, 25, 32) * 20
    known = None if lengths is None else torch.tensor(lengths)
    mask = None if known is None else torch.arange(25) < known[:, None]
    expected = hubert_states(ours, x, mask)
    found = ours(x, known)
    assert len(found) == len(expected) == 4
    for mine, theirs in zip(found, expected, strict=True):
        for row in range(3):
            n = 25 if lengths is None else lengths[row]
            torch.testing.assert_close(mine[row, :n], theirs[row, :n], atol=1e-5, rtol=1e-5)


def convolution_oracle(x: NDArray[np.float64], layer: Convolution, stride: int) -> NDArray[np.float64]:
    """One frame after the other: products, norm over channels, ReLU."""
    kernel = layer.convolution.weight.detach().double().numpy()
    gain, shift = layer.norm.weight.detach().double().numpy(), layer.norm.bias.detach().double().numpy()
    out = []
    for start in range(0, len(x) - kernel.shape[2] + 1, stride):
        values = np.array([(one.T * x[start : start + kernel.shape[2]]).sum() for one in kernel])
        normal = (values - values.mean()) / np.sqrt(values.var() + 1e-5)
        out.append(np.maximum(normal * gain + shift, 0))
    return np.array(out)


@pytest.mark.parametrize(("kernel", "stride", "frames"), [(5, 2, 30), (5, 2, 31), (5, 2, 5), (1, 1, 9)])
def test_a_convolution_by_definition(kernel: int, stride: int, frames: int) -> None:
    torch.manual_seed(0)
    layer = Convolution(6, 8, kernel, stride)
    torch.nn.init.normal_(layer.norm.weight)
    torch.nn.init.normal_(layer.norm.bias)
    x = noise(1, frames, 6) * 10
    expected = convolution_oracle(x[0].double().numpy(), layer, stride)
    np.testing.assert_allclose(layer(x)[0].detach().numpy(), expected, atol=1e-5)


@torch.no_grad()
def test_the_predictor_by_definition_and_its_padding() -> None:
    """Zeros on either side of each layer's valid frames."""
    torch.manual_seed(0)
    predictor = Predictor(8, (5, 3, 1), 0.1).eval()
    x = noise(2, 12, 8) * 10
    found = predictor(
        torch.where(torch.arange(12)[:, None] < torch.tensor([[[12]], [[7]]]), x, 9.0), torch.tensor([12, 7])
    )
    for row, n in enumerate((12, 7)):
        expected = x[row, :n].double().numpy()
        for layer, kernel in zip(predictor, (5, 3, 1), strict=True):
            edge = np.zeros((kernel // 2, 8))
            expected = convolution_oracle(np.concatenate([edge, expected, edge]), layer, 1)  # type: ignore[arg-type]
        np.testing.assert_allclose(found[row, :n].numpy(), expected, atol=1e-4)


@pytest.mark.parametrize("samples", [4640, 5919, 5920, 16_000, 20_001])
def test_every_layer_has_one_frame_for_80_milliseconds(samples: int) -> None:
    features = encoder_of()(noise(2, samples))
    frames = (samples // 160 - 29) // 8 + 1
    assert len(features.layers) == UPPER.layers + 1
    assert {tuple(layer.shape) for layer in features.layers} == {(2, frames, 32)}
    assert features.lengths.tolist() == [frames] * 2
    assert features.lengths.dtype == torch.int64
    assert features.frame_rate == 12.5


def test_lengths_are_counted_in_whole_frames() -> None:
    lengths = torch.tensor([20_000, 4640, 4639, 5920, 0])
    assert encoder_of()(noise(5, 20_000), lengths).lengths.tolist() == [13, 1, 0, 2, 0]


def test_too_short_a_clip_is_refused() -> None:
    with pytest.raises(ValueError, match="4640 samples, got 4639"):
        encoder_of()(torch.zeros(1, 4639))


@pytest.mark.parametrize("garbage", [0.0, 0.9, float("nan")])
@torch.no_grad()
def test_a_clip_gets_the_same_frames_alone_and_in_a_padded_batch(garbage: float) -> None:
    encoder = encoder_of().eval()
    lengths = [16_000, 11_300, 9_801, 4_640]
    clips, batch = batch_of(lengths, 2_000, garbage)
    together = encoder(batch, torch.tensor(lengths))
    for i, clip in enumerate(clips):
        alone = encoder(clip[None])
        frames = int(alone.lengths[0])
        assert int(together.lengths[i]) == frames
        for padded, single in zip(together.layers, alone.layers, strict=True):
            torch.testing.assert_close(padded[i, :frames], single[0], atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_clip_without_a_whole_frame_harms_nobody() -> None:
    encoder = encoder_of().eval()
    clips, batch = batch_of([16_000, 500], 0, float("nan"))
    together = encoder(batch, torch.tensor([16_000, 500]))
    torch.testing.assert_close(together.layers[-1][0], encoder(clips[0][None]).layers[-1][0], atol=1e-5, rtol=0)
    assert all(layer.isfinite().all() for layer in together.layers)


def gradients(encoder: EsslEncoder) -> dict[str, Tensor]:
    torch.manual_seed(3)  # the same dropout each time
    features = encoder(noise(2, 12_000), torch.tensor([12_000, 9_000]))
    F.mse_loss(features.layers[-1], noise(*features.layers[-1].shape, seed=1)).backward()
    found = {name: p.grad.clone() for name, p in encoder.named_parameters() if p.grad is not None}
    encoder.zero_grad(set_to_none=True)
    return found


def test_gradients_reach_every_learned_parameter() -> None:
    encoder = encoder_of()
    encoder.layer_drop = 0.0
    found = gradients(encoder)
    assert set(found) == {name for name, _ in encoder.named_parameters()}
    for name, gradient in found.items():
        assert gradient.isfinite().all(), name
        assert gradient.abs().amax() > 0, name


def test_checkpointed_gradients_are_the_same() -> None:
    encoder = encoder_of()
    plain = gradients(encoder)
    encoder.checkpoint_gradients()
    for name, gradient in gradients(encoder).items():
        torch.testing.assert_close(gradient, plain[name], atol=1e-7, rtol=1e-5, msg=name)


def test_layers_are_left_out_at_the_share_set_and_in_training_only() -> None:
    """A layer left out hands its input on; the lower transformer drops none."""
    encoder, clip = encoder_of(), noise(1, 4_640)
    encoder.layer_drop = 0.25
    skipped = 0
    for _ in range(100):
        states = encoder(clip).layers
        skipped += sum(after is before for before, after in pairwise(states))
    assert skipped / 300 == pytest.approx(0.25, abs=0.075)  # three standard deviations
    states = encoder.eval()(clip).layers
    assert not any(after is before for before, after in pairwise(states))
    assert list(encoder.droppable) == list(encoder.upper.transformer.layers)
    assert encoder.lower.transformer.layer_drop == 0


@torch.no_grad()
def test_encoding_is_deterministic_and_the_seed_decides_the_weights() -> None:
    encoder, batch = encoder_of().eval(), noise(2, 9000)
    assert torch.equal(encoder(batch).layers[-1], encoder(batch).layers[-1])
    one, two, other = (encoder_of(seed=seed).state_dict() for seed in (5, 5, 6))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["upper.transformer.layers.0.qkv.weight"], other["upper.transformer.layers.0.qkv.weight"])


@torch.no_grad()
def test_bfloat16_stays_near_float32() -> None:
    encoder, batch = encoder_of().eval(), noise(2, 16_000)
    lengths = torch.tensor([16_000, 9_000])
    full = encoder(batch, lengths)
    with torch.autocast("cpu", torch.bfloat16):
        half = encoder(batch, lengths)
    for exact, rough in zip(full.layers, half.layers, strict=True):
        assert float(F.cosine_similarity(exact[0], rough[0].float(), dim=-1).min()) > 0.99
