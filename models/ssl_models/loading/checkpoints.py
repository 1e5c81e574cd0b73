"""A model on disk: safetensors and the settings that rebuild it. Nothing is ever unpickled."""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ssl_models.documents import read_json
from ssl_models.errors import BadInputError
from ssl_models.families import FAMILIES, Family, ModelConfig, family_of
from ssl_models.settings import from_document

if TYPE_CHECKING:
    from torch import Tensor, nn

_SYSTEM_ERROR = re.compile(r"(?:os error |Os \{ code: )(\d+)")
WEIGHTS, CONFIG = "model.safetensors", "config.json"


def save_pretraining(module: nn.Module, name: str, config: ModelConfig, folder: Path) -> None:
    """Write weights and settings into an existing folder."""
    tensors = {key: value.detach().cpu().contiguous() for key, value in module.state_dict().items()}
    write_tensors(tensors, folder / WEIGHTS, {"format": "pt"})
    settings = {"model_type": family_of(config).model_type, "name": name, **asdict(config)}
    (folder / CONFIG).write_text(json.dumps(settings, indent=1) + "\n")


def write_tensors(tensors: dict[str, Tensor], path: Path, about: dict[str, str] | None = None) -> None:
    """Write tensors to a safetensors file.

    Raises:
        OSError: with the system's error number where safetensors gives only words, as for a full disk.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file(tensors, path, metadata=about)
    except SafetensorError as error:
        if told := _SYSTEM_ERROR.search(str(error)):
            raise OSError(int(told[1]), os.strerror(int(told[1])), str(path)) from error
        raise


def read_config(folder: Path) -> tuple[str, ModelConfig]:
    """The model's name and settings.

    Raises:
        BadInputError: if the file is missing, broken, or of an unknown family.
    """
    path = folder / CONFIG
    try:
        settings: dict[str, Any] = dict(read_json(path))
        name, kind = str(settings.pop("name")), str(settings.pop("model_type"))
        return name, cast("ModelConfig", from_document(_family(kind, folder).config, settings))
    except FileNotFoundError as error:
        raise BadInputError(f"{path}: no such file; a checkpoint contains {CONFIG} and {WEIGHTS}") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"{path}: not a model's settings ({error})") from error


def _family(model_type: str, folder: Path) -> Family:
    found = next((family for family in FAMILIES if family.model_type == model_type), None)
    if found is None:
        raise ValueError(f"unknown model_type {model_type!r}; for a transformers folder write hf:{folder}")
    return found


def load_weights(module: nn.Module, folder: Path) -> None:
    """Load the weights in `folder` into a module of the same shape.

    Raises:
        BadInputError: if the file is missing, broken, or of another model.
    """
    tensors = read_tensors(folder / WEIGHTS)
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        raise BadInputError(f"{folder / WEIGHTS}: weights of another model ({str(error).splitlines()[0]})") from error


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Tensors of a safetensors file.

    Raises:
        BadInputError: if the file is missing or broken.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise BadInputError(f"{path}: no such file") from error
    except (OSError, SafetensorError) as error:
        raise BadInputError(f"{path}: not a safetensors file ({error})") from error
