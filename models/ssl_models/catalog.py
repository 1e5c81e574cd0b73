"""Every model by name: from the catalogue, a trained run's folder, a transformers folder, or a user's function."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssl_models.baselines.best_rq.config import BEST_RQ
from ssl_models.baselines.data2vec.config import DATA2VEC
from ssl_models.baselines.essl.config import ESSL
from ssl_models.baselines.melhubert.config import MELHUBERT
from ssl_models.baselines.wav2vec2.config import WAV2VEC2_FAMILY
from ssl_models.efficient.config import EFFICIENT
from ssl_models.errors import BadInputError, choose
from ssl_models.families import ModelConfig, NoObjectiveError, family_of
from ssl_models.identity import named_by_settings
from ssl_models.loading.checkpoints import load_weights, read_config
from ssl_models.loading.published_weights import not_taken, require_place
from ssl_models.parts.shareable import Shareable, read_card
from ssl_models.recipes import RECIPES, Recipe

if TYPE_CHECKING:
    from torch import nn

CATALOG: dict[str, ModelConfig] = {**EFFICIENT, **ESSL, **WAV2VEC2_FAMILY, **DATA2VEC, **MELHUBERT, **BEST_RQ}
HEADLINE = "efficient-small"
"""The efficient model that the claims are about, trained if there is a GPU; the best by counts and predicted memory."""

CLIP_SECONDS = 15


@dataclass(frozen=True)
class ModelCard:
    """What is known about a model without building it.

    Attributes:
        name: name in the catalogue, or the run's folder.
        parameters: number in the encoder.
        frame_rate: encoder frames per second.
        objective: objective of its pretraining.
        macs_per_audio_second: for encoding clips of 15 s.
        licence: licence of the code that builds the model; downloaded weights have their own.
        about: description in one line.
        recipe: the published recipe of a catalogue model.
    """

    name: str
    parameters: int
    frame_rate: float
    objective: str
    macs_per_audio_second: float
    licence: str
    about: str
    recipe: Recipe | None = None


def card(name: str) -> ModelCard:
    """The card of a catalogue model or a run folder.

    Raises:
        BadInputError: if the name is unknown or the folder unusable.
    """
    if is_foreign(name):
        raise BadInputError(f"{name}: a model of your own has no card; sslbench profile {name} counts it")
    trained, config = described(name)
    form, shape = family_of(config).closed_form, config.encoder
    objective = "not built yet" if config.objective is None else config.objective.line
    macs = form.encoder_macs(shape, CLIP_SECONDS * 16_000) / CLIP_SECONDS
    about = f"{trained}, trained in this run" if trained else shape.line
    return ModelCard(
        name, form.encoder_parameters(shape), shape.frame_rate, objective, macs, "Apache-2.0", about, RECIPES.get(name)
    )


def described(name: str) -> tuple[str, ModelConfig]:
    """The trained model's name (empty for a catalogue model; see `named`) and its settings.

    Raises:
        BadInputError: if the name is unknown or the folder unusable.
    """
    if is_run(name):
        model, config = read_config(checkpoint_folder(Path(name)))
        return named(model, config), config
    return "", CATALOG[choose(name, CATALOG, "model")]


def named(name: str, config: ModelConfig) -> str:
    """The name for a model with these settings: its catalogue name, with the differences added if there are any."""
    return named_by_settings(name, config, CATALOG[name]) if name in CATALOG else name


def require_name(name: str) -> None:
    """Reject a name that cannot be a model, before anything heavy is imported.

    Raises:
        BadInputError: naming the nearest known names.
    """
    if name.endswith(".py"):
        raise BadInputError(f"{name}: add the name of a function in it, as in {name}:build")
    file = name.rpartition(":")[0]
    if is_foreign(name) and file.endswith(".py") and not Path(file).is_file():
        raise BadInputError(f"{file}: no such file; write path/to/file.py:function")
    if not is_foreign(name) and not is_run(name):
        choose(name, CATALOG, "model")
    if is_run(name) and not Path(name).exists() and re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name):
        raise BadInputError(
            f"{name}: no such folder; for a model of the Hugging Face Hub write hf:{name} (it is downloaded)"
        )


def require_pretrained(name: str, pretrained: str | None) -> None:
    """Reject published weights that do not exist, or that the model does not take, before anything heavy is imported.

    Raises:
        BadInputError: naming the problem.
    """
    if pretrained is None:
        return
    require_place(pretrained, f"--pretrained {pretrained}")
    if not is_foreign(name) and not family_of(described(name)[1]).published:
        raise not_taken(pretrained)


def is_foreign(name: str) -> bool:
    """Whether the name is of a transformers folder (`hf:PATH`) or of a user's function (`file.py:function`)."""
    return name not in CATALOG and ":" in name and not Path(name).is_dir()


