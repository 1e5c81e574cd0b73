"""HuBERT's later iterations: whose layer is clustered, what it costs, and that the teacher stays as it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_benchmarks.counting.flops import training_flops
from ssl_models.baselines.wav2vec2.closed_form import encoder_macs, encoder_parameters, training_macs
from ssl_models.baselines.wav2vec2.config import (
    WAV2VEC2_FAMILY,
    ArchitectureConfig,
    HubertObjectiveConfig,
    Wav2Vec2FamilyConfig,
    second_iteration,
)
from ssl_models.baselines.wav2vec2.encoder import build_encoder
from ssl_models.baselines.wav2vec2.layer_targets import LayerQuantiser
from ssl_models.baselines.wav2vec2.masked_prediction import HubertPretraining

pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask:UserWarning")
"""transformers' WavLM hands torch a boolean mask beside its position bias."""

TEACHER = ArchitectureConfig(
    "hubert", 24, 4, 2, 48, conv_widths=(16,) * 7, position_kernel=8, position_groups=2, layer_drop=0.3
)
STUDENT = Wav2Vec2FamilyConfig(
    replace(TEACHER, width=32, layers=2, layer_drop=0.0), HubertObjectiveConfig(clusters=8, code_width=16)
)
TEACHERS = {
    "hubert": TEACHER,
    "pre-norm": replace(TEACHER, conv_norm="layer", pre_norm=True),
    "wavlm": replace(TEACHER, family="wavlm"),
}
LENGTHS = torch.tensor([16_000, 9_000])


def batch() -> Tensor:
    waveforms = 0.1 * torch.randn(2, 16_000, generator=torch.Generator().manual_seed(0))
    waveforms[1, 9_000:] = 0
    return waveforms


def clips() -> list[Any]:
    return [0.1 * torch.randn(16_000, generator=torch.Generator().manual_seed(s)).numpy() for s in range(3)]


def quantiser_of(module: HubertPretraining) -> LayerQuantiser:
    assert isinstance(module.quantiser, LayerQuantiser)
    return module.quantiser


def built(teacher: ArchitectureConfig = TEACHER, layer: int = 2) -> HubertPretraining:
    torch.manual_seed(0)
    config = second_iteration(STUDENT, teacher, layer, clusters=8)
    assert isinstance(config.objective, HubertObjectiveConfig)
    return HubertPretraining(config, config.objective)


@pytest.mark.parametrize("layer", [1, 3, 4])
@pytest.mark.parametrize("name", TEACHERS)
def test_what_is_clustered_is_that_layer_of_the_whole_teacher(name: str, layer: int) -> None:
    """The teacher in the step stops there; the whole encoder's hidden states say the same, padded or not."""
    whole = build_encoder(TEACHERS[name]).eval()
    quantiser = quantiser_of(built(TEACHERS[name], layer))
    quantiser.teach(whole)
    for lengths in (None, LENGTHS):
        with torch.no_grad():
            expected = whole(batch(), lengths)
        found = quantiser.frames_of(batch(), lengths)
        for clip, n in enumerate(expected.lengths.tolist()):
            torch.testing.assert_close(found[clip, :n], expected.layers[layer][clip, :n], atol=1e-5, rtol=1e-5)
    assert len(quantiser.teacher.model.encoder.layers) == layer


def test_labels_are_the_nearest_centroids_of_the_fit() -> None:
    from sklearn.metrics import pairwise_distances_argmin

    module = built()
    quantiser = quantiser_of(module)
    assert not module.targets_fitted
    figures = module.fit_targets(iter(clips()), 0)
    assert module.targets_fitted
    assert figures["hours"] == pytest.approx(3 / 3600)
    frames = quantiser.frames_of(batch(), LENGTHS).flatten(0, 1).double().numpy()
    labels = pairwise_distances_argmin(frames, quantiser.centroids.double().numpy())
    assert module.units(batch(), LENGTHS).flatten().tolist() == labels.tolist()
    assert np.unique(labels).size > 3


def test_the_teacher_stays_as_it_is() -> None:
    """No dropout, no LayerDrop, no gradient, whatever the mode; only the student moves."""
    module = built()
    module.fit_targets(iter(clips()), 0)
    module.train()
    teacher = quantiser_of(module).teacher
    assert module.encoder.training
    assert not any(part.training for part in teacher.modules())
    assert torch.equal(module.units(batch(), LENGTHS), module.units(batch(), LENGTHS))
    before = {name: value.clone() for name, value in teacher.state_dict().items()}
    optimiser = torch.optim.SGD(module.parameters(), 0.1)
    module(batch(), LENGTHS, torch.Generator().manual_seed(0)).loss.backward()
    optimiser.step()
    assert all(p.grad is None for p in teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in teacher.state_dict().items())
    assert any(p.grad is not None and p.grad.abs().amax() > 0 for p in module.encoder.parameters())


