"""The plain transformer against transformers' HuBERT with the same weights, and its closed form by hand."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from ssl_benchmarks.counting.flops import fake_tensors, inference_flops
from ssl_models.baselines.transformer.closed_form import encoder_macs, encoder_parameters
from ssl_models.baselines.transformer.config import EncoderConfig
from ssl_models.baselines.transformer.encoder import TransformerEncoder
from ssl_models.interface import Encoder
from ssl_models.parts.frontend import stacked_frames

POST = EncoderConfig(20, 2, 24, 3, 2, 40, position_kernel=8, position_groups=4)
PRE = replace(POST, stack=4, position_kernel=5, pre_norm=True)
SHAPES = {"post": POST, "pre": PRE}
SECONDS = [1.0, 3.7, 10.0, 30.0, 60.0]
LENGTHS = torch.tensor([16_000, 9_000, 700])


def batch(garbage: float = 0.0) -> Tensor:
    waveforms = torch.full((3, 16_000), garbage)
    for i, n in enumerate(LENGTHS.tolist()):
        waveforms[i, :n] = 0.1 * torch.randn(n, generator=torch.Generator().manual_seed(i))
    return waveforms


def built(shape: EncoderConfig) -> TransformerEncoder:
    torch.manual_seed(0)
    encoder = TransformerEncoder(shape)
    for name, parameter in encoder.named_parameters():
        # Weights large enough that every part shows in the output.
        torch.nn.init.normal_(parameter, 1.0 if "norm" in name and name.endswith("weight") else 0.0, 0.2)
    return encoder.eval()


def translated(encoder: TransformerEncoder) -> Any:
    """transformers' encoder with our weights."""
    from transformers import HubertConfig
    from transformers.models.hubert.modeling_hubert import HubertEncoder, HubertEncoderStableLayerNorm

    c = encoder.config
    settings = HubertConfig(
        hidden_size=c.width, num_hidden_layers=c.layers, num_attention_heads=c.heads, intermediate_size=c.hidden,
        num_conv_pos_embeddings=c.position_kernel, num_conv_pos_embedding_groups=c.position_groups,
        attn_implementation="eager",
    )  # fmt: skip
    theirs = (HubertEncoderStableLayerNorm if c.pre_norm else HubertEncoder)(settings).eval()
    state = {
        name.replace("positions.convolution", "pos_conv_embed.conv"): v
        for name, v in encoder.positions.state_dict(prefix="positions.").items()
    }
    state |= encoder.norm.state_dict(prefix="layer_norm.")
    for i, layer in enumerate(encoder.layers):
        ours = layer.state_dict()
        for kind in ("weight", "bias"):
            query, key, value = ours[f"self_attn.in_proj_{kind}"].chunk(3)
            state |= {
                f"layers.{i}.attention.{n}_proj.{kind}": v for n, v in zip("qkv", (query, key, value), strict=True)
            }
            state[f"layers.{i}.attention.out_proj.{kind}"] = ours[f"self_attn.out_proj.{kind}"]
            state[f"layers.{i}.feed_forward.intermediate_dense.{kind}"] = ours[f"linear1.{kind}"]
            state[f"layers.{i}.feed_forward.output_dense.{kind}"] = ours[f"linear2.{kind}"]
            state[f"layers.{i}.layer_norm.{kind}"] = ours[f"norm1.{kind}"]
            state[f"layers.{i}.final_layer_norm.{kind}"] = ours[f"norm2.{kind}"]
    theirs.load_state_dict(state)
    return theirs


