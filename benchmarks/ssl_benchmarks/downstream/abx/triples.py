"""The comparisons of the ABX task: which tokens stand as A, B and X."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MOST_TOKENS = 10
"""Of one phone, context and speaker; as in the ZeroSpeech and Libri-Light evaluation."""

MOST_X_SPEAKERS = 5
"""For one phone, context and speaker of A; as there."""


class Token(NamedTuple):
    """A stretch of an utterance that stands for its phone.

    Attributes:
        utterance: its place among the utterances.
        onset: s.
        offset: s.
        phone: the one in the middle.
        before: the phone before it.
        after: the phone after it.
        speaker: who speaks.
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
        a: tokens; within one speaker the same as `x`, and no token is compared with itself.
        b: for each other phone its tokens.
    """

    phone: str
    speaker: str
    x_speaker: str
    x: NDArray[np.int64]
    a: NDArray[np.int64]
    b: dict[str, NDArray[np.int64]]


Groups = dict[tuple[str, str], dict[str, dict[str, NDArray[np.int64]]]]
"""Context to speaker to phone to tokens."""


def grouped(tokens: Sequence[Token], usable: Sequence[int], draw: np.random.Generator) -> tuple[Groups, int]:
    """Usable tokens by context, speaker and phone, and how many were left out to keep to `MOST_TOKENS` a group."""
    groups: dict[tuple[str, str], dict[str, dict[str, list[int]]]]
    groups = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    # In an order of its own, so that the order of the tokens given changes nothing.
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
    """A, B and X of one speaker."""
    for speakers in groups.values():
        for speaker, phones in speakers.items():
            for phone, tokens in phones.items():
                others = {name: b for name, b in phones.items() if name != phone}
                if others and len(tokens) > 1:
                    yield Comparison(phone, speaker, speaker, tokens, tokens, others)


def across(groups: Groups, draw: np.random.Generator) -> tuple[list[Comparison], int]:
    """A and B of one speaker, X of another; and how many X speakers were left out to keep to `MOST_X_SPEAKERS`."""
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
