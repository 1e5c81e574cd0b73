"""What a recogniser is asked for: characters or phones, how a text is spelled in them, and which errors count."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jiwer

from benchmarks.downstream.intervals import pooled_rate
from benchmarks.downstream.symbols import CHARACTERS, Symbols
from benchmarks.quantity import Quantity

Spelled = Sequence[str]


@dataclass(frozen=True)
class Language:
    """Symbols and what is rated.

    Attributes:
        symbols: that the recogniser puts out.
        written: symbols to the text that is rated.
        metrics: name to whether it counts words (True) or characters of the written text.
        context: seconds to either side of a frame that a linear head sees.
    """

    symbols: Symbols
    written: Callable[[Spelled], str]
    metrics: dict[str, bool]
    context: float

    def rates(
        self, said: Sequence[str], heard: Sequence[str], speakers: Sequence[str], *, seed: int, note: str
    ) -> dict[str, Quantity]:
        """Each metric over the utterances as jiwer counts errors, with its bootstrap interval; `said` are never empty."""
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


LETTERS = Language(CHARACTERS, lambda units: "".join(units).strip(), {"cer": False, "wer": True}, context=0.08)
"""A letter is heard over more than a frame: five frames of 40 ms, 200 ms, in a linear head."""


def phones() -> Language:
    """Phones of the CMU dictionary, frame by frame as SUPERB has them."""
    from benchmarks.downstream.phones import PHONES

    return Language(Symbols(PHONES), " ".join, {"per": True}, context=0.0)
