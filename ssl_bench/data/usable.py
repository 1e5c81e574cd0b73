"""Utterances made fit for evaluation; whatever is odd about them is counted and named, and stops nothing."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.downstream.spoken import Spoken
from benchmarks.downstream.symbols import ALPHABET, normalise
from models.interface import SAMPLE_RATE
from ssl_bench.data.corpus import LIBRISPEECH_STEM, Utterance
from ssl_bench.data.threads import threads
from ssl_bench.data.waveforms import Waveforms

SHORTEST = SAMPLE_RATE // 2
"""Samples; shorter clips end in silence for every model alike, since the largest front end here needs 0.29 s."""
LONGEST_TRAINED = 35 * SAMPLE_RATE
"""Samples; LibriSpeech's longest training utterance has 24.5 s."""
WHOLE = 0.9
"""Share of the length in a file's head that must be there: a transcript does not fit a recording that breaks off."""
MOST_NAMES = 20


@dataclass
class Oddities:
    """What was odd in a split.

    Attributes:
        counts: utterances (of `outside_alphabet_characters`: characters) by what is odd.
        named: the files by why they are left out.
    """

    counts: Counter[str] = field(default_factory=Counter)
    named: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, why: str, path: Path, reason: str = "") -> None:
        """Count a file that is left out, and name it."""
        self.counts[why] += 1
        self.named.setdefault(why, []).append(f"{path}: {reason}" if reason else str(path))

    def document(self) -> dict[str, Any]:
        """For the record: all counts, and up to `MOST_NAMES` names of each kind."""
        left_out = {why: {"total": len(names), "files": names[:MOST_NAMES]} for why, names in self.named.items()}
        return {"counts": {kind: self.counts[kind] for kind in KINDS}, "left_out": left_out}


KINDS = (
    "without_transcript", "empty_transcript", "outside_alphabet_utterances", "outside_alphabet_characters",
    "padded", "too_long_to_train", "broken",
)  # fmt: skip


def with_text(utterances: Iterable[Utterance], odd: Oddities) -> tuple[Utterance, ...]:
    """Those whose transcript leaves something to read; the others are named as left out of tasks that need a text."""
    kept = []
    for utterance in utterances:
        outside = outside_alphabet(utterance.text or "")
        odd.counts["outside_alphabet_characters"] += outside
        odd.counts["outside_alphabet_utterances"] += outside > 0
        if utterance.text is None:
            odd.leave_out("without_transcript", utterance.path)
        elif not normalise(utterance.text):
            odd.leave_out("empty_transcript", utterance.path)
        else:
            kept.append(utterance)
    return tuple(kept)


def outside_alphabet(text: str) -> int:
    """Characters that `normalise` turns into spaces and that were none."""
    return sum(c not in ALPHABET and not c.isspace() for c in text.replace("\u2019", "'").upper())


def short_enough(utterances: Iterable[Utterance], odd: Oddities) -> tuple[Utterance, ...]:
    """Those that are trained on."""
    kept = []
    for utterance in utterances:
        if utterance.samples > LONGEST_TRAINED:
            odd.leave_out("too_long_to_train", utterance.path, f"{utterance.samples / SAMPLE_RATE:.1f} s")
        else:
            kept.append(utterance)
    return tuple(kept)


def readable(
    utterances: Sequence[Utterance], waveforms: Waveforms, odd: Oddities
) -> tuple[list[Utterance], list[Spoken]]:
    """The utterances that can be decoded, and the same as tasks take them: read once, padded where they are too short."""
    kept, spoken = [], []
    with threads(min(8, os.cpu_count() or 1)) as pool:
        found = pool.map(lambda utterance: len(waveforms.samples(utterance)), utterances)
        for utterance, samples in zip(utterances, found, strict=True):
            if samples == 0 or samples < WHOLE * utterance.samples:
                odd.leave_out(
                    "broken", utterance.path, waveforms.broken.get(str(utterance.path)) or _cut(utterance, samples)
                )
                continue
            odd.counts["padded"] += samples < SHORTEST
            kept.append(utterance)
            spoken.append(_spoken(utterance, samples, waveforms))
    return kept, spoken


def _cut(utterance: Utterance, samples: int) -> str:
    return f"breaks off after {samples / SAMPLE_RATE:.2f} s of {utterance.samples / SAMPLE_RATE:.2f} s"


def _spoken(utterance: Utterance, samples: int, waveforms: Waveforms) -> Spoken:
    stem = LIBRISPEECH_STEM.match(utterance.path.stem)
    session = stem[2] if stem and stem[1] == utterance.speaker else ""
    path = utterance.path.resolve()
    status = path.stat()
    return Spoken(
        partial(_padded, waveforms, utterance),
        max(samples, SHORTEST),
        utterance.speaker or "unknown",
        normalise(utterance.text or ""),
        # A file that is replaced is another recording.
        f"{path} ({status.st_size} bytes, {status.st_mtime_ns})",
        session,
    )


def _padded(waveforms: Waveforms, utterance: Utterance) -> NDArray[np.float32]:
    samples = waveforms.floats(utterance)
    return np.pad(samples, (0, max(0, SHORTEST - len(samples))))
