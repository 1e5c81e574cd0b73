"""Models on disk: the round trip, and every way in which a checkpoint may be broken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from ssl_models.efficient.config import EfficientConfig, EncoderConfig, ObjectiveConfig
from ssl_models.efficient.masked_prediction import MaskedPrediction
from ssl_models.errors import BadInputError
from ssl_models.loading.checkpoints import CONFIG, WEIGHTS, load_weights, read_config, read_tensors, save_pretraining
from ssl_models.optimisation import OptimisationConfig

SMALL = EfficientConfig(
    EncoderConfig(16, 2, 2, 24), ObjectiveConfig(clusters=5), OptimisationConfig(clip=0.5, betas=(0.8, 0.9))
)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, MaskedPrediction]:
    torch.manual_seed(1)
    module = MaskedPrediction(SMALL)
    module.quantiser.centroids.normal_()
    module.quantiser.fitted.fill_(value=True)
    save_pretraining(module, "small", SMALL, tmp_path)
    return tmp_path, module


def message(action: Callable[[], object]) -> str:
    """What the user reads: one line."""
    with pytest.raises(BadInputError) as caught:
        action()
    text = str(caught.value)
    assert text
    assert "\n" not in text
    return text


def test_the_round_trip_is_exact(saved: tuple[Path, MaskedPrediction]) -> None:
    folder, module = saved
    name, config = read_config(folder)
    assert (name, config) == ("small", SMALL)
    other = MaskedPrediction(config)
    load_weights(other, folder)
    for key, value in module.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key
    assert bool(other.quantiser.fitted)


def test_others_can_read_the_weights(saved: tuple[Path, MaskedPrediction]) -> None:
    """Through safetensors' numpy door: names and values, no pickle."""
    folder, module = saved
    tensors = safetensors.numpy.load_file(folder / WEIGHTS)
    assert set(tensors) == set(module.state_dict())
    np.testing.assert_array_equal(tensors["head.weight"], module.head.weight.detach().numpy())
    assert json.loads((folder / CONFIG).read_text())["model_type"] == "sslbench-efficient"


BROKEN_SETTINGS = {
    "empty": "",
    "not JSON": "{",
    "not an object": "[1, 2]",
    "null": "null",
    "no encoder": '{"name": "x", "objective": {}, "optimisation": {"betas": [0.9, 0.98]}}',
    "unknown key": '{"name": "x", "encoder": {"depth": 3}, "objective": {}, "optimisation": {"betas": [0.9, 0.98]}}',
    "text for a number": '{"name": "x", "encoder": {"width": "a", "blocks": 1, "heads": 1, "hidden": 1}, "objective": {}, "optimisation": {"betas": []}}',
    "odd heads": '{"name": "x", "encoder": {"width": 9, "blocks": 1, "heads": 3, "hidden": 1}, "objective": {}, "optimisation": {"betas": []}}',
    "no heads": '{"name": "x", "encoder": {"width": 9, "blocks": 1, "heads": 0, "hidden": 1}, "objective": {}, "optimisation": {"betas": []}}',
    "no betas": '{"name": "x", "encoder": {}, "objective": {}, "optimisation": {}}',
    "a list for settings": '{"name": "x", "encoder": {}, "objective": {}, "optimisation": []}',
}


@pytest.mark.parametrize("text", BROKEN_SETTINGS.values(), ids=BROKEN_SETTINGS.keys())
def test_broken_settings_are_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / CONFIG).write_text(text)
    assert str(tmp_path / CONFIG) in message(lambda: read_config(tmp_path))


def test_settings_that_are_not_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / CONFIG).write_bytes(b"\xff\xfe\x00")
    assert "not a model's settings" in message(lambda: read_config(tmp_path))


def test_missing_files_are_named(tmp_path: Path) -> None:
    assert f"{tmp_path / CONFIG}: no such file" in message(lambda: read_config(tmp_path))
    assert f"{tmp_path / WEIGHTS}: no such file" in message(lambda: load_weights(MaskedPrediction(SMALL), tmp_path))


@pytest.mark.parametrize("kept", [0, 5, 200, -1])
def test_truncated_weights_are_refused(saved: tuple[Path, MaskedPrediction], kept: int) -> None:
    folder, module = saved
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:kept])
    assert "not a safetensors file" in message(lambda: load_weights(module, folder))


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    torch.save({"head.weight": torch.zeros(2)}, tmp_path / WEIGHTS)
    assert "not a safetensors file" in message(lambda: read_tensors(tmp_path / WEIGHTS))


def test_a_folder_for_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).mkdir()
    assert str(tmp_path / WEIGHTS) in message(lambda: read_tensors(tmp_path / WEIGHTS))


@pytest.mark.parametrize(
    "other",
    [
        replace(SMALL, encoder=EncoderConfig(24, 2, 2, 24)),
        replace(SMALL, encoder=EncoderConfig(16, 3, 2, 24)),
        replace(SMALL, encoder=EncoderConfig(16, 1, 2, 24)),
        replace(SMALL, objective=ObjectiveConfig(clusters=6)),
    ],
    ids=["width", "more blocks", "fewer blocks", "clusters"],
)
def test_weights_of_another_model_are_refused(saved: tuple[Path, MaskedPrediction], other: EfficientConfig) -> None:
    assert "weights of another model" in message(lambda: load_weights(MaskedPrediction(other), saved[0]))
