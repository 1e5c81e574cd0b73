"""The closed form of a model's multiply-accumulates, by the model's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ssl_models.baselines.wav2vec2 import closed_form as wav2vec2_family
from ssl_models.catalog import described, is_foreign
from ssl_models.families import family_of


@dataclass(frozen=True)
class ClosedForm:
    """MACs of one clip of a given number of samples: forward, and a training step if the model has an objective.

    `source` names the module whose docstring lists the terms.
    """

    inference: Callable[[int], float]
    training: Callable[[int], float] | None
    source: str


def closed_form(name: str) -> ClosedForm | None:
    """The closed form of a catalogue model, a run, or a transformers folder of a known family; None for any other model.

    Raises:
        BadInputError: if the name is unknown or the folder unusable.
    """
    if is_foreign(name):
        return _of_folder(name) if name.startswith("hf:") else None
    config = described(name)[1]
    form = family_of(config).closed_form
    training = None if config.objective is None else partial(form.training_macs, config)
    return ClosedForm(partial(form.encoder_macs, config.encoder), training, form.__name__)


def _of_folder(name: str) -> ClosedForm | None:
    from ssl_models.baselines.wav2vec2.encoder import architecture_of
    from ssl_models.loading.pretrained import local_folder
    from ssl_models.parts.transformers_encoder import folder_config

    architecture = architecture_of(folder_config(local_folder(name.removeprefix("hf:"), name, weights=False)))
    if architecture is None:
        return None
    return ClosedForm(partial(wav2vec2_family.encoder_macs, architecture), None, wav2vec2_family.__name__)
