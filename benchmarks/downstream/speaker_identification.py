"""Speaker identification: a linear head on mean-pooled features names the speaker of an utterance from another session."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from benchmarks.downstream.features import Frames
from benchmarks.downstream.heads import LayerMix
from benchmarks.downstream.intervals import pooled_rate
from benchmarks.downstream.outcome import Outcome
from benchmarks.downstream.pooled import Chosen, Examples, learn, pooled
from benchmarks.downstream.spoken import Spoken
from benchmarks.quantity import unavailable

FEWEST = 3
"""Utterances of a speaker: one to learn from, one to choose the rate by, one to test."""


def identify(frames: Frames, spoken: Sequence[Spoken], device: torch.device, seed: int) -> Outcome:
    """Accuracy on sessions that the head did not learn from.

    Args:
        frames: of the utterances.
        spoken: who speaks, and in which session.
        device: to learn on.
        seed: of the head and the bootstrap.
    """
    means, places = pooled(frames)
    split = SpeakerSplit.of({i: spoken[i] for i in places})
    left_out = {"utterances_without_features": len(spoken) - len(places), "speakers_left_out": split.left_out}
    counts = {"speakers": len(split.speakers), "speakers_of_one_session": split.of_one_session, **left_out}
    if len(split.speakers) < 2:
        reason = f"speaker identification needs two speakers with {FEWEST} utterances each, found {len(split.speakers)}"
        return Outcome({"accuracy": unavailable("1", reason)}, None, counts)
    if not split.dev:
        reason = "speaker identification needs an utterance to choose the learning rate by: no speaker has one to spare"
        return Outcome({"accuracy": unavailable("1", reason)}, None, counts)
    row = {place: i for i, place in enumerate(places)}

    def examples(chosen: Sequence[int]) -> Examples:
        labels = torch.tensor([split.speakers.index(spoken[i].speaker) for i in chosen])
        return Examples(means[[row[i] for i in chosen]], labels)

    mix = LayerMix.fitted(Frames(Chosen(frames.utterances, split.train), frames.frame_rate))
    classifier = learn(mix, examples(split.train), examples(split.dev), device, seed)
    tested = examples(split.test)
    hits = (classifier.classes(tested.features) == tested.labels).double().tolist()
    speakers = [spoken[i].speaker for i in split.test]
    rate = pooled_rate(hits, [1.0] * len(hits), speakers, seed=seed, note=_note(split))
    counts |= {"train": len(split.train), "dev": len(split.dev), "test": len(split.test)}
    return Outcome({"accuracy": rate}, classifier.converged, counts | classifier.details)


def _note(split: SpeakerSplit) -> str:
    parts = [f"linear on mean-pooled frozen features, one of {len(split.speakers)} speakers"]
    if split.of_one_session < len(split.speakers):
        parts.append("tested in a session not learned from")
    if split.of_one_session:
        parts.append(f"{split.of_one_session} of them have one session, which both learning and testing draw from")
    if split.left_out:
        parts.append(f"{split.left_out} with fewer than {FEWEST} utterances left out")
    return "; ".join([*parts, "95 % bootstrap over speakers and their utterances"])


@dataclass
class SpeakerSplit:
    """Every speaker's utterances in three parts, by their places.

    Attributes:
        speakers: sorted.
        of_one_session: how many of them.
        left_out: speakers with fewer than `FEWEST` utterances.
    """

    speakers: list[str] = field(default_factory=list)
    train: list[int] = field(default_factory=list)
    dev: list[int] = field(default_factory=list)
    test: list[int] = field(default_factory=list)
    of_one_session: int = 0
    left_out: int = 0

    @classmethod
    def of(cls, spoken: Mapping[int, Spoken]) -> SpeakerSplit:
        """Of a speaker's sessions, sorted by name, the last is tested, and the one before it chooses the rate.

        With two sessions every fifth utterance of the first chooses; with one every fourth is tested and every fourth
        chooses. A session without a name is one session.
        """
        sessions: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for place, one in spoken.items():
            sessions[one.speaker][one.session].append(place)
        split = cls()
        for speaker, own in sorted(sessions.items()):
            if sum(map(len, own.values())) < FEWEST:
                split.left_out += 1
                continue
            split.speakers.append(speaker)
            split.of_one_session += len(own) == 1
            split._add([own[name] for name in sorted(own)])
        return split

    def _add(self, sessions: list[list[int]]) -> None:
        """The sessions of a speaker, in order."""
        *earlier, last = sessions
        if not earlier:
            train, dev, test = last[::4] + last[3::4], last[1::4], last[2::4]
        elif len(earlier) == 1:
            dev, test = earlier[0][1::5], last
            train = [place for place in earlier[0] if place not in dev]
        else:
            dev, test = earlier[-1], last
            train = [place for session in earlier[:-1] for place in session]
        self.train += train
        self.dev += dev
        self.test += test
