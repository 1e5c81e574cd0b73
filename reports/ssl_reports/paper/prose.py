"""Sentences about records: each said once, with citations, in LaTeX and as plain text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ssl_benchmarks.record.record import Record
from ssl_reports.tables import citations
from ssl_reports.tables.grid import grouped
from ssl_reports.tables.latex import typeset

KINDS = {"training": "pretraining", "meter": "metered command", "import": "imported run"}
"""What a text calls a record of these kinds; others are called by their kind."""
NAMED = 4
"""The most records that a sentence names; more are counted."""
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
cite = citations.cite


def latex_text(text: str) -> str:
    r"""Running text with a `\cite` for each citation."""
    return typeset(text)


def plain_text(text: str) -> str:
    """The text without citations."""
    return citations.uncited(text)


def said_once(said: Sequence[tuple[str, Sequence[str]]]) -> str:
    """The sentences of each record, by its name, each once: first those of all records, then the others after the names of theirs."""
    found = grouped((sentence, name) for name, sentences in said for sentence in dict.fromkeys(sentences))
    groups: dict[tuple[str, ...], list[str]] = {}
    for sentence, names in found.items():
        groups.setdefault(tuple(names), []).append(sentence)
    shared = [" ".join(sentences) for names, sentences in groups.items() if len(names) == len(said)]
    others = [
        f"In {named(names)}, {_inside(' '.join(each))}" for names, each in groups.items() if len(names) < len(said)
    ]
    return " ".join([*shared, *others])


def record_names(records: Sequence[Record], labels: Sequence[str]) -> list[str]:
    """What a text calls each record: "the comparison" where it is the only one of its kind, else "the comparison NAME"."""
    kinds = Counter(record.kind for record in records)
    words = [f"the {KINDS.get(record.kind, record.kind)}" for record in records]
    return [
        word if kinds[record.kind] == 1 else f"{word} {label}"
        for record, word, label in zip(records, words, labels, strict=True)
    ]


def _inside(sentence: str) -> str:
    """A sentence that goes on after an opening: its first letter is small unless its first word is an abbreviation."""
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() or sentence[1:2] == " " else sentence


def named(labels: Sequence[str]) -> str:
    """A few records by name, many by how many there are."""
    return enumeration(labels) if len(labels) <= NAMED else f"{len(labels):,} records"


def enumeration(words: Iterable[str]) -> str:
    """Such as "a", "a and b" or "a, b and c"."""
    *others, last = [*words] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def counted(number: int) -> str:
    """A number as text: in words up to ten."""
    return NUMBERS[number] if number < len(NUMBERS) else f"{number:,}"
