"""What a record of `evaluate`, or of any command that evaluates, holds besides its rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from typing_extensions import TypedDict

from ssl_benchmarks.record.details.common import Details

ControlRead = TypedDict("ControlRead", {"system": str, "from": str})
"""A control that was not evaluated again, and the run whose record holds its cost."""


@dataclass(frozen=True)
class OddFiles:
    """Files with the same anomaly in their audio, by name."""

    files: tuple[str, ...]


@dataclass(frozen=True)
class SpeechPart:
    """A split of the speech that was used for learning or testing.

    Attributes:
        available_hours: of its folder, from which it was drawn.
        formats: files by suffix; empty in older records.
    """

    counts: dict[str, int] = field(default_factory=dict)
    kept: dict[str, OddFiles] = field(default_factory=dict)
    hours: float | None = None
    folder: str = ""
    available_hours: float | None = None
    formats: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Speech:
    """The speech that heads were trained, selected and tested on."""

    how: str = ""
    train: SpeechPart | None = None
    dev: SpeechPart | None = None
    test: SpeechPart | None = None


@dataclass(frozen=True)
class WordsLeftOut:
    """Utterances of a split with words that are in no dictionary."""

    utterances_left_out: int = 0
    words: int = 0
    unknown_words: int = 0


@dataclass(frozen=True)
class LeftOut:
    """The speech that a task could not use."""

    counts: dict[str, int] = field(default_factory=dict)
    kept: dict[str, OddFiles] = field(default_factory=dict)
    train: WordsLeftOut | None = None
    dev: WordsLeftOut | None = None
    test: WordsLeftOut | None = None

    @property
    def splits(self) -> dict[str, WordsLeftOut]:
        """The splits with something left out."""
        found = {"train": self.train, "dev": self.dev, "test": self.test}
        return {name: words for name, words in found.items() if words is not None}


@dataclass(frozen=True)
class Evaluated(Details):
    """Details of every kind that includes an evaluation; `speech` is None if nothing was evaluated."""

    speech: Speech | None = None
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    controls_read: tuple[ControlRead, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """The error rates of one system with one head."""

    system: str
    task: str


@dataclass(frozen=True)
class EvaluationDetails(Evaluated):
    """Details of `evaluate`."""

    speech: Speech = field(default_factory=Speech)
    findings: tuple[Finding, ...] = ()
