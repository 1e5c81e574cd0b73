"""The target quantiser against brute force in float64 and against scikit-learn's own k-means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ssl_models.parts.frontend import MFCC, LogMel
from ssl_models.parts.targets import MFCC_WIDTH, KMeansQuantiser

Clip = NDArray[np.float32]


def voice(samples: int, seed: int) -> Clip:
    """Stretches of 0.1 s, each one of eight harmonic sounds, in a little noise."""
    draw = np.random.default_rng(seed)
    time = np.arange(1600) / 16_000
    sounds = [
        sum(np.sin(2 * np.pi * h * (110 + 35 * s) * time) / (1 + abs(h - 2 - s)) for h in range(1, 20))
        for s in range(8)
    ]
    parts = [sounds[i] for i in draw.integers(0, 8, samples // 1600 + 1)]
    return (0.1 * np.concatenate(parts)[:samples] + 0.003 * draw.standard_normal(samples)).astype(np.float32)


@pytest.fixture(scope="module")
def clips() -> list[Clip]:
    return [voice(n, n) for n in (32_000, 24_321, 40_000)]


def cepstra_of(clips: list[Clip]) -> NDArray[np.float64]:
    parts = [MFCC()(LogMel()(torch.from_numpy(clip)[None]))[0] for clip in clips]
    return torch.cat(parts).double().numpy()


def nearest(cepstra: NDArray[np.float64], centroids: Any) -> NDArray[np.int64]:
    """Every squared distance written out, frame by frame."""
    table = centroids.double().numpy()
    return np.array([int(((table - frame) ** 2).sum(1).argmin()) for frame in cepstra])


def fitted(clips: list[Clip], clusters: int = 12, seed: int = 0) -> tuple[KMeansQuantiser, dict[str, float]]:
    quantiser = KMeansQuantiser(clusters)
    return quantiser, quantiser.fit(iter(clips), seed)


def test_labels_are_the_nearest_centroids(clips: list[Clip]) -> None:
    quantiser, _ = fitted(clips)
    for clip in clips:
        logmel = LogMel()(torch.from_numpy(clip)[None])
        labels = quantiser(logmel)
        assert labels.shape == (1, len(clip) // 160 // 2)
        assert labels.dtype == torch.int64
        assert labels[0].tolist() == nearest(cepstra_of([clip]), quantiser.centroids).tolist()


def test_labels_of_random_centroids() -> None:
    """Far from any optimum ties and near ties are rarer still, and every label is used."""
    quantiser = KMeansQuantiser(30)
    logmel = torch.randn(2, 400, 80, generator=torch.Generator().manual_seed(0)) * 2 - 5
    cepstra = quantiser.mfcc(logmel)
    quantiser.centroids.copy_(cepstra.flatten(0, 1)[torch.arange(0, 390, 13)])
    labels = quantiser(logmel)
    assert set(labels.flatten().tolist()) == set(range(30))
    for row, frames in zip(labels, cepstra, strict=True):
        assert row.tolist() == nearest(frames.double().numpy(), quantiser.centroids).tolist()


@pytest.mark.parametrize("garbage", [0.0, float("nan")])
def test_a_clip_gets_the_same_labels_alone_and_in_a_padded_batch(clips: list[Clip], garbage: float) -> None:
    quantiser, _ = fitted(clips)
    logmels = [LogMel()(torch.from_numpy(clip)[None])[0] for clip in clips]
    lengths = torch.tensor([len(logmel) for logmel in logmels])
    batch = torch.full((len(clips), int(lengths.max()) + 7, 80), garbage)
    for row, logmel in zip(batch, logmels, strict=True):
        row[: len(logmel)] = logmel
    together = quantiser(batch, lengths)
    for row, logmel in zip(together, logmels, strict=True):
        assert row[: len(logmel) // 2].tolist() == quantiser(logmel[None])[0].tolist()


def test_the_fit_is_about_as_good_as_full_kmeans(clips: list[Clip]) -> None:
    """Inertia against scikit-learn's Lloyd iterations from ten starts, and against what the centroids really cost."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import pairwise_distances_argmin_min

    quantiser, figures = fitted(clips)
    cepstra = cepstra_of(clips)
    _, distance = pairwise_distances_argmin_min(cepstra, quantiser.centroids.double().numpy())
    assert figures["inertia"] == pytest.approx(float((distance**2).mean()), rel=1e-3)
    best = KMeans(12, n_init=10, random_state=0).fit(cepstra).inertia_ / len(cepstra)
    assert 0.999 * best < figures["inertia"] < 1.25 * best


def test_figures_of_the_fit(clips: list[Clip]) -> None:
    """Hours by hand, the entropy of the labels' use by numpy."""
    quantiser, figures = fitted(clips)
    assert figures["hours"] == pytest.approx((32_000 + 24_321 + 40_000) / 16_000 / 3600)
    share = np.bincount(nearest(cepstra_of(clips), quantiser.centroids), minlength=12) / len(cepstra_of(clips))
    assert figures["target_entropy"] == pytest.approx(-sum(p * math.log(p) for p in share if p), abs=1e-3)
    assert bool(quantiser.fitted)


def test_one_cluster_is_the_mean(clips: list[Clip]) -> None:
    """Up to the draws of the mini-batches, a few hundredths of a deviation."""
    quantiser, figures = fitted(clips, clusters=1)
    cepstra = cepstra_of(clips)
    away = (quantiser.centroids[0].double().numpy() - cepstra.mean(0)) / cepstra.std(0)
    assert np.abs(away).max() < 0.1
    assert figures["inertia"] == pytest.approx(float(cepstra.var(0).sum()), rel=5e-3)
    assert figures["target_entropy"] == 0


def test_the_seed_decides_the_fit(clips: list[Clip]) -> None:
    one, two, other = (fitted(clips, seed=seed)[0].centroids for seed in (4, 4, 5))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("clips", [[], [np.zeros(3200, np.float32)]], ids=["no clip", "ten frames"])
def test_too_little_speech_is_refused(clips: list[Clip]) -> None:
    quantiser = KMeansQuantiser(20)
    with pytest.raises(ValueError, match="0 frames of speech are too few for 20"):
        quantiser.fit(iter(clips), 0)
    assert not bool(quantiser.fitted)


def test_when_its_time_is_up_it_takes_what_it_has(clips: list[Clip]) -> None:
    """Half of the time is for reading, and enough frames are read whatever the clock says (20 ms each, 12 clusters)."""
    told = iter([0.2, 0.6, 0.9, 1.1])
    quantiser = KMeansQuantiser(12)
    figures = quantiser.fit(iter(clips), 0, lambda: next(told))
    assert figures["hours"] == pytest.approx((32_000 + 24_321) / 16_000 / 3600), "the third clip is left"
    assert figures["passes"] == 2, "of one mini-batch each"
    late = KMeansQuantiser(12)
    assert late.fit(iter(clips), 0, lambda: 9.0)["hours"] == pytest.approx(32_000 / 16_000 / 3600)
    assert bool(late.fitted)


def test_the_fit_travels_with_the_weights(clips: list[Clip]) -> None:
    quantiser, _ = fitted(clips)
    other = KMeansQuantiser(12)
    assert set(quantiser.state_dict()) == {"centroids", "fitted"}
    assert quantiser.centroids.shape == (12, MFCC_WIDTH)
    other.load_state_dict(quantiser.state_dict())
    assert torch.equal(other.centroids, quantiser.centroids)
    assert bool(other.fitted)
    assert not list(quantiser.parameters())
