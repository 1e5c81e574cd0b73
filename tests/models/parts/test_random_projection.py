"""Random-projection targets against brute force, and the efficient models that learn them."""

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
from ssl_models.efficient.closed_form import training_macs
from ssl_models.efficient.config import EFFICIENT, RANDOM_PROJECTION, EfficientConfig, EncoderConfig, ObjectiveConfig
from ssl_models.efficient.masked_prediction import MaskedPrediction
from ssl_models.parts.frontend import LogMel, normalised, silence_padding, stacked_frames
from ssl_models.parts.masking import span_mask
from ssl_models.parts.random_projection import RandomProjectionQuantiser, codebook_entropy

LENGTHS = torch.tensor([16_000, 9_000])
SMALL = EfficientConfig(EncoderConfig(32, 2, 2, 64), ObjectiveConfig("random-projection", clusters=16, codebooks=3))


def batch(garbage: float = 0.0) -> Tensor:
    waveforms = torch.full((2, 16_000), garbage)
    for i, n in enumerate(LENGTHS.tolist()):
        waveforms[i, :n] = 0.1 * torch.randn(n, generator=torch.Generator().manual_seed(i))
    return waveforms


@pytest.mark.parametrize("stack", [2, 4])
def test_labels_are_the_nearest_codes_at_unit_length(stack: int) -> None:
    """Frame by frame and codebook by codebook, in float64, by distance."""
    quantiser = RandomProjectionQuantiser(3, 50, 20, stack)
    logmel = LogMel(20)(batch())
    labels = quantiser(logmel, LENGTHS // 160)
    assert labels.shape == (2, 100 // stack, 3)
    assert labels.dtype == torch.int64
    normal = normalised(logmel, LENGTHS // 160).double().numpy()
    for clip, n in enumerate((LENGTHS // 160 // stack).tolist()):
        for frame in range(n):
            joined = normal[clip, frame * stack : (frame + 1) * stack].reshape(-1)
            for book in range(3):
                projected = joined @ quantiser.projections[:, 16 * book : 16 * (book + 1)].double().numpy()
                codes = quantiser.codes[book].double().numpy()
                unit = projected / np.linalg.norm(projected)
                distance = np.linalg.norm(unit - codes / np.linalg.norm(codes, axis=1, keepdims=True), axis=1)
                assert labels[clip, frame, book] == distance.argmin()


def test_projections_and_codes_are_as_published() -> None:
    """Xavier uniform projections, codes at unit length in every direction; each codebook its own."""
    quantiser = RandomProjectionQuantiser(4, 2048, 80, 4)
    bound = math.sqrt(6 / (320 + 16))
    assert quantiser.projections.abs().max() <= bound
    assert quantiser.projections.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert quantiser.codes.norm(dim=-1) == pytest.approx(torch.ones(4, 2048), abs=1e-6)
    assert quantiser.codes.mean((0, 1)).abs().max() < 0.02
    assert not torch.equal(quantiser.codes[0], quantiser.codes[1])
    assert not list(quantiser.parameters())


def test_the_seed_decides_and_travels_with_the_weights() -> None:
    logmel = LogMel(20)(batch())
    first, again, other = (RandomProjectionQuantiser(2, 50, 20, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(first(logmel), again(logmel))
    assert not torch.equal(first(logmel), other(logmel))
    other.load_state_dict(first.state_dict())
    assert torch.equal(first(logmel), other(logmel))
    assert first.fitted
    assert first.fit([], 3) == {}
    assert torch.equal(first(logmel), again(logmel))


def test_the_seed_leaves_torchs_own_generator_alone() -> None:
    state = torch.random.get_rng_state()
    RandomProjectionQuantiser(2, 50, 20)
    assert torch.equal(state, torch.random.get_rng_state())


def test_labels_do_not_hear_padding_or_loudness() -> None:
    quantiser, front = RandomProjectionQuantiser(2, 50, 20), LogMel(20)
    together = quantiser(front(silence_padding(batch(1e4), LENGTHS)), LENGTHS // 160)
    alone = quantiser(front(batch()[1:, :9_000]))
    assert together[1, : 9_000 // 320].tolist() == alone[0].tolist()
    loud = quantiser(front(8 * batch()), LENGTHS // 160)
    assert (loud == together).float().mean() > 0.99


def test_entropy_is_the_mean_over_the_codebooks() -> None:
    """By hand: one codebook always says 2, the other is fair over four codes; padding says 0 and does not count."""
    labels = torch.zeros(1, 10, 2, dtype=torch.long)
    labels[0, :8, 0] = 2
    labels[0, :8, 1] = torch.arange(8) % 4
    valid = (torch.arange(10) < 8)[None]
    assert codebook_entropy(labels, valid, 6).item() == pytest.approx((0 + math.log(4)) / 2)


def test_the_efficient_models_loss_is_that_of_every_code_of_every_masked_20_ms() -> None:
    torch.manual_seed(0)
    module = MaskedPrediction(SMALL)
    torch.nn.init.normal_(module.head.weight, std=1.0)
    outcome = module(batch(), LENGTHS, torch.Generator().manual_seed(7))
    with torch.no_grad():
        logmel = module.encoder.logmel(batch())
        labels = module.quantiser(logmel, LENGTHS // 160)
        stacked = stacked_frames(logmel, LENGTHS, 4)
        mask = span_mask(LENGTHS // 640, stacked.shape[1], 6, 0.5, torch.Generator().manual_seed(7))
        hidden = torch.where(mask[..., None], module.mask_vector, module.encoder.project(stacked))
        logits = module.head(module.encoder.transform(hidden, LENGTHS // 640)[-1]).double().numpy()
    assert labels.shape == (2, 50, 3)
    losses, hits = [], []
    for clip, frame in np.argwhere(mask.numpy()):
        heads = logits[clip, frame].reshape(2, 3, 16)
        for half in range(2):
            for book in range(3):
                label, scores = int(labels[clip, 2 * frame + half, book]), heads[half, book]
                losses.append(np.log(np.exp(scores).sum()) - scores[label])
                hits.append(scores.argmax() == label)
    assert outcome.loss.item() == pytest.approx(float(np.mean(losses)), rel=1e-5)
    assert outcome.metrics["masked_accuracy"].item() == pytest.approx(float(np.mean(hits)))
    use = [np.bincount(np.concatenate([labels[0, :, b], labels[1, :28, b]]), minlength=16) for b in range(3)]
    shares = np.array(use) / 78
    entropy = -(shares * np.log(np.maximum(shares, 1e-30))).sum(1).mean()
    assert outcome.metrics["target_entropy"].item() == pytest.approx(entropy, rel=1e-5)
    outcome.loss.backward()
    assert all(p.grad is not None and p.grad.abs().amax() > 0 for p in module.parameters())
    assert module.targets_fitted


@pytest.mark.parametrize(
    "seconds", [3.7, 60.0, *(pytest.param(other, marks=pytest.mark.slow) for other in (1.0, 10.0, 30.0))]
)
def test_a_steps_flops_agree_with_the_closed_form(seconds: float) -> None:
    encoder = replace(EFFICIENT["efficient-tiny"].encoder, blocks=2)
    config = replace(EFFICIENT["efficient-tiny"], encoder=encoder, objective=RANDOM_PROJECTION)
    counted = training_flops(lambda: MaskedPrediction(config), seconds)
    assert counted.flops == pytest.approx(2 * training_macs(config, round(seconds * 16_000)), rel=1e-3)
    assert not counted.suspects


def test_targets_by_hand() -> None:
    """One second: 50 label frames, 3 codebooks of 16 dimensions, 160 values in, 16 codes; a head for each."""
    config = replace(SMALL, objective=replace(SMALL.objective, codebooks=1, targets="k-means"))
    cepstra = 100 * 80 * 13 + 50 * 39 * 16
    targets, heads = 50 * 3 * 16 * (160 + 16), 3 * 25 * 32 * 2 * 16 * (3 - 1)
    assert training_macs(SMALL, 16_000) == training_macs(config, 16_000) - cepstra + targets + heads


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="k-means has one"):
        ObjectiveConfig(codebooks=2)
    with pytest.raises(ValueError, match="codebooks 0 must be at least 1"):
        ObjectiveConfig("random-projection", codebooks=0)
    assert ObjectiveConfig().targets == "k-means"
    assert "4 x 2048" in RANDOM_PROJECTION.line


@pytest.mark.slow
@pytest.mark.speech
def test_the_efficient_model_learns_them_on_real_speech(
    learn: Callable[..., Any], mean_of_last: Callable[[Any, str], float]
) -> None:
    """Below its start and below what the codes' frequencies alone give; many codes are in use."""
    torch.manual_seed(0)
    objective = ObjectiveConfig("random-projection", clusters=64, codebooks=4)
    curve = learn(MaskedPrediction(EfficientConfig(EncoderConfig(96, 3, 3, 256), objective)), 350, 4e-3, seconds=2.0)
    last = mean_of_last(curve, "loss")
    assert last < curve[0]["loss"] - 0.3
    assert last < mean_of_last(curve, "target_entropy") - 0.1
    assert mean_of_last(curve, "masked_accuracy") > 3 / 64
    assert mean_of_last(curve, "feature_variance") > 0.1
    assert mean_of_last(curve, "target_entropy") > math.log(16)
