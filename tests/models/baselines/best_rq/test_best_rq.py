"""BEST-RQ's objective taken apart by a slow loop, its noise, and its cost."""

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
from ssl_models.baselines.best_rq.config import BEST_RQ, BestRqConfig, ObjectiveConfig, training_macs
from ssl_models.baselines.best_rq.masked_prediction import BestRqPretraining
from ssl_models.baselines.transformer.closed_form import encoder_macs
from ssl_models.baselines.transformer.config import EncoderConfig
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.frontend import stacked_frames
from ssl_models.parts.masking import span_mask

SHAPE = EncoderConfig(20, 4, 32, 2, 2, 64, position_kernel=8, position_groups=4, pre_norm=True, dropout=0.0)
CONFIG = BestRqConfig(SHAPE, ObjectiveConfig(codebooks=3, entries=16))
LENGTHS = torch.tensor([32_000, 19_000])


def batch(garbage: float = 0.0) -> Tensor:
    waveforms = torch.full((2, 32_000), garbage)
    for i, n in enumerate(LENGTHS.tolist()):
        waveforms[i, :n] = 0.1 * torch.randn(n, generator=torch.Generator().manual_seed(i))
    return waveforms


def built(config: BestRqConfig = CONFIG) -> BestRqPretraining:
    torch.manual_seed(0)
    return BestRqPretraining(config)


def step(module: BestRqPretraining, waveforms: Tensor, seed: int = 7) -> LossAndMetrics:
    return module(waveforms, LENGTHS, torch.Generator().manual_seed(seed))


def heard(module: BestRqPretraining, waveforms: Tensor) -> Tensor:
    """What is projected in a step, `(B, frames, mels * stack)`."""
    found: list[Tensor] = []
    handle = module.encoder.project.register_forward_pre_hook(lambda _, args: found.append(args[0]))
    step(module, waveforms)
    handle.remove()
    return found[0]


