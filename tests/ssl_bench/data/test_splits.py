"""Held-out speakers are never heard before the probe."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_bench.data.corpus import Corpus, Utterance
from ssl_bench.data.splits import drawn_hours, split_speakers
from ssl_models.errors import BadInputError


def corpus(speakers: list[str | None], name: str = "data", told_by: str = "LibriSpeech layout") -> Corpus:
    utterances = (Utterance(Path(f"/{name}/{i}.flac"), 16_000, who) for i, who in enumerate(speakers))
    return Corpus(Path(f"/{name}"), tuple(utterances), (), told_by)


@pytest.mark.parametrize(("speakers", "held_out"), [(3, 2), (10, 2), (20, 2), (21, 3), (28, 3), (100, 10), (251, 26)])
def test_a_tenth_of_the_speakers_rounded_up_at_least_two(speakers: int, held_out: int) -> None:
    split = split_speakers(corpus([f"{i}" for i in range(speakers)] * 2), None, seed=0)
    assert len(split.speakers) == held_out
    assert len(split.held_out) == 2 * held_out
    assert f"{held_out} of {speakers}" in split.how


@given(st.lists(st.integers(0, 30).map(str), min_size=8, max_size=80), st.integers(0, 2**31))
def test_the_parts_are_disjoint_complete_and_follow_from_the_seed(speakers: list[str], seed: int) -> None:
    whole = corpus(list(speakers))
    split = split_speakers(whole, None, seed)
    assert split == split_speakers(whole, None, seed)
    assert sorted(map(str, split.training + split.held_out)) == sorted(map(str, whole.utterances))
    assert {u.speaker for u in split.held_out} == set(split.speakers)
    assert not {u.speaker for u in split.training} & set(split.speakers)
    assert split.training


def test_the_seed_chooses() -> None:
    whole = corpus([f"{i}" for i in range(40)])
    assert len({split_speakers(whole, None, seed).speakers for seed in range(10)}) > 5


@pytest.mark.parametrize(("speakers", "known"), [([None] * 9, 0), (["ann"] * 5, 1), (["ann", "bob"], 2)])
def test_too_few_speakers_hold_none_out_and_say_why(speakers: list[str | None], known: int) -> None:
    split = split_speakers(corpus(speakers), None, seed=0)
    assert split.held_out == ()
    assert split.speakers == ()
    assert split.how.startswith(f"{known} known speakers are too few")
    assert "--eval-data" in split.how


def test_evaluation_data_is_all_held_out_and_all_training_data_trains() -> None:
    ours, theirs = corpus(["1", "2", "3"]), corpus(["8", "9"], "eval")
    split = split_speakers(ours, theirs, seed=0)
    assert (split.training, split.held_out) == (ours.utterances, theirs.utterances)
    assert split.speakers == ("8", "9")


def test_a_speaker_on_both_sides_is_refused_by_name() -> None:
    with pytest.raises(BadInputError, match=r"--eval-data /eval: speakers 2 also speak in /data"):
        split_speakers(corpus(["1", "2"]), corpus(["2", "9"], "eval"), seed=0)


@pytest.mark.parametrize("unknown", [1, 3])
def test_who_is_unknown_is_said_to_be_unchecked(unknown: int) -> None:
    """In the training speech and in the other, and where speakers are held out of one; those who are known are checked."""
    some: list[str | None] = [*"123456", *[None] * unknown]
    ours, theirs = corpus(some), corpus(["8", "9"], "eval")
    line = f"not checked for overlap, as the speakers are unknown: {unknown} of {6 + unknown} utterances of /data"
    for split in (
        split_speakers(ours, theirs, seed=0),
        split_speakers(theirs, ours, seed=0),
        split_speakers(ours, None, 0),
    ):
        assert line in split.unchecked
    assert split.speakers
    assert split_speakers(theirs, corpus(["1"], "more"), seed=0).unchecked == ""
    with pytest.raises(BadInputError, match="speakers 2 also speak in /data"):
        split_speakers(ours, corpus(["2", None], "eval"), seed=0)


@given(st.lists(st.integers(1, 200), min_size=0, max_size=30), st.floats(0.001, 1.0), st.integers(0, 99))
def test_drawn_hours_keep_to_the_limit(seconds: list[int], hours: float, seed: int) -> None:
    """Each utterance at most once; over the limit only where the first one alone is."""
    utterances = tuple(Utterance(Path(f"/{i}"), s * 16_000) for i, s in enumerate(seconds))
    drawn = drawn_hours(utterances, hours, seed)
    assert drawn == drawn_hours(utterances, hours, seed)
    assert len({u.path for u in drawn}) == len(drawn)
    assert bool(drawn) == bool(utterances)
    assert len(drawn) <= 1 or sum(u.samples for u in drawn) <= hours * 3600 * 16_000
    left_out = [u.samples for u in utterances if u not in drawn]
    room = hours * 3600 * 16_000 - sum(u.samples for u in drawn)
    assert all(samples > room for samples in left_out), "what would still fit is taken"
