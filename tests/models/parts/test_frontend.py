"""The front end against slow float64 oracles, and what padding may not do to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from ssl_models.parts.frontend import (
    FFT,
    HOP,
    LOG_FLOOR,
    MFCC,
    WINDOW,
    LogMel,
    centred,
    dct_matrix,
    mel_filters,
    normalised,
    silence_padding,
    stacked_frames,
    valid_mask,
)

Array = NDArray[np.float64]


def noise(samples: int, seed: int = 0) -> Tensor:
    """Noise whose colour and loudness move, so that no channel is constant."""
    draw = np.random.default_rng(seed)
    white = draw.standard_normal(samples)
    slow = np.sin(np.arange(samples) / 3000.0) + 1.2
    return torch.from_numpy((0.05 * slow * (white + np.cumsum(white - white.mean()) * 0.02)).astype(np.float32))


def padded(clips: list[Tensor], extra: int, garbage: float) -> tuple[Tensor, Tensor]:
    """A batch of clips with `garbage` past their ends, and their lengths."""
    lengths = torch.tensor([len(clip) for clip in clips])
    batch = torch.full((len(clips), int(lengths.max()) + extra), garbage)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    return batch, lengths


def mel_oracle(mels: int) -> Array:
    from transformers.audio_utils import mel_filter_bank

    bank: Array = mel_filter_bank(FFT // 2 + 1, mels, 0.0, 8000.0, 16_000, norm=None, mel_scale="htk")
    return bank


def logmel_oracle(clip: Tensor, mels: int, width: int = WINDOW) -> Array:
    """Each frame cut out, windowed and transformed by the definition of the discrete Fourier transform."""
    samples = np.concatenate([clip.double().numpy(), np.zeros(width)])
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width)
    turn = np.exp(-2j * np.pi * np.outer(np.arange(width), np.arange(FFT // 2 + 1)) / FFT)
    frames = [samples[i * HOP : i * HOP + width] * window for i in range(len(clip) // HOP)]
    power = np.abs(np.array(frames) @ turn) ** 2
    return np.asarray(np.log(np.maximum(power @ mel_oracle(mels), LOG_FLOOR)))


def slope_oracle(values: Array) -> Array:
    """Slope of the least-squares line through five frames, the first and last frame held past the edges."""
    last = len(values) - 1
    rows = [values[[min(max(t + k, 0), last) for k in range(-2, 3)]] for t in range(len(values))]
    return np.array([np.polyfit(np.arange(-2, 3), five, 1)[0] for five in rows])


def mfcc_oracle(logmel: Array) -> Array:
    import scipy.fft

    cepstra = scipy.fft.dct(logmel, type=2, norm="ortho", axis=1)[:, :13]
    first = slope_oracle(cepstra)
    joined = np.concatenate([cepstra, first, slope_oracle(first)], axis=1)[: len(logmel) // 2 * 2 : 2]
    return np.asarray(joined - joined.mean(0))


@pytest.mark.parametrize("mels", [20, 40, 80])
def test_mel_filters_are_those_of_transformers(mels: int) -> None:
    np.testing.assert_allclose(mel_filters(mels).double().numpy(), mel_oracle(mels), atol=1e-6)


@pytest.mark.parametrize("samples", [WINDOW, 1600, 4000, 16_001])
def test_logmel_follows_the_definition(samples: int) -> None:
    clip = noise(samples)
    np.testing.assert_allclose(LogMel()(clip[None])[0].numpy(), logmel_oracle(clip, 80), atol=2e-4)


@pytest.mark.filterwarnings("ignore:At least one mel filter")  # the lowest of 128 lies between two bins
@pytest.mark.parametrize(("mels", "width"), [(128, 320), (40, FFT), (80, 301)])
def test_logmel_of_other_windows_follows_the_definition(mels: int, width: int) -> None:
    clip = noise(8000)
    measured = LogMel(mels, width)(clip[None])[0].numpy()
    np.testing.assert_allclose(measured, logmel_oracle(clip, mels, width), atol=1e-3)


def test_silence_lies_on_the_floor() -> None:
    assert LogMel(40)(torch.zeros(1, 3200)).numpy() == pytest.approx(np.log(LOG_FLOOR))


@settings(max_examples=40)
@given(st.integers(HOP, 8000))
def test_a_clip_has_one_frame_for_each_whole_hop(samples: int) -> None:
    assert LogMel(20)(torch.zeros(1, samples)).shape == (1, samples // 160, 20)


def test_autocast_leaves_the_front_end_in_float32() -> None:
    clip = noise(4000)[None]
    with torch.autocast("cpu", torch.bfloat16):
        under = MFCC()(LogMel()(clip))
    assert under.dtype == torch.float32
    assert torch.equal(under, MFCC()(LogMel()(clip)))


@pytest.mark.parametrize(("mels", "coefficients"), [(80, 13), (40, 40), (23, 12)])
def test_dct_is_that_of_scipy(mels: int, coefficients: int) -> None:
    import scipy.fft

    expected = scipy.fft.dct(np.eye(mels), type=2, norm="ortho", axis=1)[:, :coefficients]
    np.testing.assert_allclose(dct_matrix(mels, coefficients).numpy(), expected, atol=1e-6)


@pytest.mark.parametrize("frames", [2, 3, 7, 50, 51])
def test_mfcc_follows_the_definition(frames: int) -> None:
    """Also where the clip is shorter than the deltas are wide."""
    logmel = np.random.default_rng(frames).normal(-5, 2, (frames, 80))
    measured = MFCC()(torch.from_numpy(logmel).float()[None])[0].numpy()
    np.testing.assert_allclose(measured, mfcc_oracle(logmel), atol=1e-4)


def test_valid_mask_by_hand() -> None:
    assert valid_mask(torch.tensor([0, 2, 5]), 3).tolist() == [[False] * 3, [True, True, False], [True] * 3]


def test_silence_padding_replaces_any_garbage() -> None:
    batch, lengths = padded([torch.ones(2), torch.ones(4)], 1, float("nan"))
    assert silence_padding(batch, lengths).tolist() == [[1, 1, 0, 0, 0], [1, 1, 1, 1, 0]]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=4), st.floats(-20, 20), st.integers(0, 2**32 - 1))
def test_normalised_frames_have_mean_0_and_variance_1(lengths: list[int], level: float, seed: int) -> None:
    """The statistics are those of numpy in float64 over the valid frames; past them there are zeros, whatever was there."""
    frames = 30
    features = np.random.default_rng(seed).normal(level, 2.0, (len(lengths), frames, 3)).astype(np.float32)
    given_features = torch.from_numpy(features.copy())
    given_features[~valid_mask(torch.tensor(lengths), frames)] = float("nan")
    middle = centred(given_features, torch.tensor(lengths)).numpy()
    scaled = normalised(given_features, torch.tensor(lengths)).numpy()
    for clip, length in enumerate(lengths):
        valid = features[clip, :length].astype(np.float64)
        expected = valid - valid.mean(0) if length else valid
        deviation = valid.std(0) if length else 1.0
        np.testing.assert_allclose(middle[clip, :length], expected, atol=1e-4)
        np.testing.assert_allclose(scaled[clip, :length], expected / (deviation + 1e-5), atol=2e-3)
        assert not middle[clip, length:].any()
        assert not scaled[clip, length:].any()


@pytest.mark.parametrize("function", [centred, normalised])
def test_no_lengths_means_all_valid(function: Any) -> None:
    features = torch.randn(2, 17, 5, generator=torch.Generator().manual_seed(0)) - 9
    torch.testing.assert_close(function(features, None), function(features, torch.tensor([17, 17])), atol=1e-5, rtol=0)


@pytest.mark.parametrize("level", [-18.420680743952367, 0.1, 7.3])
def test_a_constant_channel_is_normalised_to_zero(level: float) -> None:
    """Rounding of the mean is not blown up to a signal by a deviation near zero (band-limited audio has such channels)."""
    channel = torch.full((1, 3001, 1), level)
    assert normalised(channel, None).abs().max() < 1e-3
    assert normalised(channel, torch.tensor([2777])).abs().max() < 1e-3


@pytest.mark.parametrize("garbage", [0.0, 0.7, float("nan")])
def test_stacked_frames_are_the_same_alone_and_in_a_padded_batch(garbage: float) -> None:
    clips = [noise(16_000, 1), noise(9_999, 2), noise(4_801, 3)]
    batch, lengths = padded(clips, 777, garbage)
    logmel = LogMel()
    together = stacked_frames(logmel(silence_padding(batch, lengths)), lengths, 4)
    for row, clip in zip(together, clips, strict=True):
        alone = stacked_frames(logmel(clip[None]), None, 4)[0]
        assert alone.shape == (len(clip) // 640, 320)
        torch.testing.assert_close(row[: len(alone)], alone, atol=1e-5, rtol=0)


def test_stacking_joins_neighbours_in_order() -> None:
    logmel = torch.randn(1, 10, 3, generator=torch.Generator().manual_seed(0))
    whole = normalised(logmel, None)
    stacked = stacked_frames(logmel, None, 4)
    assert stacked.shape == (1, 2, 12)
    assert torch.equal(stacked[0, 1], torch.cat([whole[0, 4], whole[0, 5], whole[0, 6], whole[0, 7]]))


@pytest.mark.parametrize("garbage", [0.0, -3.0, float("nan")])
@settings(max_examples=15)
@given(frames=st.lists(st.integers(2, 40), min_size=1, max_size=4), extra=st.integers(0, 9))
def test_mfcc_is_the_same_alone_and_in_a_padded_batch(garbage: float, frames: list[int], extra: int) -> None:
    """Deltas of deltas too: what they see past the end is the clip's own last frame."""
    clips = [torch.randn(n, 80, generator=torch.Generator().manual_seed(n)) for n in frames]
    batch = torch.full((len(clips), max(frames) + extra, 80), garbage)
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = clip
    mfcc = MFCC()
    together = mfcc(batch, torch.tensor(frames))
    for row, clip in zip(together, clips, strict=True):
        alone = mfcc(clip[None])[0]
        torch.testing.assert_close(row[: len(alone)], alone, atol=1e-5, rtol=0)
        assert not row[len(alone) :].any()
