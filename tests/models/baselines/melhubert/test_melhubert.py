"""MelHuBERT's objective taken apart by a slow loop, its published shape and its cost."""

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
from ssl_models.baselines.melhubert.config import MELHUBERT, MelHubertConfig, ObjectiveConfig, training_macs
from ssl_models.baselines.melhubert.masked_prediction import MelHubertPretraining
from ssl_models.baselines.transformer.closed_form import encoder_macs
from ssl_models.baselines.transformer.config import EncoderConfig
from ssl_models.baselines.wav2vec2.closed_form import encoder_macs as hubert_macs
from ssl_models.baselines.wav2vec2.config import WAV2VEC2_FAMILY
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.frontend import LogMel, normalised, stacked_frames
from ssl_models.parts.masking import span_mask

SHAPE = EncoderConfig(20, 2, 32, 2, 2, 64, position_kernel=8, position_groups=4, dropout=0.0)
CONFIG = MelHubertConfig(SHAPE, ObjectiveConfig(clusters=8))
LENGTHS = torch.tensor([16_000, 9_000])


def batch(garbage: float = 0.0) -> Tensor:
    waveforms = torch.full((2, 16_000), garbage)
    for i, n in enumerate(LENGTHS.tolist()):
        waveforms[i, :n] = 0.1 * torch.randn(n, generator=torch.Generator().manual_seed(i))
    return waveforms


def built(config: MelHubertConfig = CONFIG) -> MelHubertPretraining:
    torch.manual_seed(0)
    module = MelHubertPretraining(config)
    module.fit_targets(
        (0.1 * torch.randn(16_000, generator=torch.Generator().manual_seed(s)).numpy() for s in (5, 6)), 0
    )
    return module


def step(module: MelHubertPretraining, waveforms: Tensor, seed: int = 7) -> LossAndMetrics:
    return module(waveforms, LENGTHS, torch.Generator().manual_seed(seed))


