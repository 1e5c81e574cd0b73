"""Utterances prepared for evaluation; oddities are counted and listed, and never stop it."""

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

from ssl_bench.data.audio import CHANGED, UNFIT
from ssl_bench.data.corpus import Utterance
from ssl_bench.data.waveforms import Waveforms
from ssl_benchmarks.downstream.recognition.symbols import ALPHABET, normalise
from ssl_benchmarks.downstream.spoken import Spoken
from ssl_benchmarks.files.text_files import shown
from ssl_benchmarks.processes.threads import threads
from ssl_models.interface import SAMPLE_RATE

SHORTEST = SAMPLE_RATE // 2
"""Samples; shorter clips are padded with silence, for every model, as the largest front end here needs 0.29 s."""
LONGEST_TRAINED = 35 * SAMPLE_RATE
"""Samples; LibriSpeech's longest training utterance lasts 24.5 s."""
MOST_NAMES = 20


@dataclass
class Oddities:
    """What was odd in a split.

    Attributes:
        counts: utterances (for `outside_alphabet_characters`: characters) by kind of oddity.
        named: files left out, by reason.
        kept: odd files that are used, by kind of oddity.
    """

    counts: Counter[str] = field(default_factory=Counter)
    named: dict[str, list[str]] = field(default_factory=dict)
    kept: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, why: str, path: Path, reason: str = "") -> None:
        """Count and list a file that is left out."""
        self.counts[why] += 1
        self.named.setdefault(why, []).append(f"{shown(path)}: {reason}" if reason else shown(path))

    def keep(self, what: str, path: Path, words: str) -> None:
        """Count and list a file that is used as it is."""
        self.counts[what] += 1
        self.kept.setdefault(what, []).append(f"{shown(path)}: {words}")

    def document(self) -> dict[str, Any]:
        """For the record: all counts, and up to `MOST_NAMES` names of each kind."""
        counts = {kind: self.counts[kind] for kind in KINDS}
        return {"counts": counts, "left_out": _capped(self.named), "kept": _capped(self.kept)}


def _capped(named: dict[str, list[str]]) -> dict[str, Any]:
    return {kind: {"total": len(names), "files": names[:MOST_NAMES]} for kind, names in named.items()}


KINDS = (
    "without_transcript", "empty_transcript", "outside_alphabet_utterances", "outside_alphabet_characters",
    "padded", "too_long_to_train", "broken", "unknown_speaker", *UNFIT, *CHANGED,
)  # fmt: skip


def with_text(utterances: Iterable[Utterance], odd: Oddities) -> tuple[Utterance, ...]:
    """Utterances whose transcript has something to recognise; the others are listed as left out of tasks that need text."""
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
    """Number of characters, other than spaces, that `normalise` turns into spaces."""
    return sum(c not in ALPHABET and not c.isspace() for c in text.replace("\u2019", "'").upper())


def short_enough(utterances: Iterable[Utterance], odd: Oddities) -> tuple[Utterance, ...]:
    """Utterances short enough to train on."""
    kept = []
    for utterance in utterances:
        if utterance.samples > LONGEST_TRAINED:
            odd.leave_out("too_long_to_train", utterance.path, f"{utterance.samples / SAMPLE_RATE:.1f} s")
        else:
            kept.append(utterance)
    return tuple(kept)


def readable(
    utterances: Sequence[Utterance], waveforms: Waveforms, odd: Oddities, *, training: bool
) -> tuple[list[Utterance], list[Spoken]]:
    """The utterances that can be decoded, and the same as tasks use them: read once, padded if too short.

    A file with odd audio is left out of `training`; in speech that is rated it is kept, counted and listed.
    """
    kept, spoken = [], []
    with threads(min(8, os.cpu_count() or 1)) as pool:
        found = pool.map(lambda utterance: len(waveforms.samples(utterance)), utterances)
        for utterance, samples in zip(utterances, found, strict=True):
            reason = waveforms.why_left_out(utterance) if training or not samples else ""
            remarks = waveforms.remarks.get(str(utterance.path), {})
            if reason or not samples:
                odd.leave_out(next((kind for kind in UNFIT if kind in remarks), "broken"), utterance.path, reason)
                continue
            for kind, words in remarks.items():
                odd.keep(kind, utterance.path, words)
            odd.counts["padded"] += samples < SHORTEST
            if utterance.speaker is None:
                odd.keep("unknown_speaker", utterance.path, "its speaker is unknown")
            kept.append(utterance)
            spoken.append(_spoken(utterance, samples, waveforms))
    return kept, spoken


def _spoken(utterance: Utterance, samples: int, waveforms: Waveforms) -> Spoken:
    path = utterance.path.resolve()
    status = path.stat()
    return Spoken(
        partial(_padded, waveforms, utterance),
        max(samples, SHORTEST),
        utterance.speaker or "",
        normalise(utterance.text or ""),
        # A replaced file is a different recording.
        f"{shown(path)} ({status.st_size} bytes, {status.st_mtime_ns})",
        utterance.session,
    )


def _padded(waveforms: Waveforms, utterance: Utterance) -> NDArray[np.float32]:
    samples = waveforms.floats(utterance)
    return np.pad(samples, (0, max(0, SHORTEST - len(samples))))
