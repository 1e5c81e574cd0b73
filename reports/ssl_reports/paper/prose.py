"""Sentences about records: each said once, with citations, in LaTeX and as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ssl_reports.tables import citations
from ssl_reports.tables.grid import grouped
from ssl_reports.tables.latex import typeset

NAMED = 4
"""The most records that a sentence names; more are counted."""
cite = citations.cite


def latex_text(text: str) -> str:
    r"""Running text with a `\cite` for each citation."""
    return typeset(text)


def plain_text(text: str) -> str:
    """The text without citations."""
    return citations.uncited(text)


def said_once(said: Sequence[tuple[str, Sequence[str]]]) -> str:
    """The sentences of each record, by its name, each once: first those of all records, then the others after the names of theirs."""
    found = grouped((sentence, label) for label, sentences in said for sentence in dict.fromkeys(sentences))
    groups: dict[tuple[str, ...], list[str]] = {}
    for sentence, labels in found.items():
        groups.setdefault(tuple(labels), []).append(sentence)
    shared = [" ".join(sentences) for labels, sentences in groups.items() if len(labels) == len(said)]
    others = [f"{_of(labels)}: {' '.join(each)}" for labels, each in groups.items() if len(labels) < len(said)]
    return " ".join([*shared, *others])


def _of(labels: Sequence[str]) -> str:
    if len(labels) > NAMED:
        return named(labels)
    return f"Record{'s' if len(labels) > 1 else ''} {enumeration(labels)}"


def named(labels: Sequence[str]) -> str:
    """A few records by name, many by how many there are."""
    return enumeration(labels) if len(labels) <= NAMED else f"{len(labels):,} records"


def enumeration(words: Iterable[str]) -> str:
    """Such as "a", "a and b" or "a, b and c"."""
    *others, last = [*words] or [""]
    return f"{', '.join(others)} and {last}" if others else last


def capital(text: str) -> str:
    """The text with a capital letter."""
    return text[:1].upper() + text[1:]
