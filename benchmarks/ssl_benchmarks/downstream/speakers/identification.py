"""Speaker identification: a linear head on mean-pooled features classifies the speaker, in a session it was not trained on.

Only utterances of the test speech are classified, and none of them is used to choose the learning rate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch

from ssl_benchmarks.downstream.features import Frames, LayerMix
from ssl_benchmarks.downstream.outcome import Outcome
from ssl_benchmarks.downstream.pooled import Chosen, Examples, learn, pooled
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_benchmarks.record.bootstrap import pooled_rate
from ssl_benchmarks.record.quantity import unavailable

Role = Literal["train", "dev", "test"]
ROLES: tuple[Role, ...] = ("train", "dev", "test")


def identify(
    frames: Frames, spoken: Sequence[Spoken], roles: Sequence[Role], device: torch.device, seed: int
) -> Outcome:
    """Accuracy on utterances of the test speech that the head was not trained on.

    Args:
        frames: features of the utterances.
        spoken: speaker and session of each.
        roles: the split of each.
        device: to train on.
        seed: for the head and the bootstrap.
    """
    means, places = pooled(frames)
    split = SpeakerSplit.of({i: spoken[i] for i in places}, {i: roles[i] for i in places})
    left_out = {"utterances_without_features": len(spoken) - len(places), "speakers_left_out": split.left_out}
    counts = {"speakers": len(split.speakers), "speakers_rated": split.rated, "rated_in_one_session": split.one_session}
    counts |= left_out
    if split.lack:
        return Outcome({"accuracy": unavailable("1", f"speaker identification needs {split.lack}")}, None, counts)
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
    parts = [
        f"linear head on mean-pooled frozen features, one of {len(split.speakers)} speakers, {split.rated} of them tested"
    ]
    if split.one_session < split.rated:
        parts.append("in a session not used for training")
    if split.one_session:
        parts.append(f"{split.one_session} of these in a session also used for training, since they have no other")
    parts.append(
        "learning rate chosen on other utterances"
        if split.alone
        else "learning rate chosen on speech that is not tested"
    )
    if split.left_out:
        parts.append(f"{split.left_out} with a single utterance left out")
    return "; ".join([*parts, "95 % bootstrap over speakers and their utterances"])


@dataclass
class SpeakerSplit:
    """Every speaker's utterances in three parts, by index.

    Attributes:
        alone: whether there is only test speech, part of which then also chooses the rate.
        speakers: sorted.
        rated: number of tested speakers.
        one_session: number of these who are tested in a session used for training.
        left_out: speakers without utterances beyond those needed for training.
    """

    alone: bool
    speakers: list[str] = field(default_factory=list)
    train: list[int] = field(default_factory=list)
    dev: list[int] = field(default_factory=list)
    test: list[int] = field(default_factory=list)
    rated: int = 0
    one_session: int = 0
    left_out: int = 0

    @classmethod
    def of(cls, spoken: Mapping[int, Spoken], roles: Mapping[int, Role]) -> SpeakerSplit:
        """Split the utterances: speakers of train or dev provide some to choose the rate by, those of test alone do not.

        Speakers who occur in both train and dev keep these apart; those in only one of them have a part of it (see
        `_apart`) set aside for the choice. Speakers who occur in test alone are trained on there and tested on a part
        of it; all other speakers in test are tested on all of it.
        """
        own: dict[str, dict[Role, dict[str, list[int]]]] = defaultdict(lambda: {role: {} for role in ROLES})
        for place, one in spoken.items():
            own[one.speaker][roles[place]].setdefault(one.session, []).append(place)
        split = cls(alone=all(roles[place] == "test" for place in spoken))
        for speaker, by_role in sorted(own.items()):
            split._add(speaker, *([found[name] for name in sorted(found)] for found in by_role.values()))
        learned = {_session(spoken[i]) for i in split.train}
        split.one_session = len({spoken[i].speaker for i in split.test if _session(spoken[i]) in learned})
        return split

    def _add(self, speaker: str, train: list[list[int]], dev: list[list[int]], test: list[list[int]]) -> None:
        """Add a speaker's sessions in order."""
        if train or dev:
            train, dev = (train, dev) if train and dev else _apart(train or dev)
        else:
            train, test = _apart(test)
            train, dev = _apart(train) if self.alone else (train, [])
        if not any(map(len, dev + test)):
            self.left_out += 1
            return
        self.speakers.append(speaker)
        self.rated += any(map(len, test))
        for part, sessions in ((self.train, train), (self.dev, dev), (self.test, test)):
            part += [place for session in sessions for place in session]

    @property
    def lack(self) -> str:
        """What is missing for a test; empty if nothing."""
        if len(self.speakers) < 2:
            return f"two speakers with two utterances each; found {len(self.speakers)}"
        if not self.dev:
            return "an untested utterance for choosing the learning rate; no speaker has a spare one"
        return "" if self.test else "a speaker with two utterances in the test speech"


def _session(spoken: Spoken) -> tuple[str, str]:
    return spoken.speaker, spoken.session


def _apart(sessions: list[list[int]]) -> tuple[list[list[int]], list[list[int]]]:
    """A speaker's utterances before the last session (by name), and that session; a single one is split 3 to 1.

    Utterances without a session name form one session.
    """
    *earlier, last = sessions
    if earlier:
        return earlier, [last]
    return [[place for i, place in enumerate(last) if i % 4 != 1]], [last[1::4]]
