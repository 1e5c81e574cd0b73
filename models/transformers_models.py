"""The models that are ours as classes of the transformers library, so that its `AutoModel` can load them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput

from models.efficient.config import EncoderConfig
from models.efficient.encoder import EfficientEncoder
from models.errors import BadInputError
from models.essl.config import EsslEncoderConfig
from models.essl.encoder import EsslEncoder
from models.frontend import LogMel
from models.settings import from_document
from models.transformers_loading import loaded
from models.translation import require_same_tensors


class EncoderHFConfig(PretrainedConfig):  # type: ignore[no-untyped-call]
    """Settings of an encoder of ours; `encoder` holds the fields of its shape's settings."""

    shape_class: ClassVar[type[Any]]

    def __init__(self, encoder: dict[str, Any] | None = None, **rest: Any) -> None:  # noqa: ANN401 - transformers' own
        self.encoder = encoder or {}
        super().__init__(**rest)


class EncoderHFModel(PreTrainedModel):  # type: ignore[no-untyped-call]
    """Waveforms `input_values` `(B, T)` at 16 kHz in [-1, 1], `attention_mask` `(B, T)` of ones over valid samples."""

    main_input_name = "input_values"
    base_model_prefix = "encoder"
    encoder_class: ClassVar[type[nn.Module]]

    def __init__(self, config: EncoderHFConfig) -> None:
        super().__init__(config)
        self.encoder = self.encoder_class(from_document(config.shape_class, dict(config.encoder)))
        self.post_init()  # type: ignore[no-untyped-call]

    def _init_weights(self, module: nn.Module) -> None:
        # transformers builds on tensors without values; what is in no checkpoint has to be made again.
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
        """The last layer, and all of them where `output_hidden_states` is set."""
        lengths = None if attention_mask is None else attention_mask.long().sum(1)
        features = self.encoder(input_values, lengths)
        hidden = features.layers if output_hidden_states or self.config.output_hidden_states else None
        out = BaseModelOutput(last_hidden_state=features.layers[-1], hidden_states=hidden)
        return out if return_dict is not False else out.to_tuple()


class EfficientHFConfig(EncoderHFConfig):  # type: ignore[no-untyped-call]
    """Of `models.efficient`."""

    model_type = "sslbench-efficient"
    shape_class = EncoderConfig


class EfficientHFModel(EncoderHFModel):  # type: ignore[no-untyped-call]
    """The efficient encoder."""

    config_class = EfficientHFConfig
    encoder_class = EfficientEncoder


class EsslHFConfig(EncoderHFConfig):  # type: ignore[no-untyped-call]
    """Of `models.essl`."""

    model_type = "sslbench-essl"
    shape_class = EsslEncoderConfig


class EsslHFModel(EncoderHFModel):  # type: ignore[no-untyped-call]
    """essL's encoder."""

    config_class = EsslHFConfig
    encoder_class = EsslEncoder


CLASSES = (EfficientHFModel, EsslHFModel)


def register_transformers() -> None:
    """Let `AutoConfig` and `AutoModel` of transformers know our models; calling it again does nothing."""
    for model in CLASSES:
        AutoConfig.register(model.config_class.model_type, model.config_class, exist_ok=True)
        AutoModel.register(model.config_class, model, exist_ok=True)


def to_transformers(encoder: nn.Module) -> PreTrainedModel:
    """The same encoder, sharing its weights, as a transformers model with `save_pretrained` and `push_to_hub`.

    Raises:
        BadInputError: for an encoder that is not ours.
    """
    for model in CLASSES:
        if isinstance(encoder, model.encoder_class):
            settings: Any = model.config_class
            with torch.device("meta"):
                made = model(settings(encoder=asdict(cast("Any", encoder.config))))
            made.encoder = encoder
            return made.train(encoder.training)
    raise BadInputError(f"{type(encoder).__name__} is not a model of ours; transformers has its own save_pretrained")


def from_transformers(folder: Path | str) -> nn.Module:
    """The encoder of a folder that `save_pretrained` wrote, in evaluation mode; nothing is fetched or unpickled.

    Raises:
        BadInputError: for a folder that holds no model of ours, or not all of its weights.
    """
    register_transformers()
    try:
        model, found = loaded(folder)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise BadInputError(f"{folder}: no model that can be loaded ({str(error).splitlines()[0]})") from error
    if not isinstance(model, CLASSES):
        raise BadInputError(f"{folder}: a {model.config.model_type} model; write hf:{folder}")
    require_same_tensors(str(folder), found["missing_keys"], found["unexpected_keys"])
    encoder: nn.Module = model.encoder
    return encoder.eval()
