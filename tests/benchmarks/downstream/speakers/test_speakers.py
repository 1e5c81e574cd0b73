"""Speaker identification and verification: who is tested on what, what is counted, and on real speech."""

from __future__ import annotations

from collections import Counter
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ssl_bench.data.audio import read_audio
from ssl_bench.data.corpus import read_corpus
from ssl_benchmarks.downstream import pooled
from ssl_benchmarks.downstream.features import Frames, LayerMix, LogMelControl
from ssl_benchmarks.downstream.speakers.equal_error_rate import equal_error_rate
from ssl_benchmarks.downstream.speakers.identification import ROLES, Role, SpeakerSplit, identify
from ssl_benchmarks.downstream.speakers.verification import verify
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_benchmarks.downstream.store import stored

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _fewer_updates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Voices as different as these are separated after a few steps; test_pooled tests that learning runs to its end."""
    monkeypatch.setattr(pooled, "UPDATES", 160)


def silence() -> NDArray[np.float32]:
    raise AssertionError("a task reads no waveforms")


def said(*parts: tuple[str, str, int]) -> list[Spoken]:
    """Speaker, session and how many utterances."""
    return [
        Spoken(silence, 16_000, speaker, session=session) for speaker, session, count in parts for _ in range(count)
    ]


def of_test(spoken: list[Spoken]) -> list[Role]:
    return ["test"] * len(spoken)


def heard(spoken: list[Spoken], seed: int = 0, loudness: float = 3.0) -> Frames:
    """Each speaker's own direction in frames of noise."""
    draw = np.random.default_rng(seed)
    voices = {name: np.random.default_rng(ord(name[0])).standard_normal(8) for name in {s.speaker for s in spoken}}
    return Frames(
        tuple(
            torch.from_numpy(loudness * voices[s.speaker] + draw.standard_normal((5, 2, 8)) * 3).half() for s in spoken
        ),
        25.0,
    )


def split_of(spoken: list[Spoken], *roles: tuple[Role, int]) -> SpeakerSplit:
    """`roles` are how many utterances each has, in order; without any all are of the test speech."""
    named = [role for role, count in roles or [("test", len(spoken))] for _ in range(count)]
    return SpeakerSplit.of(dict(enumerate(spoken)), dict(enumerate(named)))


def test_a_speaker_of_the_test_speech_alone_gives_nothing_to_choose_by() -> None:
    """Its last session by name is rated, the rest learned from; the train speaker's last session chooses the rate."""
    spoken = said(("t", "1", 2), ("t", "0", 3), ("e", "30", 2), ("e", "10", 3), ("e", "40", 1))
    split = split_of(spoken, ("train", 5), ("test", 6))
    assert (sorted(split.train), split.dev, split.test) == ([2, 3, 4, 5, 6, 7, 8, 9], [0, 1], [10])
    assert (split.speakers, split.rated, split.one_session, split.left_out) == (["e", "t"], 1, 0, 0)


def test_who_speaks_in_train_and_test_is_rated_on_all_of_test() -> None:
    spoken = said(("a", "1", 4), ("a", "2", 3), ("a", "1", 2))
    split = split_of(spoken, ("train", 4), ("test", 5))
    assert (split.train, split.dev, split.test) == ([0, 2, 3], [1], [7, 8, 4, 5, 6])
    assert split.one_session == 1, "session 1 is in both"


def test_who_speaks_in_train_and_dev_keeps_them_apart() -> None:
    split = split_of(said(("a", "1", 3), ("a", "2", 2), ("b", "1", 2)), ("train", 3), ("dev", 2), ("test", 2))
    assert (split.train, split.dev, split.test) == ([0, 1, 2, 5], [3, 4], [6])


def test_a_dev_speaker_without_chapters_apart_gives_every_fourth_utterance() -> None:
    split = split_of(said(("a", "", 9), ("b", "", 6)), ("dev", 9), ("test", 6))
    assert (split.train, split.dev, split.test) == ([0, 2, 3, 4, 6, 7, 8, 9, 11, 12, 13], [1, 5], [10, 14])
    assert (split.rated, split.one_session) == (1, 1)


def test_where_there_is_nothing_else_other_sessions_of_the_test_speech_choose() -> None:
    """A run's own probe: by name the last is rated, the one before it chooses; of one session a fourth each."""
    split = split_of(said(("a", "30", 2), ("a", "10", 3), ("a", "40", 1), ("a", "20", 2)))
    assert (split.train, split.dev, split.test) == ([2, 3, 4, 6, 7], [0, 1], [5])
    split = split_of(said(("a", "", 9)))
    assert (split.train, split.dev, split.test) == ([0, 3, 4, 6, 8], [2, 7], [1, 5])
    assert split.alone


