"""The comparisons of the ABX task: which tokens are used as A, B and X."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_TOKENS = 10
"""Most tokens of one phone, context and speaker, as in the ZeroSpeech and Libri-Light evaluations."""

MOST_X_SPEAKERS = 5
"""Most speakers of X for one phone, context and speaker of A, as there."""


class Token(NamedTuple):
    """A stretch of an utterance that represents a phone.

    Attributes:
        utterance: its index among the utterances.
        onset: in s.
        offset: in s.
        phone: the one in the middle.
        before: the phone before it.
        after: the phone after it.
        speaker: the speaker.
    """

    utterance: int
    onset: float
    offset: float
    phone: str
    before: str
    after: str
    speaker: str


@dataclass(frozen=True)
class Comparison:
    """All triples of one A against every B of its context.

    Attributes:
        phone: of A and X.
        speaker: of A and B.
        x_speaker: of X.
        x: tokens.
        a: tokens; the same as `x` within one speaker, where no token is compared with itself.
        b: tokens of each other phone.
    """

    phone: str
    speaker: str
    x_speaker: str
    x: NDArray[np.int64]
    a: NDArray[np.int64]
    b: dict[str, NDArray[np.int64]]


Groups = dict[tuple[str, str], dict[str, dict[str, NDArray[np.int64]]]]
"""Tokens by phone, by speaker, by context."""


def grouped(tokens: Sequence[Token], usable: Sequence[int], draw: np.random.Generator) -> tuple[Groups, int]:
    """Usable tokens by context, speaker and phone, and the number left out to keep at most `MOST_TOKENS` per group."""
    groups: dict[tuple[str, str], dict[str, dict[str, list[int]]]]
    groups = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    # In a fixed order, so that the order of the given tokens does not matter.
    for i in sorted(usable, key=lambda i: (tokens[i][4:], tokens[i].phone, tokens[i][:3])):
        groups[tokens[i].before, tokens[i].after][tokens[i].speaker][tokens[i].phone].append(i)
    left_out = 0
    kept: Groups = {}
    for context, speakers in groups.items():
        kept[context] = {}
        for speaker, phones in speakers.items():
            kept[context][speaker] = {}
            for phone, all_ in phones.items():
                chosen = np.array(all_, np.int64)
                if len(all_) > MOST_TOKENS:
                    chosen = chosen[np.sort(draw.choice(len(all_), MOST_TOKENS, replace=False))]
                    left_out += len(all_) - MOST_TOKENS
                kept[context][speaker][phone] = chosen
    return kept, left_out


def within(groups: Groups) -> Iterator[Comparison]:
    """Comparisons with A, B and X from one speaker."""
    for speakers in groups.values():
        for speaker, phones in speakers.items():
            for phone, tokens in phones.items():
                others = {name: b for name, b in phones.items() if name != phone}
                if others and len(tokens) > 1:
                    yield Comparison(phone, speaker, speaker, tokens, tokens, others)


def across(groups: Groups, draw: np.random.Generator) -> tuple[list[Comparison], int]:
    """Comparisons with A and B from one speaker and X from another; and how many X speakers exceed `MOST_X_SPEAKERS`."""
    comparisons: list[Comparison] = []
    left_out = 0
    for speakers in groups.values():
        for speaker, phones in speakers.items():
            if len(phones) < 2:
                continue
            for phone, tokens in phones.items():
                others = {name: b for name, b in phones.items() if name != phone}
                x_speakers = [name for name, said in speakers.items() if name != speaker and phone in said]
                if len(x_speakers) > MOST_X_SPEAKERS:
                    left_out += len(x_speakers) - MOST_X_SPEAKERS
                    x_speakers = draw.choice(x_speakers, MOST_X_SPEAKERS, replace=False).tolist()
                comparisons += [Comparison(phone, speaker, x, speakers[x][phone], tokens, others) for x in x_speakers]
    return comparisons, left_out
