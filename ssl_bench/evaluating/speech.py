"""The speech of an evaluation: who is learned from, who is tuned on, and who is rated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ssl_bench.data.corpus import Utterance
from ssl_bench.data.usable import Oddities
from ssl_bench.settings.evaluating import OF_SPEAKERS, OF_TEXT, Labels
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE


@dataclass(frozen=True)
class Part:
    """A split.

    Attributes:
        folder: it comes from.
        spoken: what tasks take; where the text is not known it is empty.
        utterances: the same as files, in the same order.
        available_hours: that `spoken` was drawn from.
        planned, planned_hours: utterances, and hours of them, that are taken where time does not limit them.
        told: utterances of the whole split whose speaker is known.
        odd: transcripts and lengths are counted over all of the split, decoding over what was drawn of it.
    """

    folder: Path
    spoken: tuple[Spoken, ...]
    utterances: tuple[Utterance, ...]
    available_hours: float
    odd: Oddities
    planned: int
    planned_hours: float
    told: int

    @property
    def hours(self) -> float:
        """That are taken."""
        return sum(s.samples for s in self.spoken) / SAMPLE_RATE / 3600

    def document(self) -> dict[str, Any]:
        """For the record."""
        return {
            "folder": str(self.folder),
            "utterances": len(self.spoken),
            "with_text": sum(bool(s.text) for s in self.spoken),
            "speakers": len({u.speaker for u in self.utterances if u.speaker is not None}),
            "of_unknown_speakers": sum(u.speaker is None for u in self.utterances),
            "hours": self.hours,
            "available_hours": self.available_hours,
            "planned_utterances": self.planned,
            "planned_hours": self.planned_hours,
            **self.odd.document(),
        }


@dataclass(frozen=True)
class EvaluationSpeech:
    """Speech by its use.

    Attributes:
        parts: by "train", "dev" and "test"; empty where no task takes any.
        labels: how much of train is learned from.
        how: dev and labels were chosen.
        tested_on: the name of the test folder.
        final: whether that is a final test set, on which nothing may be chosen.
        share: of each part that is taken, less than 1 where time limits it.
        effort: the part that recognisers hear of what they would of this share, less than 1 where time limits that too.
    """

    parts: dict[str, Part]
    labels: Labels
    how: str
    tested_on: str
    final: bool
    share: float = 1.0
    effort: float = 1.0

    @property
    def labels_taken(self) -> str:
        """How much of train is learned from, as rows that may be compared have to agree on it."""
        train = self.parts.get("train")
        taken = self.labels if self.share == 1.0 or train is None else f"{60 * train.hours:.2g}min"
        return taken if self.effort == 1.0 else f"{taken} ({self.effort:.2g} of the passes)"

    @property
    def test_taken(self) -> str:
        """What is rated, as rows that may be compared have to agree on it."""
        test = self.parts.get("test")
        if self.share == 1.0 or test is None:
            return self.tested_on
        return f"{self.tested_on} ({len(test.spoken)} of {test.planned} utterances)"

    @property
    def shortened(self) -> str:
        """What time left of each part and of learning; empty where all is taken."""
        taken = [f"{len(p.spoken)} of {p.planned} utterances of {name}" for name, p in self.parts.items() if p.planned]
        speech = "" if self.share == 1.0 else f"{', '.join(taken)}, as many as time allowed"
        learning = "" if self.effort == 1.0 else f"recognisers heard {self.effort:.2g} of what they hear with more time"
        return "; ".join(filter(None, (speech, learning)))

    def learned_with(self, effort: float) -> EvaluationSpeech:
        """The same speech for recognisers that hear this part of what they would."""
        less = replace(self, effort=effort)
        return (
            less
            if effort == 1.0
            else replace(less, how=f"{self.how.removesuffix(f'; {self.shortened}')}; {less.shortened}")
        )

    @property
    def train(self) -> tuple[Spoken, ...]:
        """What heads learn from."""
        return self.parts["train"].spoken

    @property
    def dev(self) -> tuple[Spoken, ...]:
        """What learning rates are chosen on."""
        return self.parts["dev"].spoken

    @property
    def test(self) -> tuple[Spoken, ...]:
        """What is rated."""
        return self.parts["test"].spoken

    @property
    def test_utterances(self) -> tuple[Utterance, ...]:
        """The files of `test`, in its order."""
        return self.parts["test"].utterances

    def require(self, task: str) -> None:
        """Refuse a task that needs transcripts or speakers where there are none.

        Raises:
            BadInputError: naming the folder and what would be right.
        """
        if task in OF_TEXT:
            self.require_text(task)
        part = self.parts.get("test")
        if task in OF_SPEAKERS and part is not None and not part.told:
            raise BadInputError(
                f"--tasks {task}: nothing tells who speaks in the speech to rate on ({part.folder}); lay it out as LibriSpeech "
                "(SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac), or say it by --speakers PATTERN"
            )

    def require_text(self, task: str) -> None:
        """Refuse a task that needs transcripts where there are none.

        Raises:
            BadInputError: naming the folder.
        """
        for name, part in self.parts.items():
            if not any(s.text for s in part.spoken):
                raise BadInputError(
                    f"--tasks {task}: no utterance of {name} ({part.folder}) has a transcript; it needs *.trans.txt "
                    "files beside the audio, as in LibriSpeech"
                )

    def document(self) -> dict[str, Any]:
        """For the record."""
        parts = {name: part.document() for name, part in self.parts.items()}
        return {"labels": self.labels, "how": self.how, "final": self.final, "share": self.share, **parts}


SpeechAt = Callable[[float], EvaluationSpeech]
"""Gives a share of each part of an evaluation's speech, above 0 and at most 1, at least an utterance; drawn by the seed."""


def no_speech(labels: Labels) -> EvaluationSpeech:
    """Where no task takes any: keywords have a folder and splits of their own."""
    return EvaluationSpeech({}, labels, "none is taken but the clips of --keywords", "", final=False)
