"""Checkpoints of other tools load by path, or are converted first; features are those of the original definition.

The definition is that of transformers with the same weights, to whose names they are translated by a table written by
hand: torchaudio, which has definitions of its own, breaks transformers where it is installed beside this torch.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import load_file
from torch import Tensor, serialization

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "parts"))
try:
    import foreign_checkpoints as foreign
    from test_translation import FAIRSEQ, SMALL, TORCHAUDIO, weights
finally:
    sys.path[:2] = []

from ssl_models.baselines.wav2vec2.encoder import build_encoder, transformers_settings
from ssl_models.errors import BadInputError
from ssl_models.loading.converting.conversion import convert
from ssl_models.loading.pretrained import load_pretrained

Write = Callable[..., None]
REFUSED: dict[str, tuple[Write, dict[str, Any], str]] = {
    "fairseq, argparse": (foreign.fairseq_namespace, {}, "argparse.Namespace"),
    "fairseq, argparse, before torch 1.6": (foreign.fairseq_namespace, {"older": True}, "argparse.Namespace"),
    "fairseq, omegaconf": (foreign.fairseq_omegaconf, {}, "omegaconf"),
}
"""What torch refuses to load as weights, with the class that it names."""
TAKEN: dict[str, tuple[Write, dict[str, Any]]] = {"s3prl, converted": (foreign.s3prl_converted, {})}


def named(names: dict[str, str]) -> dict[str, Tensor]:
    """The small model's weights under the names of another tool."""
    return {names[name]: value for name, value in weights().items() if name in names}


def features(where: Path) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Of two clips: those of the encoder with weights from `where`, and the definition's on plain and normalised clips."""
    encoder = build_encoder(SMALL).eval()
    load_pretrained(encoder, str(where))
    model = transformers.HubertModel(transformers.HubertConfig(**transformers_settings(SMALL)))
    model.load_state_dict(weights())
    clips = 0.1 * torch.randn(2, 3_000, generator=torch.Generator().manual_seed(1)) + 0.05
    normal = transformers.Wav2Vec2FeatureExtractor(do_normalize=True)
    prepared = normal(list(clips.numpy()), sampling_rate=16_000, return_tensors="pt").input_values
    with torch.no_grad():
        plain, scaled = (model.eval()(each, output_hidden_states=True).hidden_states for each in (clips, prepared))
        return list(encoder(clips).layers), list(plain), list(scaled)


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("kind", [*REFUSED, *TAKEN])
def test_features_are_those_of_the_definition(tmp_path: Path, kind: str, *, normalise: bool) -> None:
    """By path where torch takes it, converted where it does not; clips are normalised as the checkpoint says."""
    write, more, *_ = {**REFUSED, **TAKEN}[kind]
    path = tmp_path / "checkpoint.pt"
    write(path, named(FAIRSEQ), normalise=normalise, **more)
    if kind in REFUSED:
        convert(path, tmp_path / "converted")
        path = tmp_path / "converted"
    found, plain, scaled = features(path)
    assert not same(plain, scaled)
    assert same(found, scaled if normalise else plain)


def test_a_state_dictionary_of_torchaudio_loads_by_path(tmp_path: Path) -> None:
    foreign.torchaudio_state(tmp_path / "hubert.pth", named(TORCHAUDIO))
    found, plain, _ = features(tmp_path / "hubert.pth")
    assert same(found, plain)


def refused(where: Path, *words: str) -> None:
    with pytest.raises(BadInputError) as caught:
        load_pretrained(build_encoder(SMALL), str(where))
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("kind", REFUSED)
def test_what_torch_refuses_is_one_line_that_names_the_command(tmp_path: Path, kind: str) -> None:
    write, more, held = REFUSED[kind]
    write(tmp_path / "a b.pt", named(FAIRSEQ), normalise=False, **more)
    refused(tmp_path / "a b.pt", f"it holds a {held}", f"sslbench convert '{tmp_path / 'a b.pt'}'")


def test_no_class_that_others_allow_is_loaded(tmp_path: Path) -> None:
    """The list of safe classes is for their own use, and stays theirs."""
    foreign.fairseq_namespace(tmp_path / "x.pt", named(FAIRSEQ), normalise=False)
    from argparse import Namespace

    with serialization.safe_globals([Namespace]):
        before = set(serialization.get_safe_globals())
        refused(tmp_path / "x.pt", "argparse.Namespace")
        assert set(serialization.get_safe_globals()) == before


