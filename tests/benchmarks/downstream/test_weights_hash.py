"""Whatever changes the features changes the hash, and nothing else does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ssl_benchmarks.downstream.features import LogMelControl
from ssl_benchmarks.downstream.weights_hash import weights_hash
from ssl_models.catalog import load_model
from ssl_models.efficient.config import EncoderConfig
from ssl_models.efficient.encoder import EfficientEncoder
from ssl_models.loading.user_encoder import UserEncoder, user_encoder
from ssl_models.parts.transformers_encoder import TransformersEncoder

OWN = """
import torch
class Own(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Conv1d(1, 4, 400, stride=STRIDE)
        with torch.no_grad():
            for p in self.parameters():
                p.fill_(0.5)
    def forward(self, waveforms, lengths=None):
        return self.inner(waveforms[:, None]).transpose(1, 2) * 2
def build():
    return Own()
"""


def efficient(seed: int = 0, **settings: int) -> EfficientEncoder:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return EfficientEncoder(EncoderConfig(32, 2, 2, 64, **settings)).eval()


def hubert(**settings: float) -> TransformersEncoder:
    from transformers import HubertConfig, HubertModel

    with torch.random.fork_rng():
        torch.manual_seed(0)
        small = HubertConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, conv_dim=(8, 8),
            conv_kernel=(10, 3), conv_stride=(5, 2), num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2, **settings,
        )  # fmt: skip
        return TransformersEncoder(HubertModel(small)).eval()


def own(folder: Path, name: str, source: str) -> UserEncoder:
    (folder / name).write_text(source)
    return user_encoder(f"{folder / name}:build")


@pytest.mark.parametrize("make", [efficient, hubert, LogMelControl], ids=["efficient", "hubert", "log-mel"])
def test_building_and_running_change_nothing(make: Callable[[], nn.Module]) -> None:
    first, second = make(), make()
    before = weights_hash(first)
    with torch.no_grad():
        first(torch.zeros(1, 16_000))
    assert weights_hash(first) == before == weights_hash(second)
    assert len(before) == 64


def test_another_process_agrees(warm: Callable[..., Any], tmp_path: Path) -> None:
    code = "import torch; from ssl_models.catalog import load_model; from ssl_benchmarks.downstream.weights_hash import weights_hash\n"
    code += "torch.manual_seed(0); print(weights_hash(load_model('efficient-tiny')))"
    found = warm(cwd=tmp_path, env=dict(os.environ), code=code).finish()
    assert found.returncode == 0, found.stderr
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert found.stdout.strip() == weights_hash(load_model("efficient-tiny"))


def test_one_weight_in_its_last_bit_is_another_model() -> None:
    one, two = efficient(), efficient()
    with torch.no_grad():
        last = list(two.parameters())[-1].view(-1)
        last[-1] = torch.nextafter(last[-1], torch.tensor(2.0))
    assert weights_hash(one) != weights_hash(two)


def test_settings_without_weights_of_their_own_count() -> None:
    """Frames joined, a clip's normalisation, an epsilon, heads: none is in the state."""
    normal = hubert()
    normal.normalise = True
    different: list[nn.Module] = [
        LogMelControl(80, 4), LogMelControl(80, 2), LogMelControl(40, 4),
        efficient(), efficient(1), hubert(), normal, hubert(layer_norm_eps=1e-3),
    ]  # fmt: skip
    heads = EfficientEncoder(EncoderConfig(32, 2, 4, 64)).eval()
    assert len({weights_hash(model) for model in [*different, heads]}) == len(different) + 1


def test_an_edited_forward_of_the_user_s_own_is_another_model(tmp_path: Path) -> None:
    """Equal weights, another factor or another stride."""
    source = OWN.replace("STRIDE", "320")
    models = [own(tmp_path, "a.py", source), own(tmp_path, "b.py", source.replace("* 2", "* 3"))]
    models.append(own(tmp_path, "c.py", OWN.replace("STRIDE", "160")))
    for model in models:
        model.name = "the same"
    assert len({weights_hash(model) for model in models}) == 3


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float64, torch.bool, torch.int64])
def test_any_type_and_shape_of_buffer(kind: torch.dtype) -> None:
    """Scalars and empty ones too."""
    found = set()
    for value in (0, 1):
        model = efficient()
        model.register_buffer("scalar", torch.tensor(value, dtype=kind))
        model.register_buffer("empty", torch.zeros(0, 3, dtype=kind), persistent=False)
        found.add(weights_hash(model))
    assert len(found) == 2