@given(
    st.lists(
        st.tuples(
            st.sampled_from(ROLES), st.sampled_from("abc"), st.sampled_from(["", "1", "2", "3"]), st.integers(1, 5)
        ),
        max_size=9,
    )
)
def test_nothing_of_the_test_speech_chooses_and_nothing_else_is_rated(
    parts: list[tuple[Role, str, str, int]],
) -> None:
    """And every speaker is learned from, no utterance is in two parts, and sessions stay whole where there are several."""
    spoken = said(*(part[1:] for part in parts))
    roles = dict(enumerate(role for role, *_, count in parts for _ in range(count)))
    split = SpeakerSplit.of(dict(enumerate(spoken)), roles)
    assert {roles[i] for i in split.test} <= {"test"}
    assert split.alone == (set(roles.values()) <= {"test"})
    assert split.alone or "test" not in {roles[i] for i in split.dev}
    placed = [*split.train, *split.dev, *split.test]
    assert sorted(placed) == [i for i, s in enumerate(spoken) if s.speaker in split.speakers]
    assert {spoken[i].speaker for i in split.train} == set(split.speakers)
    own = Counter(s.speaker for s in spoken)
    assert split.speakers == sorted(name for name, count in own.items() if count > 1)
    assert split.left_out == len(own) - len(split.speakers)
    for name in split.speakers:
        places = [i for i, s in enumerate(spoken) if s.speaker == name]
        if len({roles[i] for i in places}) == 1 and len({spoken[i].session for i in places}) > 1:
            sessions = [{spoken[i].session for i in part if i in places} for part in (split.train, split.test)]
            assert not set.intersection(*sessions)


def test_speakers_are_named_and_counted() -> None:
    """Three voices that stand apart; a fourth has one utterance, and one utterance no frame."""
    spoken = said(("a", "1", 6), ("a", "2", 4), ("b", "1", 8), ("c", "1", 3), ("c", "2", 3), ("d", "1", 1))
    roles: list[Role] = [*["train"] * 6, *["test"] * 19]  # type: ignore[list-item]
    frames = heard(spoken)
    frames = Frames((*frames.utterances[:9], torch.zeros(0, 2, 8), *frames.utterances[10:]), 25.0)
    outcome = identify(frames, spoken, roles, CPU, 0)
    rate = outcome.rates["accuracy"]
    assert (rate.value, rate.unit, rate.method, rate.n) == (1.0, "1", "measured", 3 + 2 + 3)
    assert outcome.converged
    names = ("speakers", "speakers_rated", "rated_in_one_session", "speakers_left_out", "dev", "test")
    assert [outcome.details[name] for name in names] == [3, 3, 1, 1, 2, 8]
    assert outcome.details["utterances_without_features"] == 1
    assert "one of 3 speakers, 3 of them tested" in rate.note
    assert "1 of these in a session also used for training" in rate.note
    assert "rate chosen on speech that is not tested" in rate.note


def test_two_names_for_one_voice_are_not_told_apart() -> None:
    """Accuracy stays near a half and the head is marked: nothing leaks from training to test."""
    spoken = said(("a", "1", 60), ("a", "2", 60), ("b", "1", 60), ("b", "2", 60))
    outcome = identify(heard(spoken, loudness=0.0), spoken, of_test(spoken), CPU, 0)
    assert outcome.rates["accuracy"].value == pytest.approx(0.5, abs=0.15)
    assert outcome.converged is False


@pytest.mark.parametrize(
    ("parts", "learned", "reason"),
    [
        ([("a", "1", 9)], 0, "two speakers with two utterances each; found 1"),
        ([("a", "1", 1), ("b", "1", 1)], 0, "two speakers with two utterances each; found 0"),
        ([("a", "1", 1), ("a", "2", 5), ("b", "1", 1), ("b", "2", 5)], 0, "no speaker has a spare one"),
        ([("a", "1", 1), ("b", "1", 5), ("c", "1", 5)], 1, "no speaker has a spare one"),
        ([("a", "1", 5), ("b", "1", 5), ("c", "1", 1)], 10, "a speaker with two utterances in the test speech"),
        ([], 0, "found 0"),
    ],
)
def test_too_few_voices_have_no_accuracy(parts: list[tuple[str, str, int]], learned: int, reason: str) -> None:
    """The first `learned` utterances are of train, the others of test."""
    spoken = said(*parts)
    roles: list[Role] = ["train" if i < learned else "test" for i in range(len(spoken))]
    outcome = identify(heard(spoken), spoken, roles, CPU, 0)
    assert outcome.rates["accuracy"].value is None
    assert reason in outcome.rates["accuracy"].note
    assert outcome.converged is None


