"""Every model by its name: of the catalog, a trained run's folder, a transformers folder, a function of the user's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.checkpoints import load_weights, read_config
from models.efficient import closed_form as efficient
from models.efficient.config import EFFICIENT, EfficientConfig
from models.errors import BadInputError
from models.names import choose
from models.wav2vec2_family import closed_form as wav2vec2_family
from models.wav2vec2_family.config import WAV2VEC2_FAMILY, Wav2Vec2FamilyConfig

if TYPE_CHECKING:
    from torch import nn

    from models.efficient.masked_prediction import MaskedPrediction
    from models.wav2vec2_family.masked_prediction import HubertPretraining

Config = EfficientConfig | Wav2Vec2FamilyConfig

CATALOG: dict[str, Config] = {**EFFICIENT, **WAV2VEC2_FAMILY}

CLIP_SECONDS = 15
NOT_BUILT = "its objective is not built yet; inference can be measured"


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model without building it.

    Attributes:
        name: in the catalog, or the run's folder.
        parameters: of the encoder.
        frame_rate: encoder frames a second.
        objective: of its pretraining.
        macs_per_audio_second: of encoding, at clips of 15 s.
        licence: of the code that the model is built from.
        about: one line.
    """

    name: str
    parameters: int
    frame_rate: float
    objective: str
    macs_per_audio_second: float
    licence: str
    about: str


def card(name: str) -> ModelCard:
    """The card of a catalog model or a run folder.

    Raises:
        BadInputError: for an unknown name or an unusable folder.
    """
    if is_foreign(name):
        raise BadInputError(f"{name}: no card on paper for a model of your own; sslbench profile {name} counts it")
    trained, config = described(name)
    match config:
        case EfficientConfig(encoder=shape):
            objective = f"masked prediction of {config.objective.clusters} k-means units of MFCC"
            about = f"log-mel x{shape.stack}, {shape.blocks} pre-norm blocks, width {shape.width}, {shape.heads} heads, SwiGLU {shape.hidden}"
            parameters, macs = efficient.encoder_parameters(shape), efficient.encoder_macs(shape, CLIP_SECONDS * 16_000)
            rate = shape.frame_rate
        case Wav2Vec2FamilyConfig(architecture=a):
            units = config.objective
            objective = f"masked prediction of {units.clusters} k-means units of MFCC" if units else "not built yet"
            about = f"7 convolutions, {a.layers} {'pre' if a.pre_norm else 'post'}-norm layers, width {a.width}, {a.heads} heads"
            parameters = wav2vec2_family.encoder_parameters(a)
            macs, rate = wav2vec2_family.encoder_macs(a, CLIP_SECONDS * 16_000), a.frame_rate
    about = f"{trained}, trained in this run" if trained else about
    return ModelCard(name, parameters, rate, objective, macs / CLIP_SECONDS, "Apache-2.0", about)


def described(name: str) -> tuple[str, Config]:
    """The trained model's catalog name (empty for a catalog model) and its settings.

    Raises:
        BadInputError: for an unknown name or an unusable folder.
    """
    if is_run(name):
        return read_config(checkpoint_folder(Path(name)))
    return "", CATALOG[choose(name, CATALOG, "model")]


def require_name(name: str) -> None:
    """Refuse a name that can be of no model, before anything heavy is imported.

    Raises:
        BadInputError: naming the nearest known names.
    """
    if not is_foreign(name) and not is_run(name):
        choose(name, CATALOG, "model")


def is_foreign(name: str) -> bool:
    """Whether the name is of a transformers folder (`hf:PATH`) or of a function of the user's (`file.py:function`)."""
    return name not in CATALOG and ":" in name and not Path(name).is_dir()


def is_run(name: str) -> bool:
    """A catalog name wins over a folder of that name, which `./NAME` still reaches."""
    return name not in CATALOG and not is_foreign(name) and (Path(name).is_dir() or "/" in name)


def checkpoint_folder(folder: Path) -> Path:
    """The newest checkpoint of a run, or the folder itself where it is one.

    Raises:
        BadInputError: where there is none.
    """
    if (folder / "config.json").is_file():
        return folder
    found = sorted(folder.glob("checkpoints/step-*/config.json"))
    if not found:
        raise BadInputError(f"{folder}: neither a catalog model nor a run folder with checkpoints/step-*/config.json")
    return found[-1].parent


def pretraining(name: str, *, weights: bool = True) -> MaskedPrediction | HubertPretraining:
    """The model with its objective: random weights for a catalog name, the trained ones for a run folder.

    Without `weights` a run's model is built as it was before training, which is all that counting needs.

    Raises:
        BadInputError: for an unknown name, an unusable folder, or a model whose objective is not built.
    """
    if is_foreign(name):
        raise BadInputError(f"{name}: a model of your own has no objective here; its inference can be measured")
    module = _built(name, described(name)[1])
    if weights and is_run(name):
        load_weights(module, checkpoint_folder(Path(name)))
    return module


def _built(name: str, config: Config) -> MaskedPrediction | HubertPretraining:
    if isinstance(config, EfficientConfig):
        from models.efficient.masked_prediction import MaskedPrediction

        return MaskedPrediction(config)
    if config.objective is None:
        raise BadInputError(f"{name}: {NOT_BUILT}")
    from models.wav2vec2_family.masked_prediction import HubertPretraining

    return HubertPretraining(config, config.objective)


def load_model(name: str, *, weights: bool = True) -> nn.Module:
    """An encoder in evaluation mode: `encoder(waveforms, lengths) -> SpeechFeatures`.

    Args:
        name: of the catalog (random weights), a run's folder, `hf:PATH` of a transformers folder, `path/file.py:function`
            or `package.module:function`.
        weights: whether those of a folder are loaded; counting needs none.

    Raises:
        BadInputError: for an unknown name or an unusable folder.
    """
    encoder = _encoder(name, weights=weights)
    encoder.eval()
    return encoder


def _encoder(name: str, *, weights: bool) -> nn.Module:
    if is_foreign(name):
        if name.startswith("hf:"):
            from models.huggingface import encoder_from_folder

            return encoder_from_folder(Path(name.removeprefix("hf:")), weights=weights)
        from models.user_encoder import user_encoder

        return user_encoder(name)
    config = described(name)[1]
    if isinstance(config, Wav2Vec2FamilyConfig):
        from models.wav2vec2_family.encoder import build_encoder

        return build_encoder(config.architecture)
    return pretraining(name, weights=weights).encoder
