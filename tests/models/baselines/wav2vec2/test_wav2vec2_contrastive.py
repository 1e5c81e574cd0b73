"""wav2vec 2.0's objective against transformers, slow loops and chance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ssl_models.baselines.wav2vec2.config import (
    ArchitectureConfig,
    Wav2Vec2FamilyConfig,
    Wav2Vec2ObjectiveConfig,
)
from ssl_models.baselines.wav2vec2.contrastive import (
    ContrastivePretraining,
    Draws,
    contrastive_logits,
    draw_negatives,
)
from ssl_models.baselines.wav2vec2.encoder import transformers_settings
from ssl_models.catalog import card, pretraining
from ssl_models.interface import LossAndMetrics

if TYPE_CHECKING:
    from transformers import Wav2Vec2ForPreTraining

SHAPE = ArchitectureConfig(
    "wav2vec2", 32, 2, 2, 64, conv_widths=(16,) * 7, position_kernel=16, position_groups=4,
    dropout=0.0, attention_dropout=0.0, layer_drop=0.0,
)  # fmt: skip
OBJECTIVE = Wav2Vec2ObjectiveConfig(entries=8, code_width=16, projected_width=12, negatives=20, target_dropout=0.0)
LENGTHS = torch.tensor([32_000, 20_000, 9_000])
NAMES = ["wav2vec2-base", "wav2vec2-large"]


def built(objective: Wav2Vec2ObjectiveConfig = OBJECTIVE, seed: int = 0) -> ContrastivePretraining:
    torch.manual_seed(seed)
    return ContrastivePretraining(Wav2Vec2FamilyConfig(SHAPE, objective), objective)


def batch(garbage: float = 0.0) -> Tensor:
    waveforms = torch.randn(3, 32_000, generator=torch.Generator().manual_seed(0)) * 0.1
    return torch.where(torch.arange(32_000) < LENGTHS[:, None], waveforms, garbage)


def drawn(module: ContrastivePretraining, seed: int = 7) -> Draws:
    return module.draw(module.encoder.frame_lengths(LENGTHS), 99, torch.Generator().manual_seed(seed))


def step(module: ContrastivePretraining, waveforms: Tensor, seed: int = 7) -> LossAndMetrics:
    return module(waveforms, LENGTHS, torch.Generator().manual_seed(seed))


def transformers_twin(module: ContrastivePretraining) -> Wav2Vec2ForPreTraining:
    """transformers' own model of the same weights."""
    from transformers import Wav2Vec2Config, Wav2Vec2ForPreTraining

    objective = module.objective
    twin = Wav2Vec2ForPreTraining(
        Wav2Vec2Config(
            **transformers_settings(SHAPE),
            num_codevector_groups=objective.codebooks,
            num_codevectors_per_group=objective.entries,
            codevector_dim=objective.code_width,
            proj_codevector_dim=objective.projected_width,
            feat_quantizer_dropout=0.0,
            contrastive_logits_temperature=objective.temperature,
            diversity_loss_weight=objective.diversity_weight,
        )
    )
    twin.wav2vec2.load_state_dict(module.encoder.model.state_dict())
    twin.quantizer.weight_proj.load_state_dict(module.quantiser.to_logits.state_dict())
    with torch.no_grad():
        twin.quantizer.codevectors.copy_(module.quantiser.entries.flatten(0, 1)[None])
    twin.project_hid.load_state_dict(module.project_output.state_dict())
    twin.project_q.load_state_dict(module.project_targets.state_dict())
    return twin


def as_frames(draws: Draws) -> Tensor:
    """Our negatives as transformers wants them: for each frame, places in the batch laid end to end."""
    hidden, frames = draws.hidden, draws.mask.shape[1]
    places = torch.zeros(*draws.mask.shape, draws.negatives.shape[2], dtype=torch.long)
    for clip, count in enumerate(hidden.counts.tolist()):
        for slot in range(count):
            chosen = hidden.positions[clip, draws.negatives[clip, slot]]
            places[clip, hidden.positions[clip, slot]] = chosen + clip * frames
    return places


