"""What an error rate was learned from and evaluated on, in words, as far as its row and its note say."""

from __future__ import annotations

import re

from ssl_benchmarks.record.record import Measurement

TAKEN = re.compile(r"([\d.]+ (?:h|min)) of labels")
SPEAKERS = re.compile(r"(\d+) unseen speakers")
OF_TEXT = frozenset({"pr", "asr", "asr-finetune"})
"""Tasks whose rates are over utterances."""


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
