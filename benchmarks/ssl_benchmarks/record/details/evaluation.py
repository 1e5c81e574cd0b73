"""What a record of `evaluate`, or of any command that rates something, holds beside its rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from typing_extensions import TypedDict

from ssl_benchmarks.record.details.common import Details

ControlRead = TypedDict("ControlRead", {"system": str, "from": str})
"""A control that was not rated again, and the run that has it on its bill."""


@dataclass(frozen=True)
class OddFiles:
    """Files whose audio is odd in one way, by name."""

    files: tuple[str, ...]


@dataclass(frozen=True)
class SpeechPart:
    """A split of the speech that was learned from or rated."""

    counts: dict[str, int] = field(default_factory=dict)
    kept: dict[str, OddFiles] = field(default_factory=dict)
    hours: float | None = None


@dataclass(frozen=True)
class Speech:
    """What heads learned from, were chosen on, and were rated on."""

    how: str = ""
    train: SpeechPart | None = None
    dev: SpeechPart | None = None
    test: SpeechPart | None = None


@dataclass(frozen=True)
class WordsLeftOut:
    """Utterances of a split that hold words which no dictionary knows."""

    utterances_left_out: int = 0
    words: int = 0
    unknown_words: int = 0


@dataclass(frozen=True)
class LeftOut:
    """What a task could not use of the speech."""

    counts: dict[str, int] = field(default_factory=dict)
    kept: dict[str, OddFiles] = field(default_factory=dict)
    train: WordsLeftOut | None = None
    dev: WordsLeftOut | None = None
    test: WordsLeftOut | None = None

    @property
    def splits(self) -> dict[str, WordsLeftOut]:
        """Those of which something is told."""
        found = {"train": self.train, "dev": self.dev, "test": self.test}
        return {name: words for name, words in found.items() if words is not None}


@dataclass(frozen=True)
class Evaluated(Details):
    """Of every kind that rates something; `speech` is None where nothing was rated."""

    speech: Speech | None = None
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    controls_read: tuple[ControlRead, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finding:
    """What one system was rated with by one head."""

    system: str
    task: str


@dataclass(frozen=True)
class EvaluationDetails(Evaluated):
    """Of `evaluate`."""

    speech: Speech = field(default_factory=Speech)
    findings: tuple[Finding, ...] = ()
