"""`sslbench convert` as typed: a folder with weights and settings, or one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "models" / "loading"))
try:
    import foreign_checkpoints as foreign
finally:
    sys.path.pop(0)

Run = Callable[..., subprocess.CompletedProcess[str]]
WEIGHTS = {"mask_emb": torch.ones(16), "layer_norm.weight": torch.ones(8)}


def test_a_checkpoint_becomes_a_folder(sslbench: Run, tmp_path: Path) -> None:
    foreign.fairseq_omegaconf(tmp_path / "my hubert.pt", WEIGHTS, normalise=True)
    done = sslbench("convert", "my hubert.pt", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "omegaconf.dictconfig.DictConfig" in done.stdout
    assert done.stdout.splitlines()[-1] == "next:     sslbench measure hubert-base --pretrained 'my hubert'"
    assert {path.name for path in (tmp_path / "my hubert").iterdir()} == {"model.safetensors", "checkpoint.json"}
    again = sslbench("convert", "my hubert.pt", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert "my hubert: exists already" in again.stderr


def test_json_is_one_document(sslbench: Run, tmp_path: Path) -> None:
    foreign.fairseq_namespace(tmp_path / "x.pt", WEIGHTS, normalise=False)
    done = sslbench("convert", "x.pt", "--out", "out", "--json", cwd=tmp_path)
    document = json.loads(done.stdout)
    assert (document["out"], document["place"], document["file"]) == ("out", "model", "x.pt")
    assert document["configuration"]["args"]["arch"] == "hubert"


class Runs:
    def __reduce__(self) -> object:
        return os.system, ("touch trace",)


@pytest.mark.parametrize(
    "value", [Runs(), {"model": Runs()}, {"model": WEIGHTS, "cfg": Runs()}], ids=["alone", "model", "settings"]
)
def test_code_in_a_checkpoint_is_not_run(sslbench: Run, tmp_path: Path, value: object) -> None:
    """Neither by path nor converted; what is beside the code is kept."""
    torch.save(value, tmp_path / "x.pt")
    done = sslbench("convert", "x.pt", cwd=tmp_path)
    by_path = sslbench("measure", "hubert-tiny", "--pretrained", "x.pt", "--no-idle", "--out", "run", cwd=tmp_path)
    assert not (tmp_path / "trace").exists()
    assert done.returncode == (0 if isinstance(value, dict) and "cfg" in value else 2)
    assert by_path.returncode == 2
    assert "sslbench convert x.pt" in by_path.stderr
    assert len(by_path.stderr.splitlines()) == 1
    assert len(done.stderr.splitlines()) == done.returncode // 2


@pytest.mark.slow
def test_what_was_converted_is_measured(sslbench: Run, tmp_path: Path) -> None:
    """The smallest model of the family, under fairseq's names for what they differ in."""
    from ssl_models.catalog import load_model

    ours = load_model("hubert-tiny").model.state_dict()
    rules = (
        ("masked_spec_embed", "mask_emb"), ("feature_projection.projection", "post_extract_proj"),
        ("feature_projection.layer_norm", "layer_norm"), (".attention.", ".self_attn."),
        ("feed_forward.intermediate_dense", "fc1"), ("feed_forward.output_dense", "fc2"),
        ("pos_conv_embed.conv.parametrizations.weight.original0", "pos_conv.0.weight_g"),
        ("pos_conv_embed.conv.parametrizations.weight.original1", "pos_conv.0.weight_v"), ("pos_conv_embed.conv", "pos_conv.0"),
    )  # fmt: skip
    theirs = {}
    for name, tensor in ours.items():
        renamed = name
        for before, after in rules:
            renamed = renamed.replace(before, after)
        if renamed.startswith("encoder.layers.") and ".self_attn." not in renamed:
            renamed = renamed.replace(".layer_norm.", ".self_attn_layer_norm.")
        theirs[renamed] = tensor
    foreign.fairseq_namespace(tmp_path / "x.pt", theirs, normalise=True)
    assert sslbench("convert", "x.pt", cwd=tmp_path).returncode == 0
    asked = ("--clip-seconds", "1", "--minutes", "0.03", "--no-idle", "--out", "run", "--json")
    done = sslbench("measure", "hubert-tiny", "--pretrained", "x", *asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = {row["metric"]: row["value"] for row in json.loads(done.stdout)["measurements"]}
    assert found["audio_seconds_per_second"] > 0