@pytest.mark.parametrize("training", [False, True])
def test_it_equals_transformers(monkeypatch: pytest.MonkeyPatch, *, training: bool) -> None:
    """The same weights, mask, negatives and, in training, Gumbel noise and gradients; a padded batch."""
    module = built(replace(OBJECTIVE, feature_penalty=0.0, feature_gradient=1.0)).train(training)
    twin, draws = transformers_twin(module).train(training), drawn(module)
    assert (draws.noise is not None) == training
    if draws.noise is not None:
        # transformers quantises every frame; the loss sees the hidden ones.
        noise = torch.zeros(3, 99, *draws.noise.shape[2:])
        for clip, count in enumerate(draws.hidden.counts.tolist()):
            noise[clip, draws.hidden.positions[clip, :count]] = draws.noise[clip, :count]

        def with_our_noise(logits: Tensor, tau: float, *, hard: bool) -> Tensor:
            assert hard
            soft = torch.softmax((logits + noise.view_as(logits)) / tau, -1)
            return F.one_hot(soft.argmax(-1), soft.shape[-1]) - soft.detach() + soft

        monkeypatch.setattr(F, "gumbel_softmax", with_our_noise)
    theirs = twin(
        batch(),
        attention_mask=(torch.arange(32_000) < LENGTHS[:, None]).long(),
        mask_time_indices=draws.mask,
        sampled_negative_indices=as_frames(draws),
    )
    ours = module.compare(module.encoder.conv_features(batch()), module.encoder.frame_lengths(LENGTHS), draws)
    hidden = int(draws.mask.sum())
    assert ours.metrics["contrastive_loss"].item() == pytest.approx(theirs.contrastive_loss.item() / hidden, abs=1e-5)
    if not training:
        # Outside training transformers' diversity is that of the hard choice, and the perplexities are summed.
        expected = theirs.codevector_perplexity.item() / OBJECTIVE.codebooks
        assert ours.metrics["codebook_perplexity"].item() == pytest.approx(expected, abs=1e-4)
        return
    assert ours.metrics["diversity_loss"].item() == pytest.approx(theirs.diversity_loss.item() / hidden, abs=1e-5)
    assert ours.loss.item() == pytest.approx(theirs.loss.item() / hidden, abs=1e-5)
    ours.loss.backward()
    (theirs.loss / hidden).backward()
    for name, parameter in twin.wav2vec2.named_parameters():
        mine = module.encoder.model.get_parameter(name).grad
        torch.testing.assert_close(mine, parameter.grad, atol=1e-5, rtol=1e-3, msg=name)
    entries = twin.quantizer.codevectors.grad.view_as(module.quantiser.entries)
    torch.testing.assert_close(module.quantiser.entries.grad, entries, atol=1e-6, rtol=1e-3)
    torch.testing.assert_close(
        module.quantiser.to_logits.weight.grad, twin.quantizer.weight_proj.weight.grad, atol=1e-6, rtol=1e-3
    )


def test_the_loss_by_a_slow_loop() -> None:
    """From the paper's formulas, frame by frame in float64."""
    module = built()
    draws, lengths = drawn(module), module.encoder.frame_lengths(LENGTHS)
    features = module.encoder.conv_features(batch())
    outcome = module.compare(features, lengths, draws)
    output = module.encoder.contextual(features, draws.mask, lengths)
    normed = module.encoder.model.feature_projection.layer_norm(features)
    losses, hits, soft, codes = [], [], [], []
    for clip in range(3):
        places = draws.mask[clip].nonzero()[:, 0].tolist()
        chosen = []
        for slot, frame in enumerate(places):
            logits = module.quantiser.to_logits(normed[clip, frame]).view(2, 8)
            noisy = logits + draws.noise[clip, slot]
            pick = noisy.argmax(-1).tolist()
            vector = torch.cat([module.quantiser.entries[book, code] for book, code in enumerate(pick)])
            chosen.append((pick, module.project_targets(vector).detach().double().numpy()))
            soft.append(torch.softmax(logits, -1).detach().double().numpy())
            codes.append(logits.argmax(-1).tolist())
        for slot, frame in enumerate(places):
            context = module.project_output(output[clip, frame]).detach().double().numpy()
            scores = [
                math.exp(context @ target / np.linalg.norm(context) / np.linalg.norm(target) / 0.1)
                for pick, target in [chosen[slot]] + [chosen[other] for other in draws.negatives[clip, slot]]
                if target is chosen[slot][1] or pick != chosen[slot][0]
            ]
            losses.append(-math.log(scores[0] / sum(scores)))
            hits.append(len(scores) > 1 and scores[0] > max(scores[1:]))
    use = np.mean(soft, 0)
    perplexity = np.exp(-(use * np.log(use)).sum(1))
    counts = [np.bincount([pair[book] for pair in codes], minlength=8) / len(codes) for book in range(2)]
    hard = [math.exp(-sum(p * math.log(p) for p in row if p)) for row in counts]
    penalty = np.mean([features[i, :n].detach().double().square().mean() * n for i, n in enumerate(lengths)])
    penalty *= 3 / int(lengths.sum())
    metrics = outcome.metrics
    assert metrics["contrastive_loss"].item() == pytest.approx(np.mean(losses), rel=1e-5)
    assert metrics["contrastive_accuracy"].item() == pytest.approx(np.mean(hits), abs=1e-6)
    assert metrics["diversity_loss"].item() == pytest.approx((16 - perplexity.sum()) / 16, rel=1e-5)
    assert metrics["codebook_perplexity"].item() == pytest.approx(np.mean(hard), rel=1e-5)
    total = np.mean(losses) + 0.1 * (16 - perplexity.sum()) / 16 + 10 * penalty
    assert outcome.loss.item() == pytest.approx(total, rel=1e-5)


