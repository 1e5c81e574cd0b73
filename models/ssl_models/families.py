"""The parts of each family of models: settings, closed form, encoder, objective."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ssl_models.baselines.best_rq import config as best_rq_form
from ssl_models.baselines.best_rq.config import BestRqConfig
from ssl_models.baselines.data2vec import closed_form as data2vec_form
from ssl_models.baselines.data2vec.config import Data2VecConfig
from ssl_models.baselines.essl import closed_form as essl_form
from ssl_models.baselines.essl.config import EsslConfig
from ssl_models.baselines.melhubert import config as melhubert_form
from ssl_models.baselines.melhubert.config import MelHubertConfig
from ssl_models.baselines.wav2vec2 import closed_form as wav2vec2_form
from ssl_models.baselines.wav2vec2.config import Wav2Vec2FamilyConfig, Wav2Vec2ObjectiveConfig
from ssl_models.efficient import closed_form as efficient_form
from ssl_models.efficient.config import EfficientConfig
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from torch import nn

    from ssl_models.interface import Pretraining


class NoObjectiveError(BadInputError):
    """A model that can encode but cannot be pretrained here."""


ModelConfig = EfficientConfig | EsslConfig | Wav2Vec2FamilyConfig | Data2VecConfig | MelHubertConfig | BestRqConfig


@dataclass(frozen=True)
class Family:
    """A family of models.

    Attributes:
        model_type: its name in a checkpoint's settings.
        config: the class of its settings, with the fields `encoder`, `objective` and `optimisation`.
        closed_form: the module with `encoder_macs`, `training_macs` and `encoder_parameters`.
        encoder: builds the encoder from the settings, with random weights.
        pretraining: builds encoder and objective: a module that is a `ssl_models.interface.Pretraining`.
        published: whether its encoder comes from transformers and takes published weights.
        compiles: whether `torch.compile` speeds up its training on a GPU.
    """

    model_type: str
    config: type
    closed_form: ModuleType
    encoder: Callable[[Any], nn.Module]
    pretraining: Callable[[Any], Any]
    published: bool = False
    compiles: bool = False


def family_of(config: ModelConfig) -> Family:
    """The family that the settings belong to."""
    return next(family for family in FAMILIES if isinstance(config, family.config))


def _encoder(module: str, name: str) -> Callable[[Any], nn.Module]:
    """A function that builds an encoder from the settings' `encoder`, and imports its module, which needs torch."""

    def build(config: ModelConfig) -> nn.Module:
        return getattr(import_module(module), name)(config.encoder)

    return build


def _objective(module: str, name: str) -> Callable[[Any], Pretraining]:
    """A function that imports the module and builds encoder and objective from the settings."""

    def build(config: ModelConfig) -> Pretraining:
        return getattr(import_module(module), name)(config)

    return build


def _wav2vec2(config: Wav2Vec2FamilyConfig) -> Pretraining:
    if config.objective is None:
        raise NoObjectiveError("its objective is not built; only its inference can be measured")
    if isinstance(config.objective, Wav2Vec2ObjectiveConfig):
        from ssl_models.baselines.wav2vec2.contrastive import ContrastivePretraining

        return ContrastivePretraining(config, config.objective)
    from ssl_models.baselines.wav2vec2.masked_prediction import HubertPretraining

    return HubertPretraining(config, config.objective)


FAMILIES = (
    Family(
        "sslbench-efficient",
        EfficientConfig,
        efficient_form,
        _encoder("ssl_models.efficient.encoder", "EfficientEncoder"),
        _objective("ssl_models.efficient.masked_prediction", "MaskedPrediction"),
        compiles=True,
    ),
    Family(
        "sslbench-essl",
        EsslConfig,
        essl_form,
        _encoder("ssl_models.baselines.essl.encoder", "EsslEncoder"),
        _objective("ssl_models.baselines.essl.contrastive", "EsslPretraining"),
    ),
    Family(
        "sslbench-wav2vec2-family",
        Wav2Vec2FamilyConfig,
        wav2vec2_form,
        _encoder("ssl_models.baselines.wav2vec2.encoder", "build_encoder"),
        _wav2vec2,
        published=True,
    ),
    Family(
        "sslbench-data2vec",
        Data2VecConfig,
        data2vec_form,
        _encoder("ssl_models.baselines.data2vec.encoder", "build_encoder"),
        _objective("ssl_models.baselines.data2vec.regression", "Data2VecPretraining"),
        published=True,
    ),
    Family(
        "sslbench-melhubert",
        MelHubertConfig,
        melhubert_form,
        _encoder("ssl_models.baselines.transformer.encoder", "TransformerEncoder"),
        _objective("ssl_models.baselines.melhubert.masked_prediction", "MelHubertPretraining"),
    ),
    Family(
        "sslbench-best-rq",
        BestRqConfig,
        best_rq_form,
        _encoder("ssl_models.baselines.transformer.encoder", "TransformerEncoder"),
        _objective("ssl_models.baselines.best_rq.masked_prediction", "BestRqPretraining"),
    ),
)
