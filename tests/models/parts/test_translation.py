"""Weights that come from elsewhere: names as others give them, written out here by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor

from ssl_models.baselines.data2vec.config import Data2VecEncoderConfig
from ssl_models.baselines.data2vec.encoder import build_encoder as build_data2vec
from ssl_models.baselines.wav2vec2.config import ArchitectureConfig
from ssl_models.baselines.wav2vec2.encoder import build_encoder, transformers_settings
from ssl_models.catalog import load_model
from ssl_models.errors import BadInputError
from ssl_models.loading.pretrained import load_pretrained
from ssl_models.parts.key_names import transformers_names

SMALL = ArchitectureConfig(
    "hubert", 16, 2, 2, 24, (8, 8), (10, 3), (5, 2), position_kernel=4, position_groups=2
)  # fmt: skip
FAIRSEQ_LAYER = {
    "attention.k_proj": "self_attn.k_proj", "attention.v_proj": "self_attn.v_proj", "attention.q_proj": "self_attn.q_proj",
    "attention.out_proj": "self_attn.out_proj", "layer_norm": "self_attn_layer_norm",
    "feed_forward.intermediate_dense": "fc1", "feed_forward.output_dense": "fc2", "final_layer_norm": "final_layer_norm",
}  # fmt: skip
TORCHAUDIO_LAYER = {name: name for name in FAIRSEQ_LAYER}


def named(layer: dict[str, str], prefix: str, rest: dict[str, str]) -> dict[str, str]:
    """transformers' names of the small model to somebody else's."""
    names = dict(rest)
    for number in range(2):
        for ours, theirs in layer.items():
            for part in ("weight", "bias"):
                names[f"encoder.layers.{number}.{ours}.{part}"] = f"{prefix}.{number}.{theirs}.{part}"
    return names


FAIRSEQ = named(FAIRSEQ_LAYER, "encoder.layers", {
    "masked_spec_embed": "mask_emb",
    "feature_extractor.conv_layers.0.conv.weight": "feature_extractor.conv_layers.0.0.weight",
    "feature_extractor.conv_layers.0.layer_norm.weight": "feature_extractor.conv_layers.0.2.weight",
    "feature_extractor.conv_layers.0.layer_norm.bias": "feature_extractor.conv_layers.0.2.bias",
    "feature_extractor.conv_layers.1.conv.weight": "feature_extractor.conv_layers.1.0.weight",
    "feature_projection.layer_norm.weight": "layer_norm.weight",
    "feature_projection.layer_norm.bias": "layer_norm.bias",
    "feature_projection.projection.weight": "post_extract_proj.weight",
    "feature_projection.projection.bias": "post_extract_proj.bias",
    "encoder.pos_conv_embed.conv.bias": "encoder.pos_conv.0.bias",
    "encoder.pos_conv_embed.conv.parametrizations.weight.original0": "encoder.pos_conv.0.weight_g",
    "encoder.pos_conv_embed.conv.parametrizations.weight.original1": "encoder.pos_conv.0.weight_v",
    "encoder.layer_norm.weight": "encoder.layer_norm.weight",
    "encoder.layer_norm.bias": "encoder.layer_norm.bias",
})  # fmt: skip
TORCHAUDIO = named(TORCHAUDIO_LAYER, "encoder.transformer.layers", {
    "feature_extractor.conv_layers.0.conv.weight": "feature_extractor.conv_layers.0.conv.weight",
    "feature_extractor.conv_layers.0.layer_norm.weight": "feature_extractor.conv_layers.0.layer_norm.weight",
    "feature_extractor.conv_layers.0.layer_norm.bias": "feature_extractor.conv_layers.0.layer_norm.bias",
    "feature_extractor.conv_layers.1.conv.weight": "feature_extractor.conv_layers.1.conv.weight",
    "feature_projection.layer_norm.weight": "encoder.feature_projection.layer_norm.weight",
    "feature_projection.layer_norm.bias": "encoder.feature_projection.layer_norm.bias",
    "feature_projection.projection.weight": "encoder.feature_projection.projection.weight",
    "feature_projection.projection.bias": "encoder.feature_projection.projection.bias",
    "encoder.pos_conv_embed.conv.bias": "encoder.transformer.pos_conv_embed.conv.bias",
    "encoder.pos_conv_embed.conv.parametrizations.weight.original0": "encoder.transformer.pos_conv_embed.conv.weight_g",
    "encoder.pos_conv_embed.conv.parametrizations.weight.original1": "encoder.transformer.pos_conv_embed.conv.weight_v",
    "encoder.layer_norm.weight": "encoder.transformer.layer_norm.weight",
    "encoder.layer_norm.bias": "encoder.transformer.layer_norm.bias",
})  # fmt: skip
HEADS = ("final_proj.weight", "label_embs_concat", "quantizer.vars", "project_q.weight", "aux.weight", "lm_head.bias")


def weights() -> dict[str, Tensor]:
    torch.manual_seed(5)
    return {name: value.clone() for name, value in build_encoder(SMALL).model.state_dict().items()}


@pytest.mark.parametrize("names", [FAIRSEQ, TORCHAUDIO], ids=["fairseq", "torchaudio"])
@pytest.mark.parametrize("prefix", ["", "w2v_encoder.w2v_model."])
def test_foreign_names_are_found(names: dict[str, str], prefix: str) -> None:
    """Every tensor of the encoder and no other, each under its own name."""
    ours = weights()
    theirs = {prefix + names[name]: value for name, value in ours.items() if name in names}
    theirs |= {prefix + name: torch.zeros(1) for name in HEADS}
    found = transformers_names(theirs)
    assert found.keys() == names.keys()
    assert all(torch.equal(found[name], ours[name]) for name in names)


def test_every_tensor_of_the_small_model_has_a_foreign_name() -> None:
    assert set(weights()) == set(FAIRSEQ) == set(TORCHAUDIO) | {"masked_spec_embed"}


def test_weights_of_a_file_are_the_encoder_s(tmp_path: Path) -> None:
    ours = weights()
    save_file({FAIRSEQ[name]: value for name, value in ours.items()}, tmp_path / "hubert.safetensors")
    encoder = build_encoder(SMALL)
    load_pretrained(encoder, str(tmp_path / "hubert.safetensors"))
    assert all(torch.equal(value, ours[name]) for name, value in encoder.model.state_dict().items())
    assert not encoder.normalise


def test_a_folder_brings_its_normalisation(tmp_path: Path) -> None:
    save_file({f"hubert.{name}": value for name, value in weights().items()}, tmp_path / "model.safetensors")
    (tmp_path / "preprocessor_config.json").write_text('{"do_normalize": true}')
    encoder = build_encoder(SMALL)
    load_pretrained(encoder, str(tmp_path))
    assert encoder.normalise


def refused(where: str, *words: str) -> None:
    with pytest.raises(BadInputError) as caught:
        load_pretrained(build_encoder(SMALL), where)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words), caught.value


def test_what_cannot_be_loaded_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    refused(str(tmp_path / "no such"), "no such folder")
    refused(str(tmp_path), "no .safetensors")
    refused("nobody/no-such-model", "it could not be downloaded from the hub")
    torch.save({}, tmp_path / "pytorch_model.bin")
    refused(str(tmp_path), "no .safetensors", f"--pretrained {tmp_path / 'pytorch_model.bin'}")
    refused(str(tmp_path / "pytorch_model.bin"), "it holds no tensors of a model")
    other = weights()
    del other["encoder.layer_norm.bias"]
    other["encoder.layer_norm.weight"] = torch.zeros(3)
    save_file(other, tmp_path / "model.safetensors")
    refused(str(tmp_path), "another model", "1 missing", "1 of another shape")


def saved(folder: Path, family: str = "Hubert", **changed: Any) -> Path:
    """A folder as transformers writes it, of the small model but for what is changed."""
    config = getattr(transformers, f"{family}Config")(**{**transformers_settings(SMALL), **changed})
    getattr(transformers, f"{family}Model")(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("family", "changed"),
    [
        ("Wav2Vec2", {}),
        ("UniSpeech", {}),
        ("Hubert", {"num_attention_heads": 4}),
        ("Hubert", {"do_stable_layer_norm": True}),
        ("Hubert", {"hidden_act": "relu"}),
        ("Hubert", {"feat_extract_activation": "relu"}),
        ("Hubert", {"layer_norm_eps": 1e-3}),
        ("Hubert", {"conv_stride": (5, 3)}),
    ],
)
def test_weights_that_fit_and_compute_something_else_are_refused(
    tmp_path: Path, family: str, changed: dict[str, Any]
) -> None:
    """All shapes agree; by the folder and by the file in it, which has its settings beside it."""
    folder = saved(tmp_path / "folder", family, **changed)
    for where in (folder, folder / "model.safetensors"):
        refused(str(where), "another model", *(changed or {"model_type"}))


def test_settings_that_do_not_touch_the_function_are_taken(tmp_path: Path) -> None:
    more = {"hidden_dropout": 0.3, "layerdrop": 0.0, "mask_time_prob": 0.2, "vocab_size": 99, "initializer_range": 0.5}
    encoder = build_encoder(SMALL)
    load_pretrained(encoder, str(saved(tmp_path / "folder", **more)))
    wanted = load_file(tmp_path / "folder" / "model.safetensors")
    assert all(torch.equal(encoder.model.state_dict()[name], tensor) for name, tensor in wanted.items())


@pytest.mark.parametrize("family", ["wav2vec2", "hubert", "wavlm", "data2vec-audio"])
def test_every_family_takes_its_own_folder(tmp_path: Path, family: str) -> None:
    """As transformers writes it, layer norm in the front end or group norm."""
    if family == "data2vec-audio":
        shape = Data2VecEncoderConfig(16, 2, 2, 24, (8, 8), (10, 3), (5, 2), 1, 3, 2)
        one, other = build_data2vec(shape), build_data2vec(shape)
    else:
        shapes = [
            replace(SMALL, family=family, conv_norm=norm, pre_norm=norm == "layer") for norm in ("group", "layer")
        ]  # type: ignore[arg-type]
        for shape in shapes[:-1]:
            build_encoder(shape).model.save_pretrained(tmp_path / "group")
            load_pretrained(build_encoder(shape), str(tmp_path / "group"))
        one, other = build_encoder(shapes[-1]), build_encoder(shapes[-1])
    one.model.save_pretrained(tmp_path / "folder")
    load_pretrained(other, str(tmp_path / "folder"))
    assert all(torch.equal(other.model.state_dict()[name], tensor) for name, tensor in one.model.state_dict().items())


def test_without_settings_the_family_in_the_names_tells(tmp_path: Path) -> None:
    """torchaudio calls HuBERT wav2vec2 too, and is known by its other names."""
    ours = weights()
    for family in ("wav2vec2", "wavlm", "data2vec_audio"):
        save_file({f"{family}.{name}": value for name, value in ours.items()}, tmp_path / "x.safetensors")
        refused(str(tmp_path / "x.safetensors"), f"model_type {family.replace('_', '-')}, not hubert")
    theirs = {f"wav2vec2.{TORCHAUDIO[name]}": value for name, value in ours.items() if name in TORCHAUDIO}
    save_file(theirs, tmp_path / "x.safetensors")
    load_pretrained(build_encoder(SMALL), str(tmp_path / "x.safetensors"))


def test_the_normalisation_beside_a_file_comes_along(tmp_path: Path) -> None:
    save_file(weights(), tmp_path / "x.safetensors")
    encoder = build_encoder(SMALL)
    for wish in (True, False):
        (tmp_path / "processor_config.json").write_text(json.dumps({"feature_extractor": {"do_normalize": wish}}))
        load_pretrained(encoder, str(tmp_path / "x.safetensors"))
        assert encoder.normalise is wish


def test_a_tensor_that_no_head_has_is_of_another_model(tmp_path: Path) -> None:
    save_file(weights() | {"encoder.layers.0.adapter.weight": torch.zeros(1)}, tmp_path / "x.safetensors")
    refused(str(tmp_path / "x.safetensors"), "1 unexpected", "adapter")
    save_file(weights() | {"speaker_mixer.weight": torch.zeros(1)}, tmp_path / "x.safetensors")
    refused(str(tmp_path / "x.safetensors"), "1 unexpected", "speaker_mixer")


def test_what_the_hub_has_as_pickles_alone_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings by themselves would give a model with random weights."""
    transformers.HubertConfig(**transformers_settings(SMALL)).save_pretrained(tmp_path)
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: str(tmp_path))
    for name in ("hf:some/model", "hf:some/other"):
        with pytest.raises(BadInputError, match=rf"{name}: the hub has no \.safetensors file of it"):
            load_model(name)
    refused("some/model", "the hub has no .safetensors")
    assert load_model("hf:some/model", weights=False).frame_rate == 1_600.0
