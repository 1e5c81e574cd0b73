"""HuBERT's objective: what the loss is, what is hidden, what reaches the front end, and that it can be learned."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from ssl_models.baselines.wav2vec2.config import ArchitectureConfig, HubertObjectiveConfig, Wav2Vec2FamilyConfig
from ssl_models.baselines.wav2vec2.masked_prediction import HubertPretraining
from ssl_models.interface import LossAndMetrics
from ssl_models.parts.masking import span_mask

CLUSTERS, WIDTH = 8, 6
SHAPE = ArchitectureConfig(
    "hubert", 16, 2, 2, 24, conv_widths=(8,) * 7, conv_norm="layer", pre_norm=True, position_kernel=16, position_groups=4,
    dropout=0.0, attention_dropout=0.0, layer_drop=0.0,
)  # fmt: skip
"""Layer norms: a clip in a padded batch is what it is alone."""

OBJECTIVE = HubertObjectiveConfig(clusters=CLUSTERS, code_width=WIDTH)
LENGTHS = torch.tensor([16_000, 9_000, 4_321])
FRAMES = [49, 27, 13]


def speech(samples: int, seed: int) -> Tensor:
    """Bursts of eight tones of 0.2 s in a little noise."""
    draw = torch.Generator().manual_seed(seed)
    tones = torch.randint(0, 8, (samples // 3200 + 1,), generator=draw)
    pitch = (200.0 * 1.5 ** tones.float()).repeat_interleave(3200)[:samples]
    noise = 0.01 * torch.randn(samples, generator=draw)
    return 0.1 * torch.sin(2 * math.pi * pitch * torch.arange(samples) / 16_000) + noise


def batch(garbage: float = 0.0) -> Tensor:
    waveforms = torch.full((3, 16_000), garbage)
    for i, n in enumerate(LENGTHS.tolist()):
        waveforms[i, :n] = speech(n, i)
    return waveforms


def built(objective: HubertObjectiveConfig = OBJECTIVE, seed: int = 0) -> HubertPretraining:
    torch.manual_seed(seed)
    module = HubertPretraining(Wav2Vec2FamilyConfig(SHAPE, objective), objective)
    module.fit_targets((speech(32_000, seed).numpy() for seed in range(4)), seed)
    return module.train()


@pytest.fixture(scope="module")
def fresh() -> HubertPretraining:
    return built()


@pytest.fixture
def module(fresh: HubertPretraining) -> HubertPretraining:
    return copy.deepcopy(fresh)


def step(
    module: HubertPretraining, waveforms: Tensor, lengths: Tensor | None = LENGTHS, seed: int = 7
) -> LossAndMetrics:
    return module(waveforms, lengths, torch.Generator().manual_seed(seed))


def hidden_frames(seed: int = 7) -> Tensor:
    return span_mask(torch.tensor(FRAMES), 49, 10, 0.8, torch.Generator().manual_seed(seed), overlap=True)


def labels_alone(module: HubertPretraining) -> list[list[int]]:
    """Each clip's labels without any padding."""
    return [module.quantiser(module.logmel(speech(n, i)[None]))[0].tolist() for i, n in enumerate(LENGTHS.tolist())]


def by_the_formula(module: HubertPretraining) -> tuple[float, float, float]:
    """Prediction loss, penalty, accuracy: a loop over hidden frames in float64."""
    labels, hidden = labels_alone(module), hidden_frames()
    with torch.no_grad():
        features = module.encoder.conv_features(batch())
        projected = module.encoder.model.feature_projection(features)
        projected = projected[0] if isinstance(projected, tuple) else projected
        projected[hidden] = module.encoder.model.masked_spec_embed
        valid = torch.arange(49) < torch.tensor(FRAMES)[:, None]
        output = module.encoder.model.encoder(projected, attention_mask=valid).last_hidden_state
        vectors = module.project(output).double().numpy()
    codes = module.codes.detach().double().numpy()
    losses, hits = [], []
    for clip, n in enumerate(FRAMES):
        for frame in range(n):
            if not hidden[clip, frame]:
                continue
            v = vectors[clip, frame]
            cosines = np.array([v @ c / np.linalg.norm(v) / np.linalg.norm(c) for c in codes])
            probabilities = np.exp(cosines / 0.1) / np.exp(cosines / 0.1).sum()
            losses.append(-math.log(probabilities[labels[clip][frame]]))
            hits.append(cosines.argmax() == labels[clip][frame])
    penalty = float((features.double() ** 2).mean())
    return float(np.mean(losses)), penalty, float(np.mean(hits))