@pytest.mark.parametrize("name", SHAPES)
def test_it_is_huberts_encoder_over_projected_frames(name: str) -> None:
    """The same weights in transformers' modules, a padded batch, float32."""
    encoder = built(SHAPES[name])
    with torch.no_grad():
        stacked = stacked_frames(encoder.logmel(batch()), LENGTHS, encoder.config.stack)
        valid = torch.arange(stacked.shape[1]) < encoder.frame_lengths(LENGTHS)[:, None]
        expected = translated(encoder)(encoder.project(stacked), attention_mask=valid)[0]
        found = encoder(batch(), LENGTHS)
    torch.testing.assert_close(found.layers[-1][valid], expected[valid], atol=1e-5, rtol=1e-5)
    assert len(found.layers) == encoder.config.layers + 1
    assert found.frame_rate == encoder.config.frame_rate == 100 / encoder.config.stack
    assert found.lengths.tolist() == [n // (160 * encoder.config.stack) for n in LENGTHS.tolist()]


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("name", SHAPES)
def test_a_clip_is_the_same_alone_and_in_a_padded_batch(name: str, *, grad: bool) -> None:
    """With gradients and without: torch's layer has a way of its own for inference. A clip of no frame breaks nothing."""
    encoder = built(SHAPES[name])
    lengths = torch.tensor([16_000, 9_000, 100])
    with torch.set_grad_enabled(grad):
        together = encoder(batch(float("nan")), lengths)
        for clip in (0, 1):
            n, samples = int(together.lengths[clip]), int(lengths[clip])
            alone = encoder(batch()[clip : clip + 1, :samples])
            for ours, theirs in zip(together.layers, alone.layers, strict=True):
                torch.testing.assert_close(ours[clip, :n], theirs[0, :n], atol=2e-5, rtol=1e-4)
    assert together.lengths[2] == 0
    assert all(layer.isfinite().all() for layer in together.layers)


def test_torchs_way_for_inference_gives_the_same() -> None:
    encoder = built(POST)
    with torch.no_grad():
        fast = encoder(batch(), LENGTHS)
    slow = encoder(batch(), LENGTHS)
    for clip, n in enumerate(slow.lengths.tolist()):
        torch.testing.assert_close(fast.layers[-1][clip, :n], slow.layers[-1][clip, :n], atol=1e-5, rtol=1e-5)


def test_checkpointed_gradients_are_the_same() -> None:
    plain = built(replace(POST, dropout=0.0)).train()
    again = copy.deepcopy(plain)
    again.checkpoint_gradients()
    for encoder in (plain, again):
        encoder(batch(), LENGTHS).layers[-1].square().mean().backward()
    for (name, one), other in zip(plain.named_parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, msg=name)


def test_the_closed_form_by_hand() -> None:
    """One second: 100 mel frames, 50 pairs; 51 places for 50 frames as the kernel is even; three layers."""
    front = 100 * 257 * 20 + 50 * 40 * 24
    positions = 51 * 24 * 6 * 8
    layer = 50 * (4 * 24 * 24 + 2 * 50 * 24 + 2 * 24 * 40)
    assert encoder_macs(replace(POST, heads=2), 16_000) == front + positions + 3 * layer


@pytest.mark.parametrize("seconds", SECONDS)
@pytest.mark.parametrize("name", SHAPES)
def test_inference_agrees_with_the_closed_form(name: str, seconds: float) -> None:
    counted = inference_flops(lambda: TransformerEncoder(SHAPES[name]), seconds)
    assert counted.flops == pytest.approx(2 * encoder_macs(SHAPES[name], round(seconds * 16_000)), rel=1e-3)
    assert not counted.suspects


@pytest.mark.parametrize("name", SHAPES)
def test_parameters_are_counted(name: str) -> None:
    with fake_tensors():
        encoder = TransformerEncoder(SHAPES[name])
        assert encoder_parameters(SHAPES[name]) == sum(p.numel() for p in encoder.parameters())
    assert isinstance(encoder, Encoder)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="320 samples, got 319"):
        built(POST)(torch.zeros(1, 319))
    for wrong in ({"heads": 5}, {"position_groups": 7}, {"layers": 0}, {"dropout": 1.0}, {"stack": 0}):
        with pytest.raises(ValueError, match="must"):
            replace(POST, **wrong)
