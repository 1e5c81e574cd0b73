"""The learned weighting of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from ssl_benchmarks.downstream.features import Frames
from ssl_benchmarks.downstream.heads import LayerMix


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
    with pytest.raises(ValueError, match="no frame"):
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
