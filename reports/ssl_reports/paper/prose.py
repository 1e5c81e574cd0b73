"""Sentences about records: each said once, with citations, in LaTeX and as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ssl_reports.tables.grid import grouped
from ssl_reports.tables.latex import escape_latex

NAMED = 4
"""The most records that a sentence names; more are counted."""
CITED = re.compile("⟦([a-z0-9,-]+)⟧")
APOSTROPHE = re.compile(r"(?<=[a-z])\\textquotesingle\{\}(?=s\b)")


def cite(*keys: str) -> str:
    """A citation, to stand behind a word; see `latex_text` and `plain_text`."""
    return f"⟦{','.join(keys)}⟧"


def latex_text(text: str) -> str:
    r"""Running text with a `\cite` for each citation."""
    parts = CITED.split(text)
    return "".join(f"~\\cite{{{part}}}" if number % 2 else _set(part) for number, part in enumerate(parts))


def _set(text: str) -> str:
    """Text as a typesetter has it: apostrophes that are no quotation marks, and the index of CO2."""
    return APOSTROPHE.sub("'", escape_latex(text)).replace("CO2e", "CO\\textsubscript{2}e")


def plain_text(text: str) -> str:
    """The text without citations."""
    return CITED.sub("", text)


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