def test_hidden_frames_are_noise_and_the_others_are_speech() -> None:
    """Spans of 400 ms; a deviation of 0.1 where speech has 1."""
    module = built()
    stacked = stacked_frames(module.encoder.logmel(batch()), LENGTHS, 4)
    hidden = span_mask(LENGTHS // 640, 50, 10, 0.4, torch.Generator().manual_seed(7), overlap=True)
    assert hidden.sum() > 20
    seen = heard(module, batch())
    assert torch.equal(seen[~hidden], stacked[~hidden])
    noise = seen[hidden]
    assert noise.std().item() == pytest.approx(0.1, rel=0.05)
    assert noise.mean().item() == pytest.approx(0, abs=0.01)


def test_loss_and_metrics_are_those_of_the_hidden_frames() -> None:
    module = built()
    torch.nn.init.normal_(module.heads.weight, std=1.0)
    outcome = step(module, batch())
    seen = heard(module, batch())
    with torch.no_grad():
        hidden = span_mask(LENGTHS // 640, 50, 10, 0.4, torch.Generator().manual_seed(7), overlap=True)
        labels = module.quantiser(module.encoder.logmel(batch()), LENGTHS // 160)
        logits = module.heads(module.encoder.transform(seen, LENGTHS // 640)[-1]).double().numpy()
    losses, hits = [], []
    for clip, frame in np.argwhere(hidden.numpy()):
        assert frame < LENGTHS[clip] // 640
        for book, scores in enumerate(logits[clip, frame].reshape(3, 16)):
            label = int(labels[clip, frame, book])
            losses.append(np.log(np.exp(scores).sum()) - scores[label])
            hits.append(scores.argmax() == label)
    assert outcome.loss.item() == pytest.approx(float(np.mean(losses)), rel=1e-5)
    assert outcome.metrics["masked_accuracy"].item() == pytest.approx(float(np.mean(hits)))
    assert set(outcome.metrics) == {"masked_accuracy", "feature_variance", "target_entropy", "codebook_perplexity"}
    perplexity = math.exp(outcome.metrics["target_entropy"].item())
    assert outcome.metrics["codebook_perplexity"].item() == pytest.approx(perplexity, rel=1e-5)
    assert 2 < perplexity <= 16


def test_it_starts_near_the_logarithm_of_the_entries() -> None:
    assert step(built(), batch()).loss.item() == pytest.approx(math.log(16), abs=0.4)


def test_padding_changes_neither_loss_nor_gradients_and_codes_never_move() -> None:
    found = []
    for garbage in (0.0, float("nan")):
        module = built()
        outcome = step(module, batch(garbage))
        outcome.loss.backward()
        found.append((outcome.loss, {name: p.grad for name, p in module.named_parameters()}))
    assert torch.equal(found[0][0], found[1][0])
    for name, gradient in found[0][1].items():
        assert "quantiser" not in name
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


def test_nothing_is_fitted_and_the_seed_is_a_setting() -> None:
    module = built()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    assert module.targets_fitted
    assert module.fit_targets([], 3) == {}
    module.after_step(0.5)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    other = built(replace(CONFIG, objective=replace(CONFIG.objective, seed=1)))
    assert not torch.equal(other.quantiser.codes, module.quantiser.codes)


def test_a_step_by_hand() -> None:
    """One second: heads on 25 frames learned; projections and codes once; the input's projection without its gradient."""
    filters, projection, targets = 100 * 257 * 20, 25 * 80 * 32, 25 * 3 * 16 * (80 + 16)
    learned = encoder_macs(SHAPE, 16_000) - filters - projection + 25 * 32 * 3 * 16
    assert training_macs(CONFIG, 16_000) == filters + targets + 2 * projection + 3 * learned


@pytest.mark.parametrize(
    "seconds", [3.7, 60.0, *(pytest.param(other, marks=pytest.mark.slow) for other in (1.0, 10.0, 30.0))]
)
def test_a_steps_flops_agree_with_the_closed_form(seconds: float) -> None:
    """With three of the layers, which cost the same; the whole is counted in test_every_model.py."""
    whole = BEST_RQ["best-rq-base"]
    config = replace(whole, encoder=replace(whole.encoder, layers=3))
    counted = training_flops(lambda: BestRqPretraining(config), seconds)
    assert counted.flops == pytest.approx(2 * training_macs(config, round(seconds * 16_000)), rel=1e-3)
    assert not counted.suspects


def test_settings_that_cannot_be() -> None:
    for wrong in ({"codebooks": 0}, {"entries": 0}, {"span_share": 1.5}, {"noise": -0.1}):
        with pytest.raises(ValueError, match="must"):
            ObjectiveConfig(**wrong)
    assert BEST_RQ["best-rq-base"].encoder.frame_rate == 25


@pytest.mark.slow
@pytest.mark.speech
def test_real_speech_is_learned_without_collapse(
    learn: Callable[..., Any], mean_of_last: Callable[[Any, str], float]
) -> None:
    """Below its start and below what the codes' frequencies alone give; many codes are in use."""
    torch.manual_seed(0)
    shape = EncoderConfig(80, 4, 96, 3, 3, 256, position_kernel=16, position_groups=8, pre_norm=True, dropout=0.0)
    # Half of the published span: 200 ms can be distinguished from what surrounds them within a few hundred steps.
    objective = ObjectiveConfig(entries=64, span_frames=5)
    curve = learn(BestRqPretraining(BestRqConfig(shape, objective)), 300, 4e-3, seconds=3.0)
    last = mean_of_last(curve, "loss")
    assert last < curve[0]["loss"] - 0.4
    assert last < mean_of_last(curve, "target_entropy") - 0.1
    assert mean_of_last(curve, "masked_accuracy") > 3 / 64
    assert mean_of_last(curve, "feature_variance") > 0.2
    assert mean_of_last(curve, "codebook_perplexity") > 16