def is_own(name: str) -> bool:
    """Whether the name is of a user's function."""
    return is_foreign(name) and not name.startswith("hf:")


def is_run(name: str) -> bool:
    """Whether the name is a run's folder; a catalogue name takes precedence over a folder, which `./NAME` still reaches."""
    return name not in CATALOG and not is_foreign(name) and (Path(name).is_dir() or "/" in name)


def checkpoint_folder(folder: Path) -> Path:
    """The newest checkpoint of a run, or the folder itself if it is one.

    Raises:
        BadInputError: if there is none.
    """
    if (folder / "config.json").is_file():
        return folder
    found = sorted(folder.glob("checkpoints/step-*/config.json"))
    if not found:
        raise BadInputError(f"{folder}: neither a catalogue model nor a run folder with checkpoints/step-*/config.json")
    return found[-1].parent


def pretraining(name: str, *, pretrained: str | None = None, weights: bool = True) -> Any:  # noqa: ANN401 - a module that is a `ssl_models.interface.Pretraining`
    """The model with its objective: random weights for a catalogue name, the trained ones for a run's folder.

    A user's callable is an `ssl_models.loading.user_step.OpaqueStep`, which can only be run. Without `weights`, a run's model is built as before training, which is enough for counting. `pretrained` names
    published weights for its encoder; see `load_pretrained`.

    Raises:
        BadInputError: if the name is unknown, the folder unusable, or the model's objective not built.
    """
    if is_foreign(name):
        if name.startswith("hf:"):
            raise NoObjectiveError(
                f"{name}: a model from transformers has no objective here; only its inference can be measured"
            )
        from ssl_models.loading.user_objective import user_training

        return user_training(name)
    config = described(name)[1]
    try:
        module = family_of(config).pretraining(config)
    except NoObjectiveError as error:
        raise NoObjectiveError(f"{name}: {error}") from error
    if weights and is_run(name):
        load_weights(module, checkpoint_folder(Path(name)))
    _fill(module.encoder, pretrained)
    return module


def _fill(encoder: nn.Module, pretrained: str | None) -> None:
    if pretrained is not None:
        from ssl_models.loading.pretrained import load_pretrained

        load_pretrained(encoder, pretrained)


def load_model(name: str, *, pretrained: str | None = None, weights: bool = True) -> nn.Module:
    """An encoder in evaluation mode: `encoder(waveforms, lengths) -> SpeechFeatures`.

    Args:
        name: a catalogue name (random weights), a run's folder, `hf:PATH` of a transformers folder (or `hf:OWNER/NAME`
            on the hub, which is downloaded), `path/file.py:function` or `package.module:function`.
        pretrained: published weights for a catalogue model; see `ssl_models.loading.pretrained.load_pretrained`.
        weights: whether to load the weights of a folder; counting needs none.

    Raises:
        BadInputError: if the name is unknown or the folder unusable.
    """
    encoder = _encoder(name, weights=weights)
    _fill(encoder, pretrained)
    encoder.eval()
    return encoder


def _encoder(name: str, *, weights: bool) -> nn.Module:
    if is_foreign(name):
        if name.startswith("hf:"):
            from ssl_models.loading.pretrained import local_folder
            from ssl_models.parts.transformers_encoder import encoder_from_folder

            return encoder_from_folder(local_folder(name.removeprefix("hf:"), name, weights=weights), weights=weights)
        from ssl_models.loading.user_encoder import user_encoder

        return user_encoder(name)
    if weights and is_run(name):
        encoder: nn.Module = pretraining(name).encoder
        if isinstance(encoder, Shareable):
            encoder.model_card = read_card(checkpoint_folder(Path(name)))
        return encoder
    config = described(name)[1]
    return family_of(config).encoder(config)
