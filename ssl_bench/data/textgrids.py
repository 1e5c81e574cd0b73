"""The phones of a TextGrid and their times."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ssl_benchmarks.files.text_files import text_of

SILENCES = frozenset({"", "sil", "<sil>", "sp", "spn", "<eps>", "nsn", "pau", "<unk>"})
STRESSED = re.compile(r"^([A-Z]{2})[012]$")  # only ARPAbet's vowels: a digit elsewhere may be a tone
OF_PHONES = re.compile(r"(^|- )(phones?|phonemes?|phn|mau)$", re.IGNORECASE)
"""Names of phone tiers: the Montreal Forced Aligner puts the speaker first, WebMAUS uses MAU. Others may hold words."""
SAME_TIME = 0.0015  # s; aligners write times to a millisecond or better


class Phone(NamedTuple):
    """A phone or a silence, with its times in seconds."""

    onset: float
    offset: float
    label: str


def phones_of_textgrid(file: Path) -> list[Phone]:
    """Phones and silences in order of time, from a long or short TextGrid in UTF-8 or UTF-16.

    Raises:
        ValueError: where it is broken, truncated, or has no tier of phones.
    """
    from praatio.utilities import errors, textgrid_io

    text = text_of(file.read_bytes())
    try:
        # The parser loses the last interval where no newline follows it.
        tiers = textgrid_io.parseTextgridStr(text + "\n", includeEmptyIntervals=True)["tiers"]
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, errors.PraatioException):
        raise ValueError("not a readable TextGrid") from None
    intervals = [tier for tier in tiers if tier["class"] == "IntervalTier"]
    named = [tier for tier in intervals if OF_PHONES.search(tier["name"].strip())]
    if len(named) != 1:
        names = ", ".join(tier["name"] or "unnamed" for tier in intervals) or "none"
        raise ValueError(f"needs exactly one interval tier named phones (interval tiers: {names})")
    (tier,) = named
    phones = [Phone(*times(onset, offset), plain(label)) for onset, offset, label in tier["entries"]]
    if any(late.onset < early.offset - SAME_TIME for early, late in itertools.pairwise(phones)):
        raise ValueError("its phones overlap or are out of order")
    if not phones or phones[-1].offset < float(tier["xmax"]) - SAME_TIME:
        raise ValueError("truncated: its last interval ends before its tier does")
    return phones


def times(onset: str, offset: str) -> tuple[float, float]:
    """Onset and offset in seconds.

    Raises:
        ValueError: where they are not an interval.
    """
    begin, end = float(onset), float(offset)
    if not 0 <= begin < end < math.inf:
        raise ValueError(f"{onset} s to {offset} s is not an interval")
    return begin, end


def plain(label: str) -> str:
    """A label without its stress mark."""
    return STRESSED.sub(r"\1", label.strip())


def is_silence(label: str) -> bool:
    """Whether a label stands for silence."""
    return label.lower() in SILENCES


def triphones(phones: Sequence[Phone]) -> Iterator[tuple[Phone | None, Phone, Phone | None]]:
    """Each phone with the phones next to it, None where there is none."""
    for i, phone in enumerate(phones):
        if is_silence(phone.label):
            continue
        before = phones[i - 1] if i else None
        after = phones[i + 1] if i + 1 < len(phones) else None
        if before and (is_silence(before.label) or phone.onset - before.offset > SAME_TIME):
            before = None
        if after and (is_silence(after.label) or after.onset - phone.offset > SAME_TIME):
            after = None
        yield before, phone, after
