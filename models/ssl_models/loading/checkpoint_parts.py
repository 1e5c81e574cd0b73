"""The parts of a checkpoint from fairseq, s3prl, torchaudio or Lightning: the model's tensors, and its configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from ssl_models.errors import BadInputError

T = TypeVar("T")

MODEL = ("model", "model_weight", "state_dict", "model_state_dict", "Distiller", "Transformer", "Upstream", "Model")
"""Where the model's tensors are: fairseq, s3prl's conversions of it, Lightning, others, and s3prl's own pretraining."""
CONFIGURATION = (
    "cfg", "args", "model_cfg", "task_cfg", "Config", "Args", "Upstream_Config", "Settings", "hyper_parameters", "config",
)  # fmt: skip
NORMALISE = (("cfg", "task", "normalize"), ("task_cfg", "normalize"), ("args", "normalize"), ("cfg", "normalize"))
"""Where fairseq, s3prl and WavLM's authors say whether clips have zero mean and unit variance."""
NAMES = (("cfg", "model", "_name"), ("model_cfg", "_name"), ("args", "arch"))
"""Where they name the model."""
FAMILIES = {"hubert": "hubert", "wav2vec2": "wav2vec2", "data2vec_audio": "data2vec-audio", "wavlm": "wavlm"}
MOST_DEPTH = 16


@dataclass(frozen=True)
class Parts(Generic[T]):
    """What a checkpoint holds.

    Attributes:
        place: key of the model's tensors; empty where they are not below a key.
        tensors: by name; those of nested mappings have dotted names.
        configuration: by key.
        left_out: all other keys.
    """

    place: str
    tensors: dict[str, T]
    configuration: dict[str, Any]
    left_out: tuple[str, ...]


def parts_of(value: Any, kind: type[T]) -> Parts[T]:  # noqa: ANN401 - whatever was saved
    """The parts of what was saved, with tensors of the given class.

    Raises:
        BadInputError: if there are no tensors where a model's would be.
    """
    if not isinstance(value, Mapping):
        raise BadInputError(f"it holds a {type(value).__name__}, not a checkpoint of a model")
    place = next((key for key in MODEL if isinstance(value.get(key), Mapping)), "")
    tensors = dict(_tensors(value[place] if place else value, kind))
    if not tensors:
        keys = ", ".join(str(key)[:40] for key in list(value)[:8])
        raise BadInputError(f"it holds no tensors of a model; its keys are {keys or 'none'}")
    configuration = {key: value[key] for key in CONFIGURATION if place and value.get(key) is not None}
    known = {place, *configuration} if place else {name.partition(".")[0] for name in tensors}
    return Parts(place, tensors, configuration, tuple(str(key) for key in value if key not in known))


def _tensors(value: Mapping[Any, Any], kind: type[T], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, T]]:
    if depth > MOST_DEPTH:
        raise BadInputError(f"its tensors are nested more than {MOST_DEPTH} deep")
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, kind):
            yield name, inner
        elif isinstance(inner, Mapping):
            yield from _tensors(inner, kind, f"{name}.", depth + 1)


def normal_of(configuration: Mapping[str, Any]) -> bool | None:
    """Whether a plain configuration says that clips have zero mean and unit variance; None if it does not say."""
    return next((found for path in NORMALISE if isinstance(found := _at(configuration, path), bool)), None)


def family_of(configuration: Mapping[str, Any]) -> str | None:
    """The family of models that a plain configuration names, as transformers calls it; None if it names none of them."""
    names = (_at(configuration, path) for path in NAMES)
    return next((FAMILIES[name] for name in names if isinstance(name, str) and name in FAMILIES), None)


def _at(configuration: Any, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - any plain value
    for key in path:
        if not isinstance(configuration, Mapping):
            return None
        configuration = configuration.get(key)
    return configuration
