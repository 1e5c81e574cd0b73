"""The control without a model: log-mel as it is, and normalised over the clip."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ssl_benchmarks.downstream.features import LogMelControl
from ssl_models.parts.frontend import LogMel


def noise(samples: int, seed: int) -> NDArray[np.float32]:
    return (np.random.default_rng(seed).standard_normal(samples) * 0.05).astype(np.float32)


@pytest.mark.parametrize(("mels", "stack", "rate"), [(80, 4, 25.0), (40, 2, 50.0)])
def test_the_control_is_logmel_and_normalised_logmel(mels: int, stack: int, rate: float) -> None:
    """Against numpy: neighbours joined, as they are and by mean and deviation over the clip's frames."""
    waveforms = torch.from_numpy(np.stack([noise(16_000, 0), noise(16_000, 1)]))
    found = LogMelControl(mels, stack)(waveforms)
    frames = 100 // stack
    assert [layer.shape for layer in found.layers] == [(2, frames, mels * stack)] * 2
    assert found.lengths.tolist() == [frames, frames]
    assert found.frame_rate == rate
    logmel = LogMel(mels)(waveforms).double().numpy()
    normal = (logmel - logmel.mean(1, keepdims=True)) / logmel.std(1, keepdims=True)
    np.testing.assert_allclose(found.layers[0].numpy(), logmel.reshape(2, frames, mels * stack), atol=1e-5)
    np.testing.assert_allclose(found.layers[1].numpy(), normal.reshape(2, frames, mels * stack), atol=1e-3)


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
        for padded, layer in zip(together.layers, alone.layers, strict=True):
            torch.testing.assert_close(padded[i, :frames], layer[0], atol=1e-5, rtol=0)