def test_negatives_are_other_hidden_frames_of_the_clip_and_evenly_drawn() -> None:
    counts, slots = torch.tensor([7, 40, 0, 1]), 40
    found = draw_negatives(counts, slots, 20_000, torch.Generator().manual_seed(0))
    assert found.shape == (4, slots, 20_000)
    assert int(found.min()) >= 0
    assert int(found.max()) < slots
    for clip in (0, 1):
        n = int(counts[clip])
        for slot in range(n):
            share = torch.bincount(found[clip, slot], minlength=n) / 20_000
            assert share[slot] == 0
            assert len(share) == n
            expected = torch.full((n,), 1 / (n - 1)).index_fill(0, torch.tensor([slot]), 0.0)
            assert float((share - expected).abs().max()) < 5 * math.sqrt(1 / (n - 1) / 20_000)


def test_a_negative_of_the_same_codes_is_none() -> None:
    output, targets = torch.eye(3)[None], torch.eye(3)[None]
    codes = torch.tensor([[[0, 1], [0, 1], [0, 2]]])
    negatives = torch.tensor([[[1, 2], [0, 2], [0, 1]]])
    logits = contrastive_logits(output, targets, codes, negatives, 0.1)[0]
    inf = float("inf")
    assert logits.tolist() == [[10.0, -inf, 0.0], [10.0, -inf, 0.0], [10.0, 0.0, 0.0]]


def test_a_collapsed_codebook_is_no_success() -> None:
    """Where all codes are equal there is nothing to distinguish: accuracy 0, perplexity 1, diversity loss at its most."""
    module = built()
    with torch.no_grad():
        module.quantiser.to_logits.weight.zero_()
        module.quantiser.to_logits.bias.view(2, 8)[:, 3] = 1000.0
    metrics = step(module, batch()).metrics
    assert metrics["contrastive_accuracy"].item() == 0
    assert metrics["codebook_perplexity"].item() == pytest.approx(1.0)
    assert metrics["diversity_loss"].item() == pytest.approx(1 - 1 / 8)
    assert metrics["contrastive_loss"].item() == pytest.approx(0.0, abs=1e-6)


def test_the_quantisers_temperature_falls_by_steps() -> None:
    module = built(Wav2Vec2ObjectiveConfig())
    assert module.temperature.item() == 2.0
    for progress in (0.1, 0.2, 0.3):
        module.after_step(progress)
    assert module.temperature.item() == pytest.approx(2 * 0.999995**3, rel=1e-7)
    for steps in (1000, 100_000, 277_000):
        module.steps.fill_(steps)
        assert module.temperature.item() == pytest.approx(2 * 0.999995**steps, rel=1e-6)
    module.steps.fill_(400_000)
    assert module.temperature.item() == 0.5
    again = built(Wav2Vec2ObjectiveConfig())
    again.load_state_dict(module.state_dict())
    assert again.steps.item() == 400_000


