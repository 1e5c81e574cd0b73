"""What each family of models is made of: settings, closed form, encoder, objective."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from models.efficient import closed_form as efficient_form
from models.efficient.config import EfficientConfig
from models.errors import BadInputError
from models.wav2vec2_family import closed_form as wav2vec2_form
from models.wav2vec2_family.config import Wav2Vec2FamilyConfig, Wav2Vec2ObjectiveConfig

if TYPE_CHECKING:
    from torch import nn


class NoObjectiveError(BadInputError):
    """A model that can be encoded with but not pretrained here."""


ModelConfig = EfficientConfig | Wav2Vec2FamilyConfig


@dataclass(frozen=True)
class Family:
    """A family of models.

    Attributes:
        model_type: its name in a checkpoint's settings.
        config: the class of its settings, with the fields `encoder`, `objective` and `optimisation`.
        closed_form: the module with `encoder_macs`, `training_macs` and `encoder_parameters`.
        encoder: builds the encoder from the settings, with random weights.
        pretraining: builds encoder and objective: a module that is a `models.interface.Pretraining`.
        compiles: whether `torch.compile` makes its training faster on a GPU.
    """

    model_type: str
    config: type
    closed_form: ModuleType
    encoder: Callable[[Any], nn.Module]
    pretraining: Callable[[Any], Any]
    compiles: bool = False


def family_of(config: ModelConfig) -> Family:
    """The family that settings are of."""
    return next(family for family in FAMILIES if isinstance(config, family.config))


def _efficient_encoder(config: EfficientConfig) -> nn.Module:
    from models.efficient.encoder import EfficientEncoder

    return EfficientEncoder(config.encoder)


def _efficient(config: EfficientConfig) -> nn.Module:
    from models.efficient.masked_prediction import MaskedPrediction

    return MaskedPrediction(config)


def _wav2vec2_encoder(config: Wav2Vec2FamilyConfig) -> nn.Module:
    from models.wav2vec2_family.encoder import build_encoder

    return build_encoder(config.encoder)


def _wav2vec2(config: Wav2Vec2FamilyConfig) -> nn.Module:
    if config.objective is None:
        raise NoObjectiveError("its objective is not built yet; inference can be measured")
    if isinstance(config.objective, Wav2Vec2ObjectiveConfig):
        from models.wav2vec2_family.contrastive import ContrastivePretraining

        return ContrastivePretraining(config, config.objective)
    from models.wav2vec2_family.masked_prediction import HubertPretraining

    return HubertPretraining(config, config.objective)


FAMILIES = (
    Family("sslbench-efficient", EfficientConfig, efficient_form, _efficient_encoder, _efficient, compiles=True),
    Family("sslbench-wav2vec2-family", Wav2Vec2FamilyConfig, wav2vec2_form, _wav2vec2_encoder, _wav2vec2),
)
