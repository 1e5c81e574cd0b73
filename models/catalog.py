"""Every model by its name, and a trained run by its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.checkpoints import load_weights, read_config
from models.efficient.closed_form import encoder_macs
from models.efficient.config import EFFICIENT, EfficientConfig
from models.errors import BadInputError
from models.names import choose

if TYPE_CHECKING:
    from models.efficient.encoder import EfficientEncoder
    from models.efficient.masked_prediction import MaskedPrediction


@dataclass(frozen=True)
class ModelCard:
    """What is known of a model without building it.

    Attributes:
        name: in the catalog, or the run's folder.
        parameters: of the encoder.
        frame_rate: encoder frames a second.
        objective: of its pretraining.
        macs_per_audio_second: of encoding, at clips of 15 s.
        licence: of the weights and the recipe.
        about: one line.
    """

    name: str
    parameters: int
    frame_rate: float
    objective: str
    macs_per_audio_second: float
    licence: str
    about: str


CLIP_SECONDS = 15


def card(name: str) -> ModelCard:
    """The card of a catalog model or a run folder.

    Raises:
        BadInputError: for an unknown name or an unusable folder.
    """
    config, about = _described(name)
    encoder = config.encoder
    width, hidden = encoder.width, encoder.hidden
    block = 4 * width**2 + 3 * width * hidden + 2 * width + 2 * (width // encoder.heads)
    parameters = encoder.mels * encoder.stack * width + encoder.blocks * block + width
    macs = encoder_macs(encoder, CLIP_SECONDS * 16_000) / CLIP_SECONDS
    objective = f"masked prediction of {config.objective.clusters} k-means units of MFCC"
    return ModelCard(name, parameters, encoder.frame_rate, objective, macs, "Apache-2.0", about)


def _described(name: str) -> tuple[EfficientConfig, str]:
    if _is_folder(name):
        trained, config = read_config(checkpoint_folder(Path(name)))
        return config, f"{trained}, trained in this run"
    config = EFFICIENT[choose(name, EFFICIENT, "model")]
    e = config.encoder
    return (
        config,
        f"log-mel x{e.stack}, {e.blocks} pre-norm blocks, width {e.width}, {e.heads} heads, SwiGLU {e.hidden}",
    )


def _is_folder(name: str) -> bool:
    """A catalog name wins over a folder of that name, which `./NAME` still reaches."""
    return name not in EFFICIENT and (Path(name).is_dir() or "/" in name)


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


def pretraining(name: str) -> MaskedPrediction:
    """The model with its objective: random weights for a catalog name, the trained ones for a run folder.

    Raises:
        BadInputError: for an unknown name or an unusable folder.
    """
    from models.efficient.masked_prediction import MaskedPrediction

    if not _is_folder(name):
        return MaskedPrediction(EFFICIENT[choose(name, EFFICIENT, "model")])
    folder = checkpoint_folder(Path(name))
    module = MaskedPrediction(read_config(folder)[1])
    load_weights(module, folder)
    return module


def load_model(name: str) -> EfficientEncoder:
    """An encoder in evaluation mode: `encoder(waveforms, lengths) -> SpeechFeatures`.

    Raises:
        BadInputError: for an unknown name or an unusable folder.
    """
    encoder = pretraining(name).encoder
    encoder.eval()
    return encoder
