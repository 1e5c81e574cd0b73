"""The closed form of a model's multiply-accumulates, by its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from models.catalog import described, is_foreign
from models.efficient import closed_form as efficient
from models.efficient.config import EfficientConfig
from models.wav2vec2_family import closed_form as wav2vec2_family
from models.wav2vec2_family.config import ArchitectureConfig


@dataclass(frozen=True)
class ClosedForm:
    """MACs of one clip of so many samples, forward and (where the objective is built) of a training step.

    `source` names the module whose docstring has the terms.
    """

    inference: Callable[[int], float]
    training: Callable[[int], float] | None
    source: str


def closed_form(name: str) -> ClosedForm | None:
    """The closed form of a catalog model, a run, or a transformers folder of a known family; None for any other.

    Raises:
        BadInputError: for an unknown name or an unusable folder.
    """
    if is_foreign(name):
        return _of_folder(Path(name.removeprefix("hf:"))) if name.startswith("hf:") else None
    config = described(name)[1]
    if isinstance(config, EfficientConfig):
        training = partial(efficient.training_macs, config)
        return ClosedForm(partial(efficient.encoder_macs, config.encoder), training, efficient.__name__)
    built = partial(wav2vec2_family.training_macs, config) if config.objective else None
    return _of_family(config.architecture, built)


def _of_family(architecture: ArchitectureConfig, training: Callable[[int], float] | None) -> ClosedForm:
    return ClosedForm(partial(wav2vec2_family.encoder_macs, architecture), training, wav2vec2_family.__name__)


def _of_folder(folder: Path) -> ClosedForm | None:
    from models.huggingface import folder_config
    from models.wav2vec2_family.encoder import architecture_of

    architecture = architecture_of(folder_config(folder))
    return None if architecture is None else _of_family(architecture, None)
