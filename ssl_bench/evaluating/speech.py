"""The speech of an evaluation: train, dev and test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssl_bench.data.corpus import Utterance, formats_of
from ssl_bench.data.usable import Oddities
from ssl_bench.settings.evaluating import OF_SPEAKERS, OF_TEXT, Labels
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_models.errors import BadInputError
from ssl_models.interface import SAMPLE_RATE


@dataclass(frozen=True)
class Part:
    """A split.

    Attributes:
        folder: the folder it comes from.
        spoken: the utterances as tasks use them; an unknown text is empty.
        utterances: the same as files, in the same order.
        available_hours: the hours that `spoken` was drawn from.
        planned, planned_hours: utterances, and their hours, to use without a time limit.
        of_known_speakers: utterances of the whole split whose speaker is known.
        odd: oddities of transcripts and lengths over the whole split, of decoding over what was drawn from it.
    """

    folder: Path
    spoken: tuple[Spoken, ...]
    utterances: tuple[Utterance, ...]
    available_hours: float
    odd: Oddities
    planned: int
    planned_hours: float
    of_known_speakers: int

    @property
    def hours(self) -> float:
        """Hours used."""
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
            "formats": formats_of(self.utterances),
            "planned_utterances": self.planned,
            "planned_hours": self.planned_hours,
            **self.odd.document(),
        }


@dataclass(frozen=True)
class EvaluationSpeech:
    """Speech by use.

    Attributes:
        parts: by "train", "dev" and "test"; empty where no task uses any.
        labels: how much of train is used with its labels.
        chosen: how dev and labels were chosen.
        tested_on: the name of the test folder.
        final: whether that is a final test set, on which nothing may be tuned.
        share: the share of each part that is used, below 1 where time limits it.
        effort: hours recognisers hear, relative to those usual for this share; below 1 where time limits that too.
    """

    parts: dict[str, Part]
    labels: Labels
    chosen: str
    tested_on: str
    final: bool
    share: float = 1.0
    effort: float = 1.0

    @property
    def labels_taken(self) -> str:
        """How much of train is used with its labels, on which comparable rows must agree."""
        train = self.parts.get("train")
        taken = self.labels if self.share == 1.0 or train is None else f"{60 * train.hours:.2g}min"
        return taken if self.effort == 1.0 else f"{taken} ({self.effort:.2g} of the passes)"

    @property
    def test_taken(self) -> str:
        """What is rated, on which comparable rows must agree."""
        test = self.parts.get("test")
        if self.share == 1.0 or test is None:
            return self.tested_on
        return f"{self.tested_on} ({len(test.spoken)} of {test.planned} utterances)"

    @property
    def shortened(self) -> str:
        """What the time limit left of each part and of learning; empty where it left all."""
        taken = [f"{len(p.spoken)} of {p.planned} utterances of {name}" for name, p in self.parts.items() if p.planned]
        speech = "" if self.share == 1.0 else f"{', '.join(taken)}, as many as time allowed"
        learning = (
            ""
            if self.effort == 1.0
            else f"recognisers heard {self.effort:.2g} times the usual hours for this much speech"
        )
        return "; ".join(filter(None, (speech, learning)))

    @property
    def how(self) -> str:
        """How dev and labels were chosen, and what the time limit left."""
        return "; ".join(filter(None, (self.chosen, self.shortened)))

    @property
    def train(self) -> tuple[Spoken, ...]:
        """Utterances that heads learn from."""
        return self.parts["train"].spoken

    @property
    def dev(self) -> tuple[Spoken, ...]:
        """Utterances that learning rates are chosen on."""
        return self.parts["dev"].spoken

    @property
    def test(self) -> tuple[Spoken, ...]:
        """Utterances that are rated."""
        return self.parts["test"].spoken

    @property
    def test_utterances(self) -> tuple[Utterance, ...]:
        """The files of `test`, in its order."""
        return self.parts["test"].utterances

    def require(self, task: str) -> None:
        """Refuse a task that needs transcripts or speakers where there are none.

        Raises:
            BadInputError: naming the folder and the remedy.
        """
        if task in OF_TEXT:
            self.require_text(task)
        part = self.parts.get("test")
        if task in OF_SPEAKERS and part is not None and not part.of_known_speakers:
            raise BadInputError(
                f"--tasks {task}: the speakers of the test speech ({part.folder}) are unknown; lay it out as LibriSpeech "
                "(SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac), or give --speakers PATTERN"
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
"""Returns a share (above 0, at most 1) of each part of an evaluation's speech, at least one utterance, drawn from the seed."""


def no_speech(labels: Labels) -> EvaluationSpeech:
    """No speech, where no task uses any: keywords have their own folder and splits."""
    return EvaluationSpeech({}, labels, "only the clips of --keywords are used", "", final=False)