def test_teacher_and_centroids_travel_with_the_weights() -> None:
    module, other = built(), built()
    module.fit_targets(iter(clips()), 0)
    torch.manual_seed(1)
    quantiser_of(other).teach(build_encoder(TEACHER))
    assert not torch.equal(other.units(batch(), None), module.units(batch(), None))
    other.load_state_dict(module.state_dict())
    assert torch.equal(other.units(batch(), None), module.units(batch(), None))
    assert other.targets_fitted


def test_a_new_teacher_needs_a_new_fit_and_the_right_shape() -> None:
    module = built()
    module.fit_targets(iter(clips()), 0)
    quantiser_of(module).teach(build_encoder(TEACHER))
    assert not module.targets_fitted
    with pytest.raises(RuntimeError, match="size mismatch"):
        quantiser_of(module).teach(build_encoder(replace(TEACHER, width=32)))


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="target_layer 5 must be between 1 and 4"):
        second_iteration(STUDENT, TEACHER, 5)
    with pytest.raises(ValueError, match="a teacher is needed for 'layer'"):
        HubertObjectiveConfig(targets="layer")
    with pytest.raises(ValueError, match="a teacher is needed for 'layer'"):
        HubertObjectiveConfig(teacher=TEACHER)
    with pytest.raises(ValueError, match="the model's frame rate"):
        second_iteration(STUDENT, replace(TEACHER, conv_strides=(5, 2, 2, 2, 2, 2, 1)))
    with pytest.raises(TypeError, match="only masked prediction"):
        second_iteration(WAV2VEC2_FAMILY["wav2vec2-base"], TEACHER)


@pytest.mark.parametrize(
    "seconds",
    [
        1.0,
        3.7,
        pytest.param(10.0, marks=pytest.mark.slow),
        pytest.param(30.0, marks=pytest.mark.slow),
        pytest.param(60.0, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("name", ["hubert-base", "wavlm-base"])
def test_a_steps_flops_agree_with_the_closed_form(name: str, seconds: float) -> None:
    """Units of hubert-base's layer 6: its front end and half of its layers run forward once more.

    With three layers that learn, which cost the same; the whole of each model is counted in test_every_model.py.
    """
    first = replace(WAV2VEC2_FAMILY[name], encoder=replace(WAV2VEC2_FAMILY[name].encoder, layers=3))
    config = second_iteration(first, WAV2VEC2_FAMILY["hubert-base"].encoder)
    objective = config.objective
    assert isinstance(objective, HubertObjectiveConfig)
    counted = training_flops(lambda: HubertPretraining(config, objective), seconds)
    samples = round(seconds * 16_000)
    assert counted.flops == pytest.approx(2 * training_macs(config, samples), rel=1e-3)
    assert not counted.suspects
    teacher = sum(f for work, f in counted.work.items() if work.module.startswith("quantiser.teacher"))
    half = replace(WAV2VEC2_FAMILY["hubert-base"].encoder, layers=6)
    assert teacher == pytest.approx(2 * encoder_macs(half, samples), rel=1e-3)


def test_the_x_large_model_has_its_published_size() -> None:
    """964 M with the projection and the 500 code vectors (arXiv:2106.07447, table I)."""
    config = WAV2VEC2_FAMILY["hubert-xlarge"]
    assert isinstance(config.objective, HubertObjectiveConfig)
    head = (1280 + 1) * 1024 + 500 * 1024
    assert (encoder_parameters(config.encoder) + head) / 1e6 == pytest.approx(964, abs=1)


@pytest.mark.slow
@pytest.mark.speech
def test_real_speech_is_learned_without_collapse(
    learn: Callable[..., Any], mean_of_last: Callable[[Any, str], float]
) -> None:
    """A random teacher's layer already distinguishes sounds; its units are learned below what their frequencies give."""
    torch.manual_seed(0)
    shape = replace(TEACHER, width=64, layers=2, hidden=128, conv_widths=(32,) * 7, position_kernel=16, dropout=0.0, attention_dropout=0.0, layer_drop=0.0)  # fmt: skip
    first = Wav2Vec2FamilyConfig(shape, HubertObjectiveConfig(clusters=20, code_width=32, feature_gradient=1.0))
    assert isinstance(first.objective, HubertObjectiveConfig)
    teacher = HubertPretraining(first, first.objective)
    learn(teacher, 50, 5e-3, seconds=2.0)
    config = second_iteration(first, shape, layer=1, clusters=20)
    assert isinstance(config.objective, HubertObjectiveConfig)
    module = HubertPretraining(config, config.objective)
    quantiser_of(module).teach(teacher.encoder)
    curve = learn(module, 150, 5e-3, seconds=2.0)
    last = mean_of_last(curve, "prediction_loss")
    assert last < curve[0]["prediction_loss"] - 0.3
    assert last < mean_of_last(curve, "target_entropy") - 0.1
    assert mean_of_last(curve, "masked_accuracy") > 2 / 20
    assert mean_of_last(curve, "feature_variance") > 0.2
    assert mean_of_last(curve, "target_entropy") > 0.6 * math.log(20)
