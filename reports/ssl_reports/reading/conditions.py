"""Conditions of a number in words: the device and the batch of a step; what an error rate was learned from and evaluated on."""

from __future__ import annotations

import re

from ssl_benchmarks.record.record import Conditions, Measurement

TAKEN = re.compile(r"([\d.]+ (?:h|min)) of labels")
SPEAKERS = re.compile(r"(\d+) unseen speakers")
OF_TEXT = frozenset({"pr", "asr", "asr-finetune"})
"""Tasks whose rates are over utterances."""


def device_words(c: Conditions) -> str:
    """The device; a processor with its cores, which records name "PROCESSOR x CORES"."""
    return re.sub(r" x (\d+)$", r", \1 cores", c.device or "")


def batch_words(c: Conditions) -> str:
    """The clips of a batch: "one 5 s clip per batch", "16 clips of 15 s per batch"."""
    if not c.clip_seconds or not c.batch_seconds:
        return f"clips of {c.clip_seconds:g} s" if c.clip_seconds else ""
    clips = c.batch_seconds / c.clip_seconds
    if abs(clips - 1) < 1e-3:
        return f"one {c.clip_seconds:g} s clip per batch"
    return f"{clips:.3g} clips of {c.clip_seconds:g} s per batch"


def step_words(c: Conditions) -> list[str]:
    """Device, precision, compilation and batch, those that are recorded."""
    return [part for part in (device_words(c), c.dtype or "", "compiled" * bool(c.compile), batch_words(c)) if part]


def where(c: Conditions) -> str:
    """Device, precision and batch in one line."""
    return ", ".join(step_words(c)) or "device not recorded"


def learned_from(row: Measurement) -> str:
    """The labelled speech that the head was trained on, such as "0.57 h of labels (the part of 1 h whose words are in the dictionary)"."""
    asked = spaced(row.conditions.labels or "")
    found = TAKEN.search(row.quantity.note)
    taken = found[1] if found else asked
    if not taken:
        return ""
    less = found and asked.endswith((" h", " min")) and hours(taken) < 0.99 * hours(asked)
    why = "whose words are in the dictionary" if row.conditions.task == "pr" else "that could be used"
    return f"{taken} of labels" + (f" (the part of {asked} {why})" if less else "")


def evaluated_on(row: Measurement) -> str:
    """The test speech, such as "623 utterances of 12 speakers of dev-clean"."""
    name, n = row.conditions.tested_on or "", row.quantity.n
    speakers = SPEAKERS.search(row.quantity.note)
    if not name or n is None or speakers is None or row.conditions.task not in OF_TEXT or " utterances" in name:
        return name
    return f"{n:,} utterances of {speakers[1]} speakers of {name}"


def spaced(labels: str) -> str:
    """An amount of labels with its unit apart: "1 h"."""
    return re.sub(r"(?<=\d)(?=(?:h|min)\b)", " ", labels)


def hours(text: str) -> float:
    """The hours of "0.57 h" or "34 min"."""
    number, unit = text.split()
    return float(number) / (60 if unit == "min" else 1)
