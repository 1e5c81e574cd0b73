"""What a record of `train-and-measure` holds beside its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.details.projection import FullRun


@dataclass(frozen=True)
class Data:
    """The speech of a training; `synthetic` is true in older records alone, whose sample was made by a synthesiser."""

    folder: str = ""
    hours: float = 0.0
    utterances: int = 0
    speakers: int = 0
    synthetic: bool = False
    skipped_files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldOut:
    """Speakers that a training did not hear."""

    how: str = "not told"
    speakers: tuple[str, ...] = ()


@dataclass(frozen=True)
class AudioRead:
    """How many files were read, and how many were odd in each way."""

    counts: dict[str, int] = field(default_factory=dict)
    files_read: int = 0


@dataclass(frozen=True)
class Targets:
    """How the targets of a training were fitted; `limited` says to what share of the speech, empty where to all of it."""

    limited: str = ""


@dataclass(frozen=True)
class TrainingDetails(Details):
    """Of `train-and-measure`; `attempts` are `ssl_bench.training.attempts.Attempt`s."""

    attempts: tuple[dict[str, Any], ...] = ()
    data: Data = field(default_factory=Data)
    held_out: HeldOut = field(default_factory=HeldOut)
    broken_files: dict[str, str] = field(default_factory=dict)
    audio: AudioRead = field(default_factory=AudioRead)
    targets: Targets = field(default_factory=Targets)
    full_run: FullRun | None = None
