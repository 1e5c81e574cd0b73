"""What a recogniser spells with: how text is normalised, numbered, and read from a path through the outputs."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.downstream.recognition.phones import PHONES
from ssl_benchmarks.downstream.recognition.symbols import ALPHABET, BLANK, CHARACTERS, Symbols, normalise


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Hello,  World!", "HELLO WORLD"),
        ("don't stop", "DON'T STOP"),
        ("don\u2019t", "DON'T"),
        ("\tA\nB ", "A B"),
        ("42 is 6x7", "IS X"),
        ("mother-in-law", "MOTHER IN LAW"),
        ("stra\u00dfe", "STRASSE"),
        ("", ""),
        ("...", ""),
    ],
)
def test_text_by_hand(text: str, kept: str) -> None:
    assert normalise(text) == kept


@given(st.text())
def test_normal_text_is_of_the_alphabet_and_stays_as_it_is(text: str) -> None:
    normal = normalise(text)
    assert set(normal) <= set(ALPHABET)
    assert "  " not in normal
    assert normal == normal.strip() == normalise(normal)
    assert CHARACTERS.encode(normal).tolist() == [" 'ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(c) + 1 for c in normal]


def path_of(text: str) -> list[int]:
    """A path written with "-" for the blank."""
    return [BLANK if c == "-" else ALPHABET.index(c) + 1 for c in text]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("", ""),
        ("---", ""),
        ("AAB", "AB"),
        ("A-A", "AA"),
        ("-AA--B  C-", "AB C"),
        ("HHEE-L-LLOO", "HELLO"),
        (" A ", " A "),
    ],
)
def test_greedy_decoding_by_hand(path: str, text: str) -> None:
    assert "".join(CHARACTERS.merged(path_of(path))) == text


@given(st.lists(st.integers(0, len(ALPHABET)), max_size=30))
def test_greedy_decoding_merges_then_drops(path: list[int]) -> None:
    """The rule of Graves et al. as itertools writes it."""
    kept = [symbol for symbol, _ in itertools.groupby(path) if symbol != BLANK]
    assert CHARACTERS.merged(path) == [ALPHABET[symbol - 1] for symbol in kept]


@given(st.lists(st.sampled_from(PHONES), max_size=12))
def test_what_is_spelled_is_read_back(phones: list[str]) -> None:
    """With a blank after each symbol, whatever their names are."""
    symbols = Symbols(PHONES)
    path = [number for symbol in symbols.encode(phones).tolist() for number in (symbol, BLANK)]
    assert symbols.merged(path) == phones
    assert BLANK not in symbols.encode(phones).tolist()


def test_a_symbol_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        CHARACTERS.encode("a")
