"""What a methods section says about the speech of a record: the corpus, how much of it, and how it was stored."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePath

from ssl_benchmarks.record.details.common import SAMPLE
from ssl_benchmarks.record.details.comparison import ComparisonDetails
from ssl_benchmarks.record.details.evaluation import Evaluated
from ssl_benchmarks.record.details.measurement import MeasurementDetails
from ssl_benchmarks.record.details.training import TrainingDetails
from ssl_benchmarks.record.record import Record
from ssl_reports.claims.error_rates import sample_was_synthetic
from ssl_reports.paper.prose import cite, enumeration
from ssl_reports.units import plain

LIBRISPEECH = f"LibriSpeech{cite('panayotov2015librispeech')}"
PART = re.compile(r"(train|dev|test)-(clean|other)(-\d+)?")
"""The names of the parts of LibriSpeech and of Mini LibriSpeech."""
SHORT = {"-5", "-2"}
"""How the names of Mini LibriSpeech's parts end."""
MINI = f"Mini LibriSpeech, a subset of {LIBRISPEECH}"
"""Where the parts of five and two hours are from."""
OF_SAMPLE = f"half an hour of train-clean-5 (28 speakers) of {MINI}, re-encoded with Opus at 16 kbit/s"
SYNTHETIC = "synthetic speech (eSpeak NG)"
LOSSY = {"opus": "Opus", "ogg": "Ogg", "mp3": "MP3"}
"""Formats of audio files that lose information."""


def speech(record: Record) -> Iterator[str]:
    """The sentences on what models were trained on, or what their batches were made of."""
    match record.kind:
        case "comparison":
            yield from _batches(record.told(ComparisonDetails).speech)
        case "measurement":
            yield from _batches(record.told(MeasurementDetails).speech)
        case "training":
            data = record.told(TrainingDetails).data
            if data.folder or data.synthetic:
                amount = f"{plain(data.hours)} h" + (f", {data.speakers} speakers" if data.speakers else "")
                said = SYNTHETIC if data.synthetic else _corpus(data.folder, amount, data.formats)
                yield f"The model was pretrained on {said}."
        case "study":
            folder = str(record.settings.training.get("data", "sample"))
            synthetic = folder == "sample" and sample_was_synthetic(record)
            who = "The model was" if len(record.settings.models) == 1 else "Models were"
            yield f"{who} pretrained on {SYNTHETIC if synthetic else _of_study(record, folder)}."


def _batches(said: str) -> Iterator[str]:
    """As `compare` and `measure` record it: "synthetic, WHAT", "of the sample (WHAT)" or "from FOLDER"."""
    if said.startswith("synthetic, "):
        yield f"Batches were made of synthetic speech ({said.removeprefix('synthetic, ')})."
    elif said.startswith("of the sample"):
        yield f"Batches were made of {OF_SAMPLE}."
    elif said.startswith("from "):
        yield f"Batches were made of {_corpus(said.removeprefix('from '), '', {})}."


def _of_study(record: Record, folder: str) -> str:
    """Its training folder, with the hours if labelled speech for its evaluation was drawn from the same one."""
    told = record.told(Evaluated).speech
    drawn = [] if told is None else [part for part in (told.train, told.dev) if part is not None]
    known = [part for part in drawn if part.folder == folder and part.available_hours is not None]
    hours = sum(part.available_hours or 0.0 for part in known)
    return _corpus(folder, f"{plain(hours)} h" if known else "", known[0].formats if known else {})


def _corpus(folder: str, amount: str, formats: Mapping[str, int]) -> str:
    """A corpus by its name, never by a path."""
    name = PurePath(folder).name
    if name in {"sample", SAMPLE}:
        return OF_SAMPLE
    if "librispeech" in folder.lower() or PART.fullmatch(folder):  # a report without paths keeps the last part alone
        part = PART.fullmatch(name)
        said = f"{name} of {MINI if part[3] in SHORT else LIBRISPEECH}" if part else LIBRISPEECH
    else:
        said = "an unnamed corpus"
    stored = enumeration(LOSSY[each] for each in formats if each in LOSSY)
    said += f" ({amount})" if amount else ""
    return f"{said}, stored as {stored}" if stored else said
