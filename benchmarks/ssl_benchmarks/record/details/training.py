"""What a record of `train-and-measure` holds besides its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.details.projection import FullRun


@dataclass(frozen=True)
class Data:
    """The speech of a training run.

    Attributes:
        synthetic: true only in older records, whose sample was synthesised.
        formats: files by suffix, such as "flac"; empty in older records.
    """

    folder: str = ""
    hours: float = 0.0
    utterances: int = 0
    speakers: int = 0
    synthetic: bool = False
    formats: dict[str, int] = field(default_factory=dict)
    skipped_files: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HeldOut:
    """Speakers that were held out of training."""

    how: str = "not recorded"
    speakers: tuple[str, ...] = ()


@dataclass(frozen=True)
class AudioRead:
    """How many files were read, and how many had each anomaly."""

    counts: dict[str, int] = field(default_factory=dict)
    files_read: int = 0


@dataclass(frozen=True)
class Targets:
    """How the targets were fitted; `limited` names the share of the speech that was used, empty if all was."""

    limited: str = ""


@dataclass(frozen=True)
class TrainingDetails(Details):
    """Details of `train-and-measure`; `attempts` are of type `ssl_bench.training.attempts.Attempt`."""

    attempts: tuple[dict[str, Any], ...] = ()
    data: Data = field(default_factory=Data)
    held_out: HeldOut = field(default_factory=HeldOut)
    broken_files: dict[str, str] = field(default_factory=dict)
    audio: AudioRead = field(default_factory=AudioRead)
    targets: Targets = field(default_factory=Targets)
    full_run: FullRun | None = None