@pytest.mark.parametrize("garbage", [0.0, 5.0, float("nan")])
def test_the_loss_is_that_of_the_formula(module: HubertPretraining, garbage: float) -> None:
    """Cosine over 0.1, cross-entropy over hidden valid frames, ten times the mean square; padding is never read."""
    torch.nn.init.normal_(module.codes)
    prediction, penalty, hits = by_the_formula(module)
    found = step(module, batch(garbage))
    assert found.metrics["prediction_loss"].item() == pytest.approx(prediction, rel=1e-4)
    assert found.loss.item() == pytest.approx(prediction + 10 * penalty, rel=1e-4)
    assert found.metrics["masked_accuracy"].item() == pytest.approx(hits, abs=1e-5)
    assert prediction > 0.1 < penalty


def test_no_lengths_means_all_valid(module: HubertPretraining) -> None:
    waveforms = torch.stack([speech(16_000, 0), speech(16_000, 1)])
    whole, said = step(module, waveforms, None), step(module, waveforms, torch.tensor([16_000, 16_000]))
    assert whole.loss.item() == pytest.approx(said.loss.item(), rel=1e-5)


def test_padding_does_not_change_labels(module: HubertPretraining) -> None:
    padded = module.quantiser(module.logmel(batch()), LENGTHS // 160)
    for clip, (alone, n) in enumerate(zip(labels_alone(module), FRAMES, strict=True)):
        assert padded[clip, :n].tolist() == alone[:n]
        assert len(alone) >= n
    assert len({label for row in labels_alone(module) for label in row}) > 3


def starts_of(row: list[bool], span: int) -> bool:
    """Whether hidden frames are a union of whole spans."""
    runs, length = [], 0
    for frame in [*row, False]:
        if frame:
            length += 1
        elif length:
            runs.append(length)
            length = 0
    return all(run >= span for run in runs)


@given(st.lists(st.integers(0, 120), min_size=1, max_size=5), st.integers(0, 20), st.integers(0, 2**32))
def test_hidden_spans_are_whole_and_within_the_valid_frames(lengths: list[int], extra: int, seed: int) -> None:
    """n frames get round(0.8 n / 10) spans of 10: at least one where one fits, distinct, free to overlap."""
    frames = max(1, max(lengths) + extra)
    generator = torch.Generator().manual_seed(seed)
    mask = span_mask(torch.tensor(lengths), frames, 10, 0.8, generator, overlap=True)
    for row, n in zip(mask.tolist(), lengths, strict=True):
        spans = min(max(1, round(0.8 * n / 10)), max(0, n - 9))
        assert not any(row[n:])
        assert starts_of(row, 10)
        # Distinct starts: k spans hide at least 10 + k - 1 frames and at most 10 k.
        assert (10 + spans - 1 if spans else 0) <= sum(row) <= 10 * spans


@pytest.mark.parametrize(("n", "padded"), [(49, 49), (49, 80), (200, 200), (750, 760)])
def test_as_many_frames_are_hidden_as_by_fairseqs_rule(n: int, padded: int) -> None:
    """A loop draws distinct starts among all n - 9, and covers 10 from each: some 57 % of a long clip."""
    draw, draws, spans = np.random.default_rng(0), 4_000, round(0.8 * n / 10)
    covered = np.zeros((draws, n))
    for row in covered:
        for start in draw.choice(n - 10 + 1, spans, replace=False):
            row[start : start + 10] = 1
    ours = span_mask(torch.full((draws,), n), padded, 10, 0.8, torch.Generator().manual_seed(0), overlap=True)
    ours_covered = ours[:, :n].double().numpy()
    # Five standard errors of a difference of two means.
    shares, ours_shares = covered.mean(1), ours_covered.mean(1)
    assert abs(shares.mean() - ours_shares.mean()) < 5 * math.hypot(shares.std(), ours_shares.std()) / draws**0.5
    assert ours_shares.std() == pytest.approx(shares.std(), rel=0.1)
    # At each frame: five standard errors of two proportions, and a little for the many frames.
    assert np.abs(covered.mean(0) - ours_covered.mean(0)).max() < 6 * (0.5 / draws) ** 0.5
    # Exactly: a frame is seen if none of the spans starts at one of the places that would cover it.
    places = n - 9
    covering = [min(t, places - 1) - max(0, t - 9) + 1 for t in range(n)]
    expected = np.mean([1 - math.comb(places - c, spans) / math.comb(places, spans) for c in covering])
    assert abs(ours_shares.mean() - expected) < 5 * ours_shares.std() / draws**0.5


def gradients(module: HubertPretraining) -> dict[str, Tensor]:
    found = {name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None}
    module.zero_grad(set_to_none=True)
    return found


def test_a_tenth_of_the_gradient_reaches_the_front_end() -> None:
    """And the whole of it everything else."""
    found = []
    for share in (1.0, 0.1):
        module = built(replace(OBJECTIVE, feature_gradient=share))
        step(module, batch()).loss.backward()
        found.append(gradients(module))
    whole, scaled = found
    assert set(whole) == set(scaled)
    front = [name for name in whole if "feature_extractor" in name]
    assert len(front) == 7 * 3
    for name, gradient in whole.items():
        wanted = 0.1 * gradient if name in front else gradient
        torch.testing.assert_close(scaled[name], wanted, rtol=1e-4, atol=1e-7, msg=name)
        assert gradient.abs().max() > 0, name


def test_every_learned_value_has_a_gradient(module: HubertPretraining) -> None:
    outcome = step(module, batch())
    assert all(not metric.requires_grad and metric.ndim == 0 for metric in outcome.metrics.values())
    outcome.loss.backward()
    assert set(gradients(module)) == {name for name, p in module.named_parameters() if p.requires_grad}


def test_what_is_hidden_is_not_seen(module: HubertPretraining) -> None:
    """Other front-end features under the mask give the same output in every frame."""
    draw, hidden = torch.Generator().manual_seed(0), hidden_frames()
    features, other = (torch.randn(3, 49, 8, generator=draw) for _ in range(2))
    lengths = torch.tensor(FRAMES)
    one = module.encoder.contextual(features, hidden, lengths)
    two = module.encoder.contextual(torch.where(hidden[..., None], other, features), hidden, lengths)
    assert torch.equal(one, two)
    assert not torch.equal(one, module.encoder.contextual(other, hidden, lengths))


def test_clips_too_short_to_hide_anything_break_nothing(module: HubertPretraining) -> None:
    outcome = step(module, batch(), torch.tensor([16_000, 3_000, 400]))
    outcome.loss.backward()
    assert outcome.loss.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients(module).values())
    assert step(module, batch(), torch.tensor([3_000, 3_000, 3_000])).metrics["prediction_loss"].item() == 0
    with pytest.raises(ValueError, match="400 samples, got 399"):
        step(module, torch.zeros(1, 399), None)


def test_every_draw_of_the_objective_is_the_generators(module: HubertPretraining) -> None:
    """With neither dropout nor LayerDrop in the encoder, the generator decides alone."""
    losses = [step(module, batch(), seed=seed).loss.item() for seed in (1, 1, 2)]
    assert losses[0] == losses[1] != losses[2]


def test_the_loss_falls(module: HubertPretraining) -> None:
    """Below its start and below what a guess from the labels' frequencies would lose."""
    optimiser = torch.optim.AdamW(module.parameters(), 5e-3)
    outcomes = []
    for i in range(50):
        outcomes.append(step(module, batch(), seed=i % 4))
        optimiser.zero_grad()
        outcomes[-1].loss.backward()
        optimiser.step()
    first, last = (outcome.metrics for outcome in (outcomes[0], outcomes[-1]))
    assert last["prediction_loss"].item() < 0.7 * first["prediction_loss"].item()
    assert last["prediction_loss"].item() < last["target_entropy"].item()
    assert outcomes[-1].loss.item() < outcomes[0].loss.item()