def test_loss_and_metrics_are_those_of_the_hidden_frames() -> None:
    """Hidden frames are zeros before the projection; each is to give its own unit, one for each 20 ms."""
    from sklearn.metrics import pairwise_distances_argmin

    module = built()
    torch.nn.init.normal_(module.head.weight, std=1.0)
    outcome = step(module, batch())
    with torch.no_grad():
        logmel = module.encoder.logmel(batch())
        stacked = stacked_frames(logmel, LENGTHS, 2)
        hidden = span_mask(LENGTHS // 320, 50, 5, 0.7, torch.Generator().manual_seed(7), overlap=True)
        stacked[hidden] = 0
        output = module.encoder.transform(stacked, LENGTHS // 320)[-1]
        logits = module.head(output).double().numpy()
    normal = normalised(logmel, LENGTHS // 160)[:, ::2].double().numpy()
    centroids = module.quantiser.centroids.double().numpy()
    losses, hits, seen = [], [], []
    for clip, n in enumerate((LENGTHS // 320).tolist()):
        labels = pairwise_distances_argmin(normal[clip, :n], centroids)
        seen += labels.tolist()
        for frame in range(n):
            if hidden[clip, frame]:
                scores = logits[clip, frame]
                losses.append(np.log(np.exp(scores).sum()) - scores[labels[frame]])
                hits.append(scores.argmax() == labels[frame])
    assert outcome.loss.item() == pytest.approx(float(np.mean(losses)), rel=1e-5)
    assert outcome.metrics["masked_accuracy"].item() == pytest.approx(float(np.mean(hits)))
    share = np.bincount(seen) / len(seen)
    assert outcome.metrics["target_entropy"].item() == pytest.approx(
        -sum(p * math.log(p) for p in share if p), rel=1e-5
    )
    valid = np.concatenate([output[i, :n].double().numpy() for i, n in enumerate((LENGTHS // 320).tolist())])
    assert outcome.metrics["feature_variance"].item() == pytest.approx(float(valid.var(0, ddof=1).mean()), rel=1e-4)


def test_padding_changes_neither_loss_nor_gradients() -> None:
    found = []
    for garbage in (0.0, float("nan")):
        module = built()
        outcome = step(module, batch(garbage))
        outcome.loss.backward()
        found.append((outcome.loss, {name: p.grad for name, p in module.named_parameters()}))
    assert torch.equal(found[0][0], found[1][0])
    for name, gradient in found[0][1].items():
        assert gradient is not None
        assert gradient.abs().amax() > 0, name
        assert torch.equal(gradient, found[1][1][name]), name


def test_every_draw_comes_from_the_generator_given() -> None:
    module, state = built(), torch.random.get_rng_state()
    losses = [step(module, batch(), seed).loss.item() for seed in (1, 1, 2)]
    assert torch.equal(state, torch.random.get_rng_state())
    assert losses[0] == losses[1] != losses[2]


def test_bfloat16_stays_near_float32() -> None:
    module = built()
    full = step(module, batch())
    with torch.autocast("cpu", torch.bfloat16):
        half = step(module, batch())
    assert half.loss.dtype == torch.float32
    assert half.loss.item() == pytest.approx(full.loss.item(), rel=0.02)
    assert torch.equal(half.metrics["target_entropy"], full.metrics["target_entropy"])


def test_units_are_of_every_second_frame_and_the_fit_says_so() -> None:
    module = MelHubertPretraining(CONFIG)
    assert not module.targets_fitted
    clip = batch()[0].numpy()
    figures = module.fit_targets(iter([clip]), 0)
    assert module.targets_fitted
    frames = normalised(LogMel(20)(batch()[:1]), None)[0, ::2].double().numpy()
    centroids = module.quantiser.centroids.double().numpy()
    distance = ((frames[:, None] - centroids) ** 2).sum(-1).min(1)
    # Scikit-learn's inertia is of its last pass, this one of the centroids that it kept.
    assert figures["inertia"] == pytest.approx(distance.mean(), rel=0.05)
    assert module.quantiser.centroids.shape == (8, 20)


def test_a_step_by_hand() -> None:
    """One second: the head on 50 frames learned, the centroids' distances once, all above twice more but for the input."""
    filters, projection, targets = 100 * 257 * 20, 50 * 40 * 32, 50 * 20 * 8
    learned = encoder_macs(SHAPE, 16_000) - filters - projection + 50 * 32 * 8
    assert training_macs(CONFIG, 16_000) == filters + targets + 2 * projection + 3 * learned


@pytest.mark.parametrize(
    "seconds", [3.7, 60.0, *(pytest.param(other, marks=pytest.mark.slow) for other in (1.0, 10.0, 30.0))]
)
def test_a_steps_flops_agree_with_the_closed_form(seconds: float) -> None:
    """With three of the layers, which cost the same; the whole is counted in test_every_model.py."""
    whole = MELHUBERT["melhubert-base"]
    config = replace(whole, encoder=replace(whole.encoder, layers=3))
    counted = training_flops(lambda: MelHubertPretraining(config), seconds)
    assert counted.flops == pytest.approx(2 * training_macs(config, round(seconds * 16_000)), rel=1e-3)
    assert not counted.suspects


def test_it_saves_what_its_paper_says() -> None:
    """33.5 % fewer MACs per second than HuBERT base (arXiv:2211.09944), at clips of one."""
    ours = encoder_macs(MELHUBERT["melhubert-base"].encoder, 16_000)
    assert 1 - ours / hubert_macs(WAV2VEC2_FAMILY["hubert-base"].encoder, 16_000) == pytest.approx(0.335, abs=0.01)


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="stack 4 must be 2"):
        MelHubertConfig(replace(SHAPE, stack=4))
    for wrong in ({"clusters": 0}, {"span_share": 0.0}, {"fit_hours": 0.0}):
        with pytest.raises(ValueError, match="must"):
            ObjectiveConfig(**wrong)
    optimisation = MELHUBERT["melhubert-base"].optimisation
    # Constant, as published.
    assert [optimisation.learning_rate(p, 480.0) for p in (0.0, 0.5, 1.0)] == pytest.approx([1e-4] * 3)


@pytest.mark.slow
@pytest.mark.speech
def test_real_speech_is_learned_without_collapse(
    learn: Callable[..., Any], mean_of_last: Callable[[Any, str], float]
) -> None:
    """Below its start and below what the units' frequencies alone give."""
    torch.manual_seed(0)
    shape = EncoderConfig(40, 2, 96, 3, 3, 256, position_kernel=16, position_groups=8, dropout=0.0)
    curve = learn(MelHubertPretraining(MelHubertConfig(shape, ObjectiveConfig(clusters=50))), 250, 3e-3, seconds=2.0)
    last = mean_of_last(curve, "loss")
    assert last < curve[0]["loss"] - 0.7
    assert last < mean_of_last(curve, "target_entropy") - 0.3
    assert mean_of_last(curve, "masked_accuracy") > 5 / 50
    assert mean_of_last(curve, "feature_variance") > 0.2
    assert mean_of_last(curve, "target_entropy") > 0.8 * math.log(50)
