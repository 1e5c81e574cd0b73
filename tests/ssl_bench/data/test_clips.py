"""Clips: every sample at most once per epoch, no needless padding, one speaker each, and an order that can be resumed."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ssl_bench.data.clips import Batch, ClipSource, batches, clip_stream, epoch_of_clips
from ssl_bench.data.corpus import Utterance
from ssl_bench.data.waveforms import Waveforms


class Made(Waveforms):
    """Stands in for decoded files: samples that encode their utterance and position."""

    def __init__(self, broken: frozenset[Path]) -> None:
        super().__init__(0)
        self.missing = broken

    def samples(self, utterance: Utterance) -> NDArray[np.int16]:
        if utterance.path in self.missing:
            return np.zeros(0, np.int16)
        number = int(utterance.path.stem)
        return ((np.arange(utterance.samples) * 7 + number * 1_009) % 30_000 + 1).astype(np.int16)


def made(broken: frozenset[Path] = frozenset()) -> Waveforms:
    return Made(broken)


def spoken(lengths: list[tuple[str | None, int]]) -> tuple[Utterance, ...]:
    return tuple(Utterance(Path(f"/speech/{i}.wav"), n, who) for i, (who, n) in enumerate(lengths))


SPEECH = st.lists(st.tuples(st.sampled_from(["ann", "bob", None]), st.integers(1, 9_000)), min_size=1, max_size=12).map(
    spoken
)
CLIP = st.integers(640, 6_000)


@given(SPEECH, CLIP, st.integers(0, 2**32), st.integers(0, 5))
def test_an_epoch_uses_every_sample_at_most_once(
    utterances: tuple[Utterance, ...], size: int, seed: int, epoch: int
) -> None:
    used: dict[Path, NDArray[np.int64]] = {u.path: np.zeros(u.samples, np.int64) for u in utterances}
    for clip in epoch_of_clips(utterances, size, seed, epoch):
        for piece in clip:
            assert 0 <= piece.start < piece.stop <= piece.utterance.samples
            used[piece.utterance.path][piece.start : piece.stop] += 1
    assert all(counts.max() <= 1 for counts in used.values())


@given(SPEECH, CLIP, st.integers(0, 2**32))
def test_clips_are_full_but_for_speakers_with_less_than_one(
    utterances: tuple[Utterance, ...], size: int, seed: int
) -> None:
    """And of a longer stream less than two clips stay unused: what lies before its random start and after its last clip."""
    total: Counter[str | None] = Counter()
    for utterance in utterances:
        total[utterance.speaker] += utterance.samples
    used: dict[str | None, list[int]] = defaultdict(list)
    for clip in epoch_of_clips(utterances, size, seed, 0):
        assert len({piece.utterance.speaker for piece in clip}) == 1, "speakers never mix"
        used[clip[0].utterance.speaker].append(sum(piece.stop - piece.start for piece in clip))
    for speaker, samples in total.items():
        if samples < size:
            assert used[speaker] == [samples]
        else:
            assert set(used[speaker]) == {size}
            assert samples - sum(used[speaker]) < 2 * size


def test_no_end_of_a_stream_is_always_dropped() -> None:
    """One utterance of 1.5 clips gives one clip; over the epochs every sample must occur."""
    utterances = spoken([("ann", 1_500)])
    seen = np.zeros(1_500, bool)
    for epoch in range(200):
        ((piece,),) = epoch_of_clips(utterances, 1_000, 0, epoch)
        seen[piece.start : piece.stop] = True
    assert seen[25:-25].all()


def test_the_order_follows_the_seed_and_the_epoch() -> None:
    utterances = spoken([(f"speaker {i % 7}", 2_000 + 13 * i) for i in range(40)])
    again = [epoch_of_clips(utterances, 1_000, 3, 1) for _ in range(2)]
    assert again[0] == again[1]
    assert again[0] != epoch_of_clips(utterances, 1_000, 4, 1)
    assert again[0] != epoch_of_clips(utterances, 1_000, 3, 2)
    speakers = [clip[0].utterance.speaker for clip in again[0][:20]]
    assert len(set(speakers)) > 3, "speakers are shuffled, not one after the other"


def test_the_stream_is_its_epochs_one_after_the_other() -> None:
    utterances = spoken([("ann", 5_000), ("bob", 3_000)])
    wanted = [clip for epoch in range(3) for clip in epoch_of_clips(utterances, 700, 9, epoch)]
    got = list(itertools.islice(clip_stream(utterances, 700, 9), len(wanted)))
    assert got == list(enumerate(wanted))
    assert list(itertools.islice(clip_stream(utterances, 700, 9, first=11), 4)) == got[11:15]


def taken(
    utterances: tuple[Utterance, ...], size: int, clips: int, seed: int, first: int, number: int, waveforms: Waveforms
) -> list[tuple[Batch, int]]:
    with batches(ClipSource(utterances, waveforms, size, clips, seed), first=first) as stream:
        return list(itertools.islice(stream, number))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(["ann", "bob"]), st.integers(2_000, 6_000)), min_size=2, max_size=8).map(spoken),
    st.integers(640, 3_000), st.integers(1, 5), st.integers(0, 99), st.integers(1, 6), st.booleans(),
)  # fmt: skip
def test_a_resumed_stream_goes_on_exactly_where_it_broke(
    utterances: tuple[Utterance, ...],
    size: int,
    clips: int,
    seed: int,
    broke: int,
    one_broken: bool,  # noqa: FBT001
) -> None:
    waveforms = made(frozenset([utterances[0].path]) if one_broken else frozenset())
    unbroken = taken(utterances, size, clips, seed, 0, 8, waveforms)
    resumed = taken(utterances, size, clips, seed, unbroken[broke - 1][1], 8 - broke, waveforms)
    for (wanted, after), (got, then) in zip(unbroken[broke:], resumed, strict=True):
        np.testing.assert_array_equal(got.samples, wanted.samples)
        assert (got.lengths is None) == (wanted.lengths is None)
        if got.lengths is not None and wanted.lengths is not None:
            np.testing.assert_array_equal(got.lengths, wanted.lengths)
        assert then == after


def test_batches_hold_the_clips_samples_in_their_order() -> None:
    utterances = spoken([("ann", 5_000), ("bob", 3_333)])
    ((batch, after),) = taken(utterances, 1_000, 6, 5, 0, 1, made())
    clips = [clip for _, clip in itertools.islice(clip_stream(utterances, 1_000, 5), 6)]
    for row, clip in zip(batch.samples, clips, strict=True):
        wanted = np.concatenate([made().samples(p.utterance)[p.start : p.stop] for p in clip])
        np.testing.assert_array_equal(row, wanted)
    assert after == 6
    assert batch.lengths is None
    assert batch.seconds == pytest.approx(6 * 1_000 / 16_000)


def test_short_speakers_are_padded_with_silence_to_a_constant_shape() -> None:
    utterances = spoken([("ann", 700), ("bob", 5_000)])
    lengths = set()
    for batch, _ in taken(utterances, 1_000, 3, 0, 0, 6, made()):
        assert batch.samples.shape == (3, 1_000)
        if batch.lengths is not None:
            assert batch.seconds == pytest.approx(batch.lengths.sum() / 16_000)
            for row, length in zip(batch.samples, batch.lengths, strict=True):
                assert (row[:length] != 0).all()
                assert (row[length:] == 0).all()
                lengths.add(int(length))
    assert lengths == {700, 1_000}


def test_clips_below_one_frame_are_not_used_at_all() -> None:
    with (
        batches(ClipSource(spoken([("ann", 639)]), made(), 1_000, 2, 0)) as stream,
        pytest.raises(ValueError, match="usable speech"),
    ):
        next(stream)
