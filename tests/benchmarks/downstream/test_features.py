"""The control without a model: log-mel as it is, and normalised over the clip. The learned weighting of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ssl_benchmarks.downstream.features import Frames, LayerMix, LogMelControl
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


def frames() -> Frames:
    draw = torch.Generator().manual_seed(0)
    return Frames(tuple((torch.randn(n, 3, 4, generator=draw) * 5 + 20).half() for n in (5, 40, 1)), 25.0)


def test_channels_are_standardised_over_all_frames() -> None:
    """Against numpy in float64 over the frames of all utterances together."""
    everything = np.concatenate([u.double().numpy() for u in frames().utterances])
    mix = LayerMix.fitted(frames())
    np.testing.assert_allclose(mix.mean.numpy(), everything.mean(0), rtol=1e-5)
    np.testing.assert_allclose(mix.deviation.numpy(), everything.std(0), rtol=1e-5)


def test_statistics_take_one_pass_over_files_and_keep_their_digits() -> None:
    """Utterances far apart, one without a frame, each read once; the textbook's sum of squares in float32 would lose all."""
    draw = torch.Generator().manual_seed(1)
    speech = [torch.randn(n, 2, 3, generator=draw) * 0.5 + offset for n, offset in ((700, 4000), (0, 0), (3, -4000))]
    reads: list[int] = []

    class Lazy(Sequence[torch.Tensor]):
        def __len__(self) -> int:
            return len(speech)

        def __getitem__(self, index: Any) -> Any:
            reads.append(index)
            return speech[index]

    mix = LayerMix.fitted(Frames(Lazy(), 25.0))
    everything = np.concatenate([u.double().numpy() for u in speech])
    np.testing.assert_allclose(mix.mean.numpy(), everything.mean(0), rtol=1e-6)
    np.testing.assert_allclose(mix.deviation.numpy(), everything.std(0), rtol=1e-6)
    assert [i for i in reads if i < len(speech)] == [0, 1, 2]
    with pytest.raises(ValueError, match="no frames"):
        LayerMix.fitted(Frames((torch.zeros(0, 1, 2),), 25.0))


def test_the_mix_is_the_softmax_weighted_sum() -> None:
    mix = LayerMix.fitted(frames())
    with torch.no_grad():
        mix.weights.copy_(torch.tensor([0.3, -1.0, 2.0]))
    layers = frames().utterances[1]
    share = np.exp([0.3, -1.0, 2.0]) / np.exp([0.3, -1.0, 2.0]).sum()
    standard = (layers.double().numpy() - mix.mean.double().numpy()) / mix.deviation.double().numpy()
    expected = sum(share[i] * standard[:, i] for i in range(3))
    np.testing.assert_allclose(mix(layers).detach().numpy(), expected, atol=1e-4)


def test_layers_start_with_equal_weights() -> None:
    assert LayerMix.fitted(frames()).weights.softmax(0).tolist() == pytest.approx([1 / 3] * 3)


def test_a_dead_channel_stays_finite() -> None:
    mix = LayerMix.fitted(Frames((torch.full((6, 1, 2), 3.0).half(),), 25.0))
    assert mix(torch.full((2, 1, 2), 3.0)).abs().max() == 0
