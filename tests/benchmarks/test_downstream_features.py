"""Features of utterances: order, lengths, batching, and the control without a model."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from benchmarks.downstream import features
from benchmarks.downstream.features import LogMelControl, extract
from benchmarks.downstream.spoken import Spoken
from models.efficient.config import EncoderConfig
from models.efficient.encoder import EfficientEncoder
from models.frontend import LogMel
from models.interface import Encoder, SpeechFeatures

CPU = torch.device("cpu")
SAMPLES = [16_000, 4_000, 30_123, 4_000, 700, 9_999]


def noise(samples: int, seed: int) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal(samples) * 0.05).astype(np.float32)


def spoken(samples: list[int]) -> list[Spoken]:
    return [Spoken(partial(noise, n, seed), n, "someone") for seed, n in enumerate(samples)]


def encoders() -> list[Encoder]:
    torch.manual_seed(0)
    return [EfficientEncoder(EncoderConfig(32, 2, 2, 64)).eval(), LogMelControl()]


@pytest.mark.parametrize("which", [0, 1], ids=["encoder", "control"])
@pytest.mark.parametrize("batch_seconds", [0.01, 3.0, 1000.0])
def test_order_is_kept_and_batches_change_nothing(which: int, batch_seconds: float) -> None:
    """In half precision the same as each utterance alone, whatever it is batched with."""
    encoder, layers = encoders()[which], (3, 1)[which]
    found = extract(encoder, spoken(SAMPLES), CPU, batch_seconds)
    assert found.frame_rate == 25.0
    for i, (utterance, samples) in enumerate(zip(found.utterances, SAMPLES, strict=True)):
        with torch.no_grad():
            alone = torch.stack(encoder(torch.from_numpy(noise(samples, i))[None]).layers, dim=2)[0]
        assert utterance.shape == (samples // 640, layers, alone.shape[-1])
        assert utterance.dtype == torch.float16
        torch.testing.assert_close(utterance.float(), alone, atol=5e-3, rtol=1e-3)


def test_batches_hold_what_was_asked_for() -> None:
    """No batch but one of a single utterance is longer than 2 s of padded audio; each utterance is read once."""
    shapes: list[tuple[int, ...]] = []
    reads: list[int] = []

    def encoder(waveforms: torch.Tensor, lengths: torch.Tensor | None = None) -> SpeechFeatures:
        assert lengths is not None
        shapes.append(tuple(waveforms.shape))
        return SpeechFeatures((torch.zeros(len(waveforms), 1, 1),), torch.ones_like(lengths), 25.0)

    def read(i: int) -> NDArray[np.float32]:
        reads.append(i)
        return noise(SAMPLES[i], i)

    extract(encoder, [Spoken(partial(read, i), n, "") for i, n in enumerate(SAMPLES)], CPU, 2.0)
    assert sorted(reads) == list(range(len(SAMPLES)))
    assert all(clips == 1 or clips * samples <= 32_000 for clips, samples in shapes)
    assert len(shapes) < len(SAMPLES)


@given(st.lists(st.integers(1, 100_000), max_size=20), st.floats(0.1, 20))
def test_batching_keeps_each_once_in_order(samples: list[int], seconds: float) -> None:
    order = sorted(range(len(samples)), key=samples.__getitem__)
    batches = list(features._batches(order, spoken(samples), seconds))
    assert [i for batch in batches for i in batch] == order
    assert all(batches)


@pytest.mark.parametrize(("mels", "stack", "rate"), [(80, 4, 25.0), (40, 2, 50.0)])
def test_the_control_is_normalised_logmel(mels: int, stack: int, rate: float) -> None:
    """Against numpy: mean and deviation over the clip's frames, neighbours joined."""
    waveforms = torch.from_numpy(np.stack([noise(16_000, 0), noise(16_000, 1)]))
    found = LogMelControl(mels, stack)(waveforms)
    (layer,) = found.layers
    frames = 100 // stack
    assert layer.shape == (2, frames, mels * stack)
    assert found.lengths.tolist() == [frames, frames]
    assert found.frame_rate == rate
    logmel = LogMel(mels)(waveforms).double().numpy()
    normal = (logmel - logmel.mean(1, keepdims=True)) / logmel.std(1, keepdims=True)
    np.testing.assert_allclose(layer.numpy(), normal.reshape(2, frames, mels * stack), atol=1e-3)


def test_the_control_gives_the_same_alone_and_in_a_padded_batch() -> None:
    clips = [noise(16_000, 0), noise(5_000, 1)]
    batch = torch.full((2, 16_000), float("nan"))
    for row, clip in zip(batch, clips, strict=True):
        row[: len(clip)] = torch.from_numpy(clip)
    together = LogMelControl()(batch, torch.tensor([16_000, 5_000]))
    for i, clip in enumerate(clips):
        alone = LogMelControl()(torch.from_numpy(clip)[None])
        frames = int(alone.lengths[0])
        assert int(together.lengths[i]) == frames == len(clip) // 640
        torch.testing.assert_close(together.layers[0][i, :frames], alone.layers[0][0], atol=1e-5, rtol=0)