def test_gradients_reach_every_learned_parameter() -> None:
    module = built()
    outcome = step(module, batch())
    assert all(not metric.requires_grad and metric.ndim == 0 for metric in outcome.metrics.values())
    outcome.loss.backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # A shift of all keys changes no softmax.
        assert parameter.grad.abs().amax() > 0 or name.endswith("k_proj.bias"), name


def test_the_front_ends_gradient_is_scaled() -> None:
    norms = []
    for factor in (1.0, 0.1):
        module = built(replace(OBJECTIVE, feature_gradient=factor))
        step(module, batch()).loss.backward()
        front = module.encoder.model.feature_extractor.conv_layers[0].conv.weight.grad
        norms.append((front, module.project_output.weight.grad))
    torch.testing.assert_close(norms[1][0], 0.1 * norms[0][0])
    torch.testing.assert_close(norms[1][1], norms[0][1])


@pytest.mark.parametrize("garbage", [0.5, float("nan")])
def test_what_stands_in_the_padding_changes_nothing(garbage: float) -> None:
    losses = [step(built(), batch(filling)).loss for filling in (0.0, garbage)]
    assert torch.equal(losses[0], losses[1])


def test_every_draw_comes_from_the_generator_given() -> None:
    module = built()
    state = torch.random.get_rng_state()
    losses = [step(module, batch(), seed).loss.item() for seed in (1, 1, 2)]
    assert torch.equal(state, torch.random.get_rng_state())
    assert losses[0] == losses[1] != losses[2]


def test_clips_too_short_to_hide_cost_nothing_and_break_nothing() -> None:
    module, generator = built(), torch.Generator().manual_seed(0)
    outcome = module(batch(), torch.tensor([32_000, 500, 0]), generator)
    outcome.loss.backward()
    assert outcome.loss.isfinite()
    assert all(p.grad is None or p.grad.isfinite().all() for p in module.parameters())
    assert module(batch(), torch.tensor([3_000, 500, 0]), generator).metrics["contrastive_loss"].item() == 0
    with pytest.raises(ValueError, match="400 samples, got 399"):
        module(torch.zeros(1, 399), None, generator)


def test_bfloat16_stays_near_float32() -> None:
    module = built().eval()
    full = step(module, batch())
    with torch.autocast("cpu", torch.bfloat16):
        half = step(module, batch())
    half.loss.backward()
    assert half.loss.dtype == torch.float32
    assert half.loss.item() == pytest.approx(full.loss.item(), rel=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_the_catalog_builds_it(name: str) -> None:
    with torch.device("meta"):
        module = pretraining(name)
    assert isinstance(module, ContrastivePretraining)
    assert "contrastive" in card(name).objective


def test_nothing_is_fitted() -> None:
    module = built()
    assert module.targets_fitted
    assert module.fit_targets(iter(()), 0) == {}


@pytest.mark.parametrize(
    "wrong",
    [{"entries": 0}, {"code_width": 7}, {"span_share": 0.0}, {"gumbel_end": 3.0}, {"temperature": 0.0}],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0]):
        replace(OBJECTIVE, **wrong)


@pytest.mark.slow
@pytest.mark.speech
def test_real_speech_is_learned_without_collapse(
    learn: Callable[..., Any], mean_of_last: Callable[[Any, str], float]
) -> None:
    """Below its start and below chance, ln(101), with the codebooks in use and features that differ.

    Spans of 80 ms over less of the clip, which so small a model learns in so few steps.
    """
    shape = replace(SHAPE, width=48, hidden=96, conv_widths=(24,) * 7)
    objective = Wav2Vec2ObjectiveConfig(
        entries=32, code_width=32, projected_width=32, span_frames=4, span_share=0.4, target_dropout=0.0
    )
    torch.manual_seed(0)
    curve = learn(ContrastivePretraining(Wav2Vec2FamilyConfig(shape, objective), objective), 250, 5e-3, clips=4)
    end = mean_of_last(curve, "contrastive_loss")
    assert end < math.log(101) - 0.4
    assert end < curve[0]["contrastive_loss"] - 0.5
    assert mean_of_last(curve, "contrastive_accuracy") > 5 / 101
    assert mean_of_last(curve, "codebook_perplexity") > 8
    assert mean_of_last(curve, "feature_variance") > 0.05
