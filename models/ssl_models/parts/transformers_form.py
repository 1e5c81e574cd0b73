"""Our encoders as classes of the transformers library, so that its `AutoModel` can load them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from ssl_models.errors import BadInputError
from ssl_models.parts.frontend import LogMel
from ssl_models.parts.key_names import require_same_tensors
from ssl_models.parts.transformers_loading import loaded
from ssl_models.settings import from_document


class EncoderHFConfig(PretrainedConfig):  # type: ignore[no-untyped-call]
    """Settings of one of our encoders; `encoder` holds the fields of its settings class."""

    def __init__(self, encoder: dict[str, Any] | None = None, **rest: Any) -> None:  # noqa: ANN401 - transformers' own
        self.encoder = encoder or {}
        super().__init__(**rest)


class EncoderHFModel(PreTrainedModel):  # type: ignore[no-untyped-call]
    """Takes waveforms `input_values` `(B, T)` at 16 kHz in [-1, 1] and `attention_mask` `(B, T)`, 1 for valid samples."""

    main_input_name = "input_values"
    base_model_prefix = "encoder"
    encoder_class: ClassVar[type[Any]]

    def __init__(self, config: EncoderHFConfig) -> None:
        super().__init__(config)
        settings = from_document(self.encoder_class.settings_class, dict(config.encoder))
        self.encoder = self.encoder_class(settings)
        self.post_init()  # type: ignore[no-untyped-call]

    def _init_weights(self, module: nn.Module) -> None:
        # transformers builds on tensors without values, so tensors that are not in the checkpoint must be recomputed.
        if isinstance(module, LogMel):
            module.fill()

    def forward(
        self,
        input_values: Tensor,
        attention_mask: Tensor | None = None,
        output_hidden_states: bool | None = None,  # noqa: FBT001 - transformers' signature
        return_dict: bool | None = None,  # noqa: FBT001 - transformers' signature
        **rest: Any,  # noqa: ANN401, ARG002 - transformers' signature
    ) -> BaseModelOutput | tuple[Any, ...]:
        """The last layer, and all layers if `output_hidden_states` is set."""
        lengths = None if attention_mask is None else attention_mask.long().sum(1)
        features = self.encoder(input_values, lengths)
        hidden = features.layers if output_hidden_states or self.config.output_hidden_states else None
        out = BaseModelOutput(last_hidden_state=features.layers[-1], hidden_states=hidden)
        return out if return_dict is not False else out.to_tuple()


_CLASSES: dict[str, type[EncoderHFModel]] = {}


def transformers_class(encoder: type[Any]) -> type[EncoderHFModel]:
    """The transformers class for a class of encoders with a `model_type` and a `settings_class`."""
    if encoder.model_type in _CLASSES:
        return _CLASSES[encoder.model_type]
    name = encoder.__name__.removesuffix("Encoder")
    config = type(f"{name}HFConfig", (EncoderHFConfig,), {"model_type": encoder.model_type})
    model = type(f"{name}HFModel", (EncoderHFModel,), {"config_class": config, "encoder_class": encoder})
    return _CLASSES.setdefault(encoder.model_type, model)


def register(encoder: type[Any]) -> None:
    """Register a class of encoders with `AutoConfig` and `AutoModel` of transformers; calling it again does nothing."""
    model: Any = transformers_class(encoder)
    AutoConfig.register(encoder.model_type, model.config_class, exist_ok=True)
    AutoModel.register(model.config_class, model, exist_ok=True)


def to_transformers(encoder: nn.Module) -> PreTrainedModel:
    """The encoder, with shared weights, as a transformers model with `save_pretrained` and `push_to_hub`.

    Raises:
        BadInputError: if the encoder is not one of ours.
    """
    if not hasattr(encoder, "model_type"):
        raise BadInputError(
            f"{type(encoder).__name__} is not one of our models; transformers has its own save_pretrained"
        )
    model: Any = transformers_class(type(encoder))
    with torch.device("meta"):
        made: PreTrainedModel = model(model.config_class(encoder=asdict(cast("Any", encoder).config)))
    made.encoder = encoder
    return made.train(encoder.training)


def from_transformers(folder: Path | str, kind: type[Any]) -> nn.Module:
    """The encoder in a folder written by `save_pretrained`, in evaluation mode; nothing is downloaded or unpickled.

    Raises:
        BadInputError: if the folder has no encoder of the class `kind`, or not all of its weights.
    """
    register(kind)
    try:
        settings, _ = PretrainedConfig.get_config_dict(folder, local_files_only=True)
        model, found = loaded(folder) if settings.get("model_type") == kind.model_type else (None, {})
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise BadInputError(f"{folder}: the model cannot be loaded ({str(error).splitlines()[0]})") from error
    if model is None:
        raise BadInputError(f"{folder}: a model of another type, {settings.get('model_type')}")
    require_same_tensors(str(folder), found["missing_keys"], found["unexpected_keys"])
    encoder: nn.Module = model.encoder
    return encoder.eval()
