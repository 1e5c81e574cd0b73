"""The catalog: cards say what the built models are, and names lead to models."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ssl_models.catalog import CATALOG, card, checkpoint_folder, load_model, pretraining, require_pretrained
from ssl_models.efficient.config import EFFICIENT, EfficientConfig, EncoderConfig, ObjectiveConfig
from ssl_models.efficient.masked_prediction import MaskedPrediction
from ssl_models.errors import BadInputError, choose
from ssl_models.families import family_of
from ssl_models.loading.checkpoints import CONFIG, WEIGHTS, save_pretraining
from ssl_models.parts.transformers_encoder import TransformersEncoder

SMALL = EfficientConfig(EncoderConfig(16, 2, 2, 24), ObjectiveConfig(clusters=5))


def run_folder(root: Path, *steps: int) -> dict[int, MaskedPrediction]:
    """A run as `train-and-measure` leaves it: checkpoints of different weights."""
    found = {}
    for step in steps:
        torch.manual_seed(step)
        found[step] = MaskedPrediction(SMALL)
        folder = root / "checkpoints" / f"step-{step:09d}"
        folder.mkdir(parents=True)
        save_pretraining(found[step], "efficient-tiny", SMALL, folder)
    return found


@pytest.mark.parametrize("name", EFFICIENT)
def test_a_card_says_what_the_built_encoder_is(name: str) -> None:
    with torch.device("meta"):
        module = pretraining(name)
    known = card(name)
    assert known.parameters == sum(p.numel() for p in module.encoder.parameters())
    assert known.name == name
    assert known.frame_rate == 25.0
    assert str(module.quantiser.centroids.shape[0]) in known.objective
    assert f"{len(module.encoder.blocks)} pre-norm blocks" in known.about


def test_the_card_of_a_run_is_that_of_its_settings(tmp_path: Path) -> None:
    module = run_folder(tmp_path, 3)[3]
    known = card(str(tmp_path))
    assert known.parameters == sum(p.numel() for p in module.encoder.parameters())
    assert (known.name, "efficient-tiny" in known.about) == (str(tmp_path), True)


def test_a_catalog_model_has_random_weights_in_evaluation_mode() -> None:
    encoder = load_model("efficient-tiny")
    assert not any(module.training for module in encoder.modules())
    assert encoder.config == EFFICIENT["efficient-tiny"].encoder
    assert not torch.equal(encoder.project.weight, load_model("efficient-tiny").project.weight)


def test_a_run_is_a_model_by_its_folder(tmp_path: Path) -> None:
    """The newer of two checkpoints, whether the run or the checkpoint is named."""
    saved = run_folder(tmp_path, 20, 100)
    waveforms = torch.randn(1, 3200, generator=torch.Generator().manual_seed(0))
    for folder in (tmp_path, tmp_path / "checkpoints" / "step-000000100"):
        encoder = load_model(str(folder))
        assert torch.equal(encoder(waveforms).layers[-1], saved[100].encoder(waveforms).layers[-1])
    assert checkpoint_folder(tmp_path).name == "step-000000100"


@pytest.mark.parametrize("typed", ["efficient-tny", "tiny", "eficient-tiny", "Efficient-Tiny"])
@pytest.mark.parametrize("action", [card, load_model, pretraining])
def test_an_unknown_name_offers_the_nearest(action: object, typed: str) -> None:
    with pytest.raises(BadInputError, match="efficient-tiny") as caught:
        action(typed)  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_a_name_near_nothing_lists_all() -> None:
    with pytest.raises(BadInputError, match="known: alpha, beta"):
        choose("zzz", ["alpha", "beta"], "thing")


def test_a_known_name_is_itself() -> None:
    assert choose("beta", iter(["alpha", "beta"]), "thing") == "beta"


@pytest.mark.parametrize("broken", ["no checkpoint", "no folder", "broken settings", "truncated weights"])
def test_a_broken_run_is_refused_in_one_line(tmp_path: Path, broken: str) -> None:
    run_folder(tmp_path, 1)
    folder = tmp_path / "checkpoints" / "step-000000001"
    name = str(tmp_path)
    match broken:
        case "no checkpoint":
            (folder / CONFIG).unlink()
        case "no folder":
            name = str(tmp_path / "elsewhere")
        case "broken settings":
            (folder / CONFIG).write_text("{}")
        case _:
            (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-8])
    with pytest.raises(BadInputError, match=str(tmp_path)) as caught:
        load_model(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["efficient-tiny", "essl-tiny", "hubert-tiny", "data2vec-audio-base", "melhubert-tiny"]
)
def test_published_weights_are_for_models_of_transformers(name: str) -> None:
    """What is known without building the model agrees with what is built."""
    with torch.device("meta"):
        encoder = family_of(CATALOG[name]).encoder(CATALOG[name])
    if isinstance(encoder, TransformersEncoder):
        require_pretrained(name, "facebook/hubert-base-ls960")
    else:
        with pytest.raises(BadInputError, match="only models from transformers"):
            require_pretrained(name, "facebook/hubert-base-ls960")


@pytest.mark.parametrize("where", ["/nowhere/x", "gone.safetensors", "too/many/parts"])
def test_published_weights_that_are_nowhere_are_refused(where: str) -> None:
    with pytest.raises(BadInputError, match=f"--pretrained {where}: no such folder or file"):
        require_pretrained("hubert-base", where)
    require_pretrained("essl", None)
