"""WavLM's utterance mixing against a slow loop and against the distributions that its paper states."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ssl_models.baselines.wav2vec2.config import (
    WAV2VEC2_FAMILY,
    ArchitectureConfig,
    HubertObjectiveConfig,
    Wav2Vec2FamilyConfig,
)
from ssl_models.baselines.wav2vec2.masked_prediction import HubertPretraining
from ssl_models.baselines.wav2vec2.mixing import mixed

pytestmark = pytest.mark.filterwarnings("ignore:Support for mismatched key_padding_mask:UserWarning")
"""transformers' WavLM hands torch a boolean mask beside its position bias."""

SHAPE = ArchitectureConfig(
    "wavlm", 32, 2, 2, 64, conv_widths=(16,) * 7, position_kernel=8, position_groups=2, dropout=0.0, attention_dropout=0.0,
    layer_drop=0.0,
)  # fmt: skip
LENGTHS = torch.tensor([9_000, 16_000, 1, 12_345, 0])


def batch() -> Tensor:
    waveforms = 0.1 * torch.randn(5, 16_000, generator=torch.Generator().manual_seed(0))
    waveforms *= torch.tensor([1.0, 3.0, 0.2, 1.0, 1.0])[:, None]
    for i, n in enumerate(LENGTHS.tolist()):
        waveforms[i, n:] = 0
    return waveforms


