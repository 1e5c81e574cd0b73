"""Statistics of the span mask."""

from __future__ import annotations

from itertools import combinations, groupby

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssl_models.parts.masking import span_mask


def drawn(lengths: list[int], frames: int, span: int, share: float, seed: int = 0) -> torch.Tensor:
    return span_mask(torch.tensor(lengths), frames, span, share, torch.Generator().manual_seed(seed))


def runs(row: list[bool]) -> list[int]:
    """Lengths of the stretches of masked frames."""
    return [len(list(same)) for value, same in groupby(row) if value]


def spans_expected(n: int, span: int, share: float) -> int:
    """round(n * share / span), at least one where one fits, never more than fit."""
    return min(max(1, round(n * share / span)), n // span)


shapes = st.tuples(st.lists(st.integers(0, 120), min_size=1, max_size=6), st.integers(0, 30), st.integers(1, 12))


@given(shapes, st.integers(0, 2**32))
def test_half_of_the_valid_frames_in_whole_disjoint_spans(shape: tuple[list[int], int, int], seed: int) -> None:
    """Runs of masked frames are whole spans (touching ones join), so an exact count means that none overlap."""
    lengths, extra, span = shape
    frames = max(1, max(lengths) + extra)
    mask = drawn(lengths, frames, span, 0.5, seed)
    assert mask.shape == (len(lengths), frames)
    assert mask.dtype == torch.bool
    for row, n in zip(mask.tolist(), lengths, strict=True):
        assert sum(row) == spans_expected(n, span, 0.5) * span
        assert all(run % span == 0 for run in runs(row))
        assert not any(row[n:])


@given(st.integers(1, 200), st.sampled_from([0.0, 0.125, 0.25, 0.375, 0.625, 0.75, 0.875, 1.0]), st.integers(1, 16))
def test_other_shares(n: int, share: float, span: int) -> None:
    row = drawn([n], n, span, share).tolist()[0]
    assert sum(row) == spans_expected(n, span, share) * span
    assert all(run % span == 0 for run in runs(row))


@pytest.mark.parametrize(("n", "masked"), [(0, 0), (1, 0), (5, 0), (6, 6), (7, 6), (18, 12), (24, 12), (375, 186)])
def test_counts_by_hand(n: int, masked: int) -> None:
    """Spans of 6 over half: 375 frames (15 s) get round(31.25) = 31 spans; 18 get round(1.5) = 2, ties to even."""
    assert int(drawn([n], 400, 6, 0.5).sum()) == masked


def test_padding_does_not_change_how_much_is_masked() -> None:
    assert drawn([100] * 3, 100, 6, 0.5).sum(1).tolist() == drawn([100] * 3, 333, 6, 0.5).sum(1).tolist()


def test_the_generator_decides() -> None:
    one, two, other = (drawn([300] * 4, 300, 6, 0.5, seed) for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    state = torch.random.get_rng_state()
    drawn([300], 300, 6, 0.5)
    assert torch.equal(state, torch.random.get_rng_state())


def test_every_placement_is_equally_likely() -> None:
    """Chi-square over all C(8, 3) = 56 ways to put three spans of 3 on 14 frames, in a padded batch."""
    from scipy.stats import chi2

    n, span, count, draws = 14, 3, 3, 20_000
    seen: dict[tuple[bool, ...], int] = {}
    for slots in combinations(range(n - count * (span - 1)), count):
        starts = [slot + i * (span - 1) for i, slot in enumerate(slots)]
        seen[tuple(any(s <= t < s + span for s in starts) for t in range(n))] = 0
    assert len(seen) == 56
    for row in drawn([n] * draws, n + 5, span, 0.6)[:, :n].tolist():
        seen[tuple(row)] += 1
    expected = draws / len(seen)
    assert sum((times - expected) ** 2 / expected for times in seen.values()) < chi2.ppf(1 - 1e-6, len(seen) - 1)


def test_positions_are_covered_evenly() -> None:
    """Away from the edges, every frame of a long clip is masked as often as the next."""
    share = drawn([375] * 20_000, 375, 6, 0.5).float().mean(0)[40:-40]
    # Five standard errors of a mean of 20,000 draws of a half.
    assert float((share - share.mean()).abs().max()) < 5 * 0.5 / 20_000**0.5
    assert float(share.mean()) == pytest.approx(186 / 375, abs=0.01)


def starts_seen(n: int, span: int, *, overlap: bool, frames: int, draws: int = 20_000) -> list[int]:
    """How often a single span begins at each frame of a clip of `n` frames, in a batch that is padded to `frames`."""
    mask = span_mask(torch.full((draws,), n), frames, span, 0.01, torch.Generator().manual_seed(0), overlap=overlap)
    assert mask.sum(1).tolist() == [span] * draws
    return torch.bincount(mask.int().argmax(1), minlength=frames).tolist()


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize(("n", "span"), [(9, 3), (7, 6), (6, 6), (12, 1), (20, 10)])
def test_a_span_begins_at_every_frame_where_it_fits_the_last_one_too(n: int, span: int, *, overlap: bool) -> None:
    """n - span + 1 places, each as likely as the next, and none beyond."""
    from scipy.stats import chisquare

    for frames in (n, n + 4):
        seen = starts_seen(n, span, overlap=overlap, frames=frames)
        assert not any(seen[n - span + 1 :])
        assert n == span or chisquare(seen[: n - span + 1]).pvalue > 1e-6
        assert seen[n - span] > 0


@pytest.mark.parametrize("n", [8, 11])
def test_overlapping_spans_have_every_pair_of_starts_alike(n: int) -> None:
    """Two spans of 4: each pair of different starts from 0 to n - 4 is as likely as the next."""
    from scipy.stats import chisquare

    draws, places = 20_000, n - 3
    seen = dict.fromkeys(combinations(range(places), 2), 0)
    covered = {tuple(any(s <= t < s + 4 for s in pair) for t in range(n)): pair for pair in seen}
    masks = span_mask(torch.full((draws,), n), n, 4, 8 / n, torch.Generator().manual_seed(0), overlap=True)
    for row in masks.tolist():
        seen[covered[tuple(row)]] += 1
    assert chisquare(list(seen.values())).pvalue > 1e-6
