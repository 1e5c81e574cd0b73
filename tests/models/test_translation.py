"""Weights that come from elsewhere: names as others give them, written out here by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from models.errors import BadInputError
from models.pretrained import load_pretrained
from models.translation import transformers_names
from models.wav2vec2_family.config import ArchitectureConfig
from models.wav2vec2_family.encoder import build_encoder

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
    refused("nobody/no-such-model", "the hub did not give it")
    torch.save({}, tmp_path / "pytorch_model.bin")
    refused(str(tmp_path), "unpickled")
    other = weights()
    del other["encoder.layer_norm.bias"]
    other["encoder.layer_norm.weight"] = torch.zeros(3)
    save_file(other, tmp_path / "model.safetensors")
    refused(str(tmp_path), "another model", "1 missing", "1 of another shape")