def test_what_is_converted_is_all_that_the_model_has(tmp_path: Path) -> None:
    """Names and numbers as saved; the configuration in plain words, the rest named."""
    theirs = named(FAIRSEQ)
    foreign.fairseq_omegaconf(tmp_path / "x.pt", theirs, normalise=True)
    found = convert(tmp_path / "x.pt", tmp_path / "out")
    tensors = load_file(tmp_path / "out" / "model.safetensors")
    wanted = foreign.heads(theirs)
    assert tensors.keys() == wanted.keys()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in tensors.items())
    document = json.loads((tmp_path / "out" / "checkpoint.json").read_text())
    assert document["configuration"]["cfg"]["model"]["conv_feature_layers"] == "[(8,10,5)] + [(8,3,2)]"
    assert document["configuration"]["cfg"]["task"] == {
        "_name": "hubert_pretraining", "normalize": True, "labels": ["km"], "label_rate": 100.0
    }  # fmt: skip
    assert document["left_out"] == [
        "args", "criterion", "optimizer_history", "extra_state", "task_state", "last_optimizer_state"
    ]  # fmt: skip
    assert "omegaconf.dictconfig.DictConfig" in document["classes"]
    assert (found.place, found.tensors, found.cut) == ("model", len(wanted), False)
    assert found.parameters == sum(tensor.numel() for tensor in wanted.values())


def test_s3prl_s_own_pretraining_is_converted(tmp_path: Path) -> None:
    """A distilled model is none of the catalog's: its weights are there, and are refused as another model's."""
    foreign.s3prl_pretraining(tmp_path / "states.ckpt", named(FAIRSEQ))
    refused(tmp_path / "states.ckpt", "argparse.Namespace")
    found = convert(tmp_path / "states.ckpt", tmp_path / "out")
    assert (found.place, found.left_out) == ("Distiller", ("Optimizer", "Step"))
    assert found.configuration["Args"]["upstream"] == "distiller"
    refused(tmp_path / "out", "another model", "output_layer")


@pytest.mark.parametrize("name", ["wav2vec2", "data2vec_audio"])
def test_a_checkpoint_that_names_another_family_is_refused(tmp_path: Path, name: str) -> None:
    """Names and shapes of fairseq's models are the same for several families."""
    document = {"cfg": {"model": {"_name": name}, "task": {"normalize": False}}, "model": named(FAIRSEQ)}
    torch.save(document, tmp_path / "x.pt")
    refused(tmp_path / "x.pt", f"model_type {name.replace('_', '-')}, not hubert")


def test_a_folder_with_a_checkpoint_alone_names_it(tmp_path: Path) -> None:
    foreign.torchaudio_state(tmp_path / "hubert.pth", named(TORCHAUDIO))
    refused(tmp_path, f"--pretrained {tmp_path / 'hubert.pth'}")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "sslbench.converted/1"}', "{"])
def test_a_broken_configuration_beside_weights_is_one_line(tmp_path: Path, text: str) -> None:
    foreign.fairseq_namespace(tmp_path / "x.pt", named(FAIRSEQ), normalise=False)
    convert(tmp_path / "x.pt", tmp_path / "out")
    (tmp_path / "out" / "checkpoint.json").write_text(text)
    refused(tmp_path / "out", "checkpoint.json")


def test_where_it_is_written_is_checked_first(tmp_path: Path) -> None:
    write = partial(foreign.fairseq_namespace, tmp_path / "x.pt", named(FAIRSEQ), normalise=False)
    write()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").touch()
    for path, out, word in (
        (tmp_path / "x.pt", tmp_path / "full", "exists already"),
        (tmp_path / "x.pt", tmp_path / "x.pt", "exists already"),
        (tmp_path / "gone.pt", tmp_path / "out", "no such file"),
        (tmp_path, tmp_path / "out", "give a file in it"),
    ):
        with pytest.raises(BadInputError, match=word):
            convert(path, out)
    assert not (tmp_path / "out").exists()
