"""Hidden frames in slots of a fixed number, so that no shape depends on the mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ssl_models.parts.framing import most_hidden
from ssl_models.parts.masking import hidden_frames, span_mask


def test_slots_hold_the_hidden_frames_in_order() -> None:
    mask = torch.tensor([[0, 1, 1, 0, 1, 0], [0, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0]], dtype=torch.bool)
    hidden = hidden_frames(mask, 4)
    assert hidden.counts.tolist() == [3, 0, 4]
    assert hidden.positions[0, :3].tolist() == [1, 2, 4]
    assert hidden.positions[2].tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(hidden.weight, np.array([[1, 1, 1, 0], [0] * 4, [1] * 4]) / 7)
    frames = torch.arange(18.0).view(3, 6, 1)
    assert hidden.of(frames)[0, :3, 0].tolist() == [1, 2, 4]
    assert hidden.of(frames)[2, :, 0].tolist() == [12, 13, 14, 15]


@pytest.mark.parametrize(("frames", "most"), [(749, 490), (99, 60), (9, 9), (12, 10), (1, 1)])
def test_slots_suffice_for_any_mask(frames: int, most: int) -> None:
    """round(0.65 n / 10) spans of 10 where none overlap, by hand; every hidden frame has its slot."""
    assert most_hidden(frames, 10, 0.65) == most
    mask = span_mask(torch.full((300,), frames), frames, 10, 0.65, torch.Generator().manual_seed(0), overlap=True)
    hidden = hidden_frames(mask, most)
    for row, positions, count in zip(mask, hidden.positions, hidden.counts.tolist(), strict=True):
        assert positions[:count].tolist() == row.nonzero()[:, 0].tolist()