def test_the_equal_error_rate_is_that_of_all_pairs() -> None:
    """A plain loop: standardise each frame by the training frames, average layers and frames, cosine of each pair."""
    from sklearn.metrics.pairwise import cosine_similarity

    spoken = said(("a", "1", 6), ("b", "1", 5), ("c", "1", 1))
    frames, train = heard(spoken, 1, 0.5), heard(said(("x", "", 4), ("y", "", 4)), 2)
    everything = np.concatenate([u.double().numpy() for u in train.utterances])
    mean, deviation = everything.mean(0), everything.std(0)
    vectors = [((u.double().numpy() - mean) / deviation).mean((0, 1)) for u in frames.utterances]
    pairs = list(combinations(range(12), 2))
    scores = [cosine_similarity([vectors[i]], [vectors[j]])[0, 0] for i, j in pairs]
    expected = equal_error_rate(scores, [spoken[i].speaker == spoken[j].speaker for i, j in pairs])
    mix = LayerMix.fitted(train)
    with torch.no_grad():
        mix.weights.copy_(torch.tensor([5.0, -5.0]))  # learned for something else, and not to be used
    outcome = verify(mix, frames, spoken, 0)
    rate = outcome.rates["eer"]
    assert 0.02 < expected < 0.98
    assert rate.value == pytest.approx(expected, abs=1e-9)
    assert (rate.unit, rate.method, rate.n, outcome.converged) == ("1", "measured", 12, None)
    assert rate.ci95 is not None
    assert rate.ci95[0] <= expected <= rate.ci95[1]
    assert "25 same-speaker and 41 different-speaker trials" in rate.note


def test_an_utterance_without_frames_is_counted_and_left_out() -> None:
    spoken = said(("a", "1", 3), ("b", "1", 3))
    frames = heard(spoken)
    short = Frames((torch.zeros(0, 2, 8), *frames.utterances[1:]), 25.0)
    outcome = verify(LayerMix.fitted(frames), short, spoken, 0)
    assert outcome.details["utterances_without_features"] == 1
    assert outcome.rates["eer"].n == 5
    assert outcome.rates["eer"].value == verify(LayerMix.fitted(frames), Frames(frames.utterances[1:], 25.0), spoken[1:], 0).rates["eer"].value  # fmt: skip


@pytest.mark.parametrize("parts", [[("a", "1", 9)], [("a", "1", 1), ("b", "1", 1)], [("a", "1", 1)]])
def test_too_few_voices_have_no_equal_error_rate(parts: list[tuple[str, str, int]]) -> None:
    spoken = said(*parts)
    outcome = verify(LayerMix.fitted(heard(spoken)), heard(spoken), spoken, 0)
    assert outcome.rates["eer"].value is None
    assert "two speakers, one of them with two utterances" in outcome.rates["eer"].note


def of_layer(frames: Frames, layer: int) -> Frames:
    """One layer alone."""
    return Frames([u[:, layer : layer + 1] for u in frames.utterances], frames.frame_rate)


def floats(path: Path) -> NDArray[np.float32]:
    return read_audio(path).astype(np.float32) / 32_768


@pytest.mark.speech
def test_real_voices_are_told_apart_by_log_mel_but_not_without_its_level(real_speech: Path, tmp_path: Path) -> None:
    """12 unseen speakers, 12 utterances each; a guess is right one time in 12, and wrong half of the time."""
    utterances = read_corpus(real_speech / "dev-clean").utterances
    spoken = []
    for speaker in sorted({u.speaker or "" for u in utterances}):
        own = [u for u in utterances if u.speaker == speaker and u.samples < 6 * 16_000]
        spoken += [
            Spoken(partial(floats, u.path), u.samples, speaker, key=str(u.path), session=u.path.parent.name)
            for u in own[:: max(1, len(own) // 12)][:12]
        ]
    both = stored(LogMelControl().eval(), spoken, CPU, tmp_path)
    frames, normal = of_layer(both, 0), of_layer(both, 1)
    accuracy, eer = (
        identify(frames, spoken, of_test(spoken), CPU, 0),
        verify(LayerMix.fitted(frames), frames, spoken, 0).rates["eer"],
    )
    assert accuracy.converged
    assert accuracy.rates["accuracy"].ci95 is not None
    assert accuracy.rates["accuracy"].ci95[0] > 2 / 12
    assert eer.ci95 is not None
    assert eer.ci95[1] < 0.5
    assert not identify(normal, spoken, of_test(spoken), CPU, 0).converged
