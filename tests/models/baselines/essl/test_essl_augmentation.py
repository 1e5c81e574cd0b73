"""What distinguishes the student's view from the teacher's: loudness of the noise, extent of the masks, place of the shift."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ssl_models.baselines.essl.augmentation import add_noise, shifted, spec_augment
from ssl_models.baselines.essl.config import EsslObjectiveConfig

SETTINGS = EsslObjectiveConfig(frequency_width=6)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_noise_has_the_ratio_and_the_share_set() -> None:
    """Half of 400 clips get noise; its level is uniform in dB between the ends; the rest are as they were."""
    lengths = torch.full((400,), 3_000)
    clips = torch.randn(400, 4_000, generator=seeded(1)) * torch.logspace(-3, 0, 400)[:, None]
    clips[:, 3_000:] = 0
    noisy = add_noise(clips, lengths, SETTINGS, seeded())
    assert torch.equal(noisy[:, 3_000:], clips[:, 3_000:])
    added = (noisy - clips)[:, :3_000].double()
    touched = added.abs().amax(1) > 0
    assert float(touched.double().mean()) == pytest.approx(0.5, abs=0.075)  # three standard deviations
    ratio = 10 * torch.log10(clips[:, :3_000].double().square().mean(1) / added.square().mean(1))[touched]
    assert float(ratio.min()) > -0.5
    assert float(ratio.max()) < 30.5
    assert float(ratio.mean()) == pytest.approx(15, abs=2)
    assert float(ratio.std()) == pytest.approx(30 / 12**0.5, abs=1.5)


@pytest.mark.parametrize("decibel", [0.0, 10.0])
def test_noise_of_one_level(decibel: float) -> None:
    clips = torch.randn(4, 16_000, generator=seeded(1))
    noisy = add_noise(clips, None, replace(SETTINGS, noise_share=1.0, noise_snr=(decibel, decibel)), seeded())
    ratio = clips.square().mean(1) / (noisy - clips).square().mean(1)
    assert (10 * ratio.log10()).tolist() == pytest.approx([decibel] * 4, abs=0.2)


def test_silence_gets_no_noise() -> None:
    silence = torch.zeros(8, 1_000)
    assert torch.equal(add_noise(silence, torch.tensor([1_000] * 7 + [0]), SETTINGS, seeded()), silence)


def views(lengths: list[int] | None, frames: int, changed: EsslObjectiveConfig, seed: int) -> tuple[Tensor, Tensor]:
    """A spectrum of ones and what the masks make of it."""
    spectrum = torch.ones(4, frames, 40)
    known = None if lengths is None else torch.tensor(lengths)
    return spectrum, spec_augment(spectrum, known, changed, seeded(seed))


@given(st.integers(0, 1000), st.lists(st.integers(0, 300), min_size=4, max_size=4))
@settings(max_examples=25)
def test_masks_stay_inside_their_clips(seed: int, lengths: list[int]) -> None:
    """Time masks: none past a clip's end, no more frames than so many masks can cover, all channels at once."""
    spectrum, masked = views(lengths, 300, replace(SETTINGS, frequency_masks=0), seed)
    touched = masked != spectrum
    assert torch.equal(touched.all(-1), touched.any(-1))
    for row, n in zip(touched.all(-1), lengths, strict=True):
        assert not row[n:].any()
        assert int(row.sum()) <= int(n * 0.025 + 1e-6) * 20


def test_time_masks_are_as_many_and_as_wide_as_drawn() -> None:
    """One mask in 40 frames of 79: widths 0 to 20 all occur, equally often, and starts reach the last possible one."""
    widths, ends = [], []
    for seed in range(300):
        _, masked = views([79] * 4, 79, replace(SETTINGS, frequency_masks=0), seed)
        for row in (masked != 1).all(-1):
            where = row.nonzero().flatten()
            widths.append(len(where))
            if len(where):
                assert int(where[-1] - where[0]) == len(where) - 1
                ends.append(int(where[-1]))
    counts = torch.bincount(torch.tensor(widths), minlength=21)
    assert len(counts) == 21
    assert counts.min() > 0.5 * 1200 / 21
    assert counts.max() < 1.5 * 1200 / 21
    assert max(ends) > 73


def test_most_time_masks_bounds_their_number() -> None:
    """1,000 frames would get 25 masks, of 20 frames at most each: two cover no more than 40."""
    spectrum, masked = views(None, 1_000, replace(SETTINGS, frequency_masks=0, most_time_masks=2), 0)
    covered = (masked != spectrum).all(-1).sum(1)
    assert 0 < int(covered.max()) <= 40


def test_time_masks_are_filled_with_unit_noise() -> None:
    _, masked = views(None, 2_000, replace(SETTINGS, frequency_masks=0), 0)
    fill = masked[(masked != 1).all(-1)]
    assert len(fill) > 1_000
    assert float(fill.mean()) == pytest.approx(0, abs=0.02)
    assert float(fill.std()) == pytest.approx(1, abs=0.02)


def test_bands_are_zero_for_the_whole_clip() -> None:
    """At most two bands of at most six channels, other ones in each clip."""
    rows = []
    for seed in range(300):
        _, masked = views([30] * 4, 30, replace(SETTINGS, time_mask_share=0.0), seed)
        zero = masked == 0
        assert torch.equal(zero.all(1), zero.any(1))
        rows += zero.all(1).tolist()
    widths = [sum(row) for row in rows]
    assert max(widths) > 6
    assert max(widths) <= 12
    assert len({tuple(row) for row in rows}) > 100
    assert any(row[0] for row in rows)
    assert any(row[-1] for row in rows)


def test_the_shift_moves_each_clip_by_its_own_silence() -> None:
    """Clips of three frames, units of two, shifts 0, 1 and 2 of at most 2."""
    spectrum = torch.arange(1.0, 10.0).view(3, 3, 1)
    found = shifted(spectrum, torch.tensor([0, 1, 2]), unit=2, most=2)[..., 0]
    assert found.tolist() == [[1, 2, 3, 0, 0, 0, 0], [0, 0, 4, 5, 6, 0, 0], [0, 0, 0, 0, 7, 8, 9]]
