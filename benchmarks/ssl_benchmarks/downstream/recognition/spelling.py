"""The units that a recogniser outputs: characters or phones, how texts are spelled in them, and which errors count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jiwer

from ssl_benchmarks.downstream.recognition.phones import PHONES, pronounce
from ssl_benchmarks.downstream.recognition.symbols import CHARACTERS, Symbols
from ssl_benchmarks.record.bootstrap import pooled_rate
from ssl_benchmarks.record.quantity import Quantity

Spelled = Sequence[str]


@dataclass(frozen=True)
class Spelling:
    """Texts in a language's symbols.

    Attributes:
        units: symbols of each text; empty if there is no text, or its spelling is unknown.
        about: what was left out, for the record.
    """

    units: tuple[Spelled, ...]
    about: dict[str, Any]


@dataclass(frozen=True)
class Language:
    """Symbols and metrics.

    Attributes:
        symbols: symbols that the recogniser outputs.
        spell: maps normalised texts to symbols.
        written: maps symbols to the text that is compared.
        metrics: by name, whether it counts words (True) or characters of the written text.
        context: seconds on either side of a frame that a linear head uses.
    """

    symbols: Symbols
    spell: Callable[[Sequence[str]], Spelling]
    written: Callable[[Spelled], str]
    metrics: dict[str, bool]
    context: float

    def rates(
        self, said: Sequence[str], heard: Sequence[str], speakers: Sequence[str], *, seed: int, note: str
    ) -> dict[str, Quantity]:
        """Each metric over the utterances as counted by jiwer, with its bootstrap interval; `said` are never empty."""
        return {
            metric: _rate(said, heard, speakers, words=words, seed=seed, note=note)
            for metric, words in self.metrics.items()
        }


def _rate(
    said: Sequence[str], heard: Sequence[str], speakers: Sequence[str], *, words: bool, seed: int, note: str
) -> Quantity:
    process = jiwer.process_words if words else jiwer.process_characters
    outputs = [process(s, h) for s, h in zip(said, heard, strict=True)]
    errors = [o.substitutions + o.deletions + o.insertions for o in outputs]
    totals = [o.hits + o.substitutions + o.deletions for o in outputs]
    return pooled_rate(errors, totals, speakers, seed=seed, note=note)


LETTERS = Language(
    CHARACTERS,
    lambda texts: Spelling(tuple(tuple(text) for text in texts), {}),
    lambda units: "".join(units).strip(),
    {"cer": False, "wer": True},
    context=0.08,
)
"""A letter extends over more than a frame, so a linear head uses five frames of 40 ms (200 ms)."""


def _phones_of(texts: Sequence[str]) -> Spelling:
    found = pronounce(texts)
    about = {
        "utterances_left_out": found.left_out,
        "words": found.words,
        "unknown_words": found.unknown_words,
        "most_frequent_unknown": dict(found.unknown),
        "possessives_by_rule": found.possessives,
    }
    return Spelling(tuple(units or () for units in found.phones), about)


PHONE_LANGUAGE = Language(Symbols(PHONES), _phones_of, " ".join, {"per": True}, context=0.0)
"""Phones of the CMU dictionary, frame by frame as in SUPERB."""