def generator(seed: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def slowly(waveforms: Tensor, lengths: list[int], share: float, seed: int) -> np.ndarray:
    """Algorithm 1 of the paper, sample by sample, on the same draws."""
    draws = torch.rand(6, len(lengths), generator=generator(seed)).double().numpy()
    clips = waveforms.double().numpy()
    out = clips.copy()
    for i, n in enumerate(lengths):
        other = (i + 1 + int(draws[1, i] * (len(lengths) - 1))) % len(lengths)
        assert other != i
        most = min(n // 2, lengths[other])
        if draws[0, i] >= share or most < 1:
            continue
        length = 1 + int(draws[2, i] * most)
        start, start_other = int(draws[3, i] * (n - length + 1)), int(draws[4, i] * (lengths[other] - length + 1))
        ratio = 10 ** ((-5 + 10 * draws[5, i]) / 10)
        own, foreign = (clips[i, :n] ** 2).mean(), (clips[other, : lengths[other]] ** 2).mean()
        scale = math.sqrt(own / (ratio * foreign))
        for k in range(length):
            out[i, start + k] += scale * clips[other, start_other + k]
    return out


@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_papers_algorithm(seed: int) -> None:
    fast = mixed(batch(), LENGTHS, 0.7, generator(seed))
    slow = slowly(batch(), LENGTHS.tolist(), 0.7, seed)
    for i, n in enumerate(LENGTHS.tolist()):
        np.testing.assert_allclose(fast[i, :n], slow[i, :n], atol=1e-5)
        assert not fast[i, n:].any()


def test_shares_levels_lengths_and_places_are_as_published() -> None:
    """Clips of constant value 1: what is added shows its level; by chance alone each of these fails once in 10,000 runs."""
    from scipy import stats

    batch, samples = 4_000, 400
    added = (mixed(torch.ones(batch, samples), None, 0.2, generator()) - 1).double().numpy()
    hit = added[(added != 0).any(1)]
    assert stats.binomtest(len(hit), batch, 0.2).pvalue > 1e-4
    level = -20 * np.log10(hit.max(1))
    assert stats.kstest(level, stats.uniform(-5, 10).cdf).pvalue > 1e-4
    length = (hit != 0).sum(1)
    assert length.min() >= 1
    assert length.max() <= samples // 2
    assert stats.kstest(length - 0.5, stats.uniform(0, samples // 2).cdf).pvalue > 1e-4
    start = (hit != 0).argmax(1)
    assert stats.kstest((start + 0.5) / (samples - length + 1), stats.uniform(0, 1).cdf).pvalue > 1e-4
    assert (
        (hit != 0).astype(int)
        == np.array([[s <= k < s + n for k in range(samples)] for s, n in zip(start, length, strict=True)])
    ).all()


def test_every_other_clip_is_taken_and_never_itself() -> None:
    """Each of three clips is an echo of its own number: the sign of what is added shows whose it is."""
    clips = torch.tensor([[1.0], [-1.0]]).expand(2, 100)
    added = torch.stack([mixed(clips, None, 1.0, generator(seed)) - clips for seed in range(50)])
    assert (added[:, 0] <= 0).all()
    assert (added[:, 1] >= 0).all()
    assert added.abs().sum(2).all()


def test_nothing_to_mix_with_leaves_speech_and_generator_alone() -> None:
    source = generator()
    state = source.get_state()
    assert torch.equal(mixed(batch(), LENGTHS, 0.0, source), batch())
    assert torch.equal(mixed(batch()[:1], None, 1.0, source), batch()[:1])
    assert torch.equal(state, source.get_state())


def test_silence_makes_no_noise() -> None:
    waveforms = torch.stack([torch.zeros(800), torch.ones(800)])
    for seed in range(20):
        out = mixed(waveforms, None, 1.0, generator(seed))
        assert torch.equal(out, waveforms)


def module(mixing: float) -> HubertPretraining:
    torch.manual_seed(0)
    objective = HubertObjectiveConfig(clusters=8, code_width=16, mixing=mixing)
    built = HubertPretraining(Wav2Vec2FamilyConfig(SHAPE, objective), objective)
    built.fit_targets((0.1 * torch.randn(16_000, generator=generator(s)).numpy() for s in range(2)), 0)
    return built


def test_labels_are_those_of_clean_speech() -> None:
    """Mixing changes what is heard and not what is to be predicted."""
    clean = module(0.0)
    noisy = module(1.0)
    noisy.load_state_dict(clean.state_dict())
    heard: dict[str, list[Tensor]] = {"clean": [], "noisy": []}
    told: dict[str, list[Tensor]] = {"clean": [], "noisy": []}
    waveforms, lengths = batch()[[0, 1, 3]], LENGTHS[[0, 1, 3]]
    for name, built in (("clean", clean), ("noisy", noisy)):
        front = built.encoder.model.feature_extractor
        front.register_forward_pre_hook(lambda _, args, name=name: heard[name].append(args[0].detach().clone()))
        built.quantiser.register_forward_hook(lambda *args, name=name: told[name].append(args[2]))
        outcome = built(waveforms, lengths, generator())
        assert outcome.loss.isfinite()
    assert torch.equal(told["clean"][0], told["noisy"][0])
    assert torch.equal(heard["clean"][0], waveforms)
    assert torch.equal(heard["noisy"][0], mixed(waveforms, lengths, 1.0, generator()))
    assert not torch.equal(heard["clean"][0], heard["noisy"][0])


def test_every_draw_comes_from_the_generator_given() -> None:
    built, state = module(1.0), torch.random.get_rng_state()
    losses = [built(batch()[:2], None, generator(seed)).loss.item() for seed in (1, 1, 2)]
    assert torch.equal(state, torch.random.get_rng_state())
    assert losses[0] == losses[1] != losses[2]


def test_the_catalogs_wavlm_mixes_a_fifth() -> None:
    for name, config in WAV2VEC2_FAMILY.items():
        if isinstance(config.objective, HubertObjectiveConfig):
            assert config.objective.mixing == (0.2 if name.startswith("wavlm") else 0.0)
    with pytest.raises(ValueError, match="mixing 1"):
        HubertObjectiveConfig(mixing=1.5)


@pytest.mark.slow
@pytest.mark.speech
@pytest.mark.parametrize("mixing", [0.0, 0.2], ids=["hubert", "wavlm"])
def test_real_speech_is_learned_without_collapse(
    learn: Callable[..., Any], mean_of_last: Callable[[Any, str], float], mixing: float
) -> None:
    """Below its start and below what the units' frequencies alone give; without mixing it is HuBERT's first iteration."""
    torch.manual_seed(0)
    objective = HubertObjectiveConfig(clusters=20, code_width=32, feature_gradient=1.0, mixing=mixing)
    shape = replace(
        SHAPE, family="wavlm" if mixing else "hubert", width=64, hidden=128, conv_widths=(32,) * 7, position_kernel=16
    )
    curve = learn(HubertPretraining(Wav2Vec2FamilyConfig(shape, objective), objective), 400, 5e-3, seconds=2.0)
    last = mean_of_last(curve, "prediction_loss")
    assert last < curve[0]["prediction_loss"] - 0.3, (last, curve[0]["prediction_loss"])
    assert last < mean_of_last(curve, "target_entropy") - 0.1
    assert mean_of_last(curve, "masked_accuracy") > 2 / 20
    assert mean_of_last(curve, "feature_variance") > 0.2
    assert mean_of_last(curve, "target_entropy") > 0.8 * math.log(20)
