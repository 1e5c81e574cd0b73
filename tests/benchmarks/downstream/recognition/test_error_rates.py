"""The counts of jiwer that error rates are made of, against a slow recursive edit distance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.downstream.recognition.phones import PHONES
from ssl_benchmarks.downstream.recognition.symbols import normalise


def edits(said: Sequence[str], heard: Sequence[str]) -> int:
    """Levenshtein's definition, as it stands."""

    @cache
    def between(i: int, j: int) -> int:
        if i == 0 or j == 0:
            return i + j
        swap = between(i - 1, j - 1) + (said[i - 1] != heard[j - 1])
        return min(swap, between(i - 1, j) + 1, between(i, j - 1) + 1)

    return between(len(said), len(heard))


def counts(output: jiwer.WordOutput | jiwer.CharacterOutput) -> tuple[int, int]:
    """Errors and length of what was said, as the tasks add them up."""
    errors = output.substitutions + output.deletions + output.insertions
    return errors, output.hits + output.substitutions + output.deletions


TEXTS = st.lists(st.text("ABC'", min_size=1, max_size=4), min_size=1, max_size=6).map(" ".join).map(normalise)
SAID = TEXTS.filter(bool)
HEARD = st.one_of(TEXTS, st.just(""))
SOUNDS = st.lists(st.sampled_from(PHONES[:6]), max_size=10)


def test_the_oracle_by_hand() -> None:
    assert edits("KITTEN", "SITTING") == 3
    assert edits("", "ABC") == edits("ABC", "") == 3


@given(SAID, HEARD)
def test_character_errors(said: str, heard: str) -> None:
    assert counts(jiwer.process_characters(said, heard)) == (edits(said, heard), len(said))


@given(SAID, HEARD)
def test_word_errors(said: str, heard: str) -> None:
    assert counts(jiwer.process_words(said, heard)) == (edits(said.split(), heard.split()), len(said.split()))


@given(SOUNDS.filter(bool), SOUNDS)
def test_phone_errors(said: list[str], heard: list[str]) -> None:
    assert counts(jiwer.process_words(" ".join(said), " ".join(heard))) == (edits(said, heard), len(said))


@given(st.lists(st.tuples(SAID, HEARD), min_size=1, max_size=5))
def test_pooled_counts_are_the_rates_of_the_whole(pairs: list[tuple[str, str]]) -> None:
    said, heard = (list(side) for side in zip(*pairs, strict=True))
    each = [counts(jiwer.process_words(s, h)) for s, h in pairs]
    assert sum(e for e, _ in each) / sum(n for _, n in each) == pytest.approx(jiwer.wer(said, heard))


def test_errors_by_hand() -> None:
    assert counts(jiwer.process_words("THE CAT SAT", "THE SAT ON")) == (2, 3)
    assert counts(jiwer.process_characters("CAT", "CART")) == (1, 3)
    assert counts(jiwer.process_words("K AE T", "K AH T S")) == (2, 3)
