"""Our encoders out in the ecosystem: what transformers loads is what was saved."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ssl_models.baselines.essl.config import EsslEncoderConfig, StageConfig
from ssl_models.baselines.essl.encoder import EsslEncoder
from ssl_models.efficient.config import EncoderConfig
from ssl_models.efficient.encoder import EfficientEncoder
from ssl_models.errors import BadInputError

SMALL_ESSL = EsslEncoderConfig(
    StageConfig((8, 16), (5, 5), (2, 2), 1, 2, 24), StageConfig((16,), (5,), (2,), 2, 2, 24), mels=20,
    position_kernel=8, position_groups=2,
)  # fmt: skip
Saved = tuple[EfficientEncoder | EsslEncoder, Path]


@pytest.fixture(params=["efficient", "essl"])
def saved(tmp_path: Path, request: pytest.FixtureRequest) -> Saved:
    torch.manual_seed(3)
    efficient = request.param == "efficient"
    encoder = EfficientEncoder(EncoderConfig(16, 2, 2, 24, mels=20)) if efficient else EsslEncoder(SMALL_ESSL)
    encoder.eval().save_pretrained(tmp_path / "shared")
    return encoder, tmp_path / "shared"


def test_the_folder_has_no_pickle_and_names_its_kind(saved: Saved) -> None:
    assert sorted(path.name for path in saved[1].iterdir()) == ["config.json", "model.safetensors"]
    assert json.loads((saved[1] / "config.json").read_text())["model_type"] in {"sslbench-efficient", "sslbench-essl"}


def test_auto_model_gives_every_layer_of_a_padded_batch(saved: Saved) -> None:
    """The mel filters are in no checkpoint: transformers builds without values, so they must have been made again."""
    from transformers import AutoModel

    from ssl_models.loading.transformers_models import register_transformers

    encoder, folder = saved
    register_transformers()
    register_transformers()
    loaded = AutoModel.from_pretrained(folder, local_files_only=True)
    lengths = torch.tensor([9000, 4000])
    waveforms = torch.randn(2, 9000, generator=torch.Generator().manual_seed(0)) * 0.1
    mask = (torch.arange(9000) < lengths[:, None]).long()
    with torch.no_grad():
        expected = encoder(waveforms, lengths).layers
        given = loaded(waveforms, attention_mask=mask, output_hidden_states=True)
    for ours, theirs in zip(expected, given.hidden_states, strict=True):
        assert torch.equal(ours, theirs)
    assert torch.equal(given.last_hidden_state, expected[-1])


def test_from_pretrained_is_the_same_encoder(saved: Saved) -> None:
    encoder, folder = saved
    again = type(encoder).from_pretrained(folder)
    assert not again.training
    assert again.config == encoder.config
    for name, value in encoder.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name


def test_saving_leaves_the_encoder_as_it_was(saved: Saved) -> None:
    from ssl_models.parts.transformers_form import to_transformers

    encoder = saved[0]
    assert to_transformers(encoder).encoder is encoder
    assert all(p.device.type == "cpu" and p.requires_grad for p in encoder.parameters())


@pytest.mark.parametrize("spoil", ["no folder", "no weights", "broken settings", "a pickle"])
def test_what_cannot_be_loaded_is_one_line(saved: Saved, spoil: str) -> None:
    folder = saved[1]
    match spoil:
        case "no folder":
            folder = folder / "nowhere"
        case "no weights":
            (folder / "model.safetensors").unlink()
        case "broken settings":
            (folder / "config.json").write_text("{")
        case _:
            (folder / "model.safetensors").unlink()
            torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(BadInputError) as caught:
        type(saved[0]).from_pretrained(folder)
    assert "\n" not in str(caught.value)


def test_a_foreign_encoder_is_not_ours() -> None:
    from ssl_models.parts.transformers_form import to_transformers

    with pytest.raises(BadInputError, match="save_pretrained"):
        to_transformers(torch.nn.Linear(2, 2))


def test_a_folder_of_another_kind_is_refused(saved: Saved) -> None:
    other = EsslEncoder if isinstance(saved[0], EfficientEncoder) else EfficientEncoder
    with pytest.raises(BadInputError, match="another type"):
        other.from_pretrained(saved[1])


@pytest.mark.parametrize("spoil", ["missing", "unexpected"])
def test_weights_that_do_not_fill_the_model_are_refused(saved: Saved, spoil: str) -> None:
    file = saved[1] / "model.safetensors"
    tensors = load_file(file)
    name = min(tensors)
    if spoil == "missing":
        del tensors[name]
    else:
        tensors |= {f"{name}.again": tensors[name].clone()}
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(BadInputError, match=f"1 {spoil}.*such as {name}"):
        type(saved[0]).from_pretrained(saved[1])
