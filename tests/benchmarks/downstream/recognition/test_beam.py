"""The prefix beam search against all paths and all texts of outputs small enough to write them out."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ssl_benchmarks.downstream.recognition.beam_search import beam_search
from ssl_benchmarks.downstream.recognition.language_model import WordNgram
from ssl_benchmarks.downstream.recognition.symbols import ALPHABET, CHARACTERS

TINY = "AB "


def outputs(seed: int, steps: int, symbols: int = len(TINY) + 1, sharpness: float = 1.0) -> NDArray[np.float64]:
    scores = sharpness * np.random.default_rng(seed).standard_normal((steps, symbols))
    return np.asarray(scores - np.log(np.exp(scores).sum(1, keepdims=True)))


def all_texts(log_probabilities: NDArray[np.float64]) -> dict[str, float]:
    """P(text) of every text, summed over every path of symbols."""
    chances = np.exp(log_probabilities)
    found: dict[str, float] = defaultdict(float)
    for path in itertools.product(range(chances.shape[1]), repeat=len(chances)):
        text = "".join(TINY[s - 1] for s, _ in itertools.groupby(path) if s)
        found[text] += math.prod(chances[t, s] for t, s in enumerate(path))
    assert sum(found.values()) == pytest.approx(1)
    return found


def best(rated: dict[str, float]) -> set[str]:
    """The texts that no other beats by more than rounding."""
    most = max(rated.values())
    return {text.strip() for text, rating in rated.items() if rating > most - 1e-9}


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 5), st.sampled_from([0.5, 1.0, 3.0]))
def test_without_a_language_model_the_most_likely_text_is_found(seed: int, steps: int, sharpness: float) -> None:
    drawn = outputs(seed, steps, sharpness=sharpness)
    expected = best({text: math.log(p) for text, p in all_texts(drawn).items()})
    assert beam_search(drawn, TINY, width=2000, least=0) in expected


def bigram(seed: int) -> WordNgram:
    """Some number for each pair of words; the oracle below reads the same numbers by itself."""

    def log10(word: str, context: tuple[str, ...]) -> float:
        return -3 * float(np.random.default_rng([seed, *f"{context}{word}".encode()]).random())

    return WordNgram(2, log10, lambda start: log10(start, ()))  # what begins decides nothing in a beam that holds all


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(0, 5), st.sampled_from([(0.5, 1.5), (2.0, -1.0), (1.0, 0.0)]))
def test_with_a_language_model_the_best_rated_text_is_found(
    seed: int, steps: int, weights: tuple[float, float]
) -> None:
    """Every text of the outputs, rated word by word: P(text) and alpha log P(words, end) + beta for each word."""
    alpha, beta = weights
    drawn, model = outputs(seed, steps), bigram(seed)
    rated = {}
    for text, chance in all_texts(drawn).items():
        words = ["<s>", *text.split(), "</s>"]
        spoken = sum(model.log10(b, (a,)) for a, b in itertools.pairwise(words)) * math.log(10)
        rated[text] = math.log(chance) + alpha * spoken + beta * (len(words) - 2)
    assert beam_search(drawn, TINY, model, width=2000, alpha=alpha, beta=beta, least=0) in best(rated)


def test_the_sum_over_paths_by_hand() -> None:
    """Blank 0.6 and A 0.4, twice: the best path is silent (0.36), but A has three paths (0.64). A beam of one misses it."""
    drawn = np.log([[0.6, 0.4], [0.6, 0.4]])
    assert beam_search(drawn, "A") == "A"
    assert beam_search(drawn, "A", width=1) == ""


def test_two_of_a_kind_need_a_blank_by_hand() -> None:
    """A, blank, A: both spell AA; without the blank only A."""
    assert beam_search(np.log([[0.1, 0.9], [0.9, 0.1], [0.1, 0.9]]), "A") == "AA"
    assert beam_search(np.log([[0.1, 0.9], [0.1, 0.9], [0.1, 0.9]]), "A") == "A"


def test_a_language_model_turns_a_word_by_hand() -> None:
    """A B or A A, at 0.6 to 0.4: the model's 10 to 1 for A after A weighs more, unless alpha makes it light."""
    sure = [[0.01, 0.97, 0.01, 0.01], [0.01, 0.01, 0.01, 0.97]]
    drawn = np.log([*sure, [0.01, 0.39, 0.59, 0.01]])
    model = WordNgram(2, lambda word, context: -1.0 if (context, word) == (("A",), "B") else 0.0)
    assert beam_search(drawn, TINY) == "A B"
    assert beam_search(drawn, TINY, model, alpha=0.5) == "A A"
    assert beam_search(drawn, TINY, model, alpha=0.1) == "A B"


def test_unended_words_do_not_crowd_out_ended_ones() -> None:
    """A likely text of three words, of which a narrow beam keeps none unless words begun weigh as what they may become."""
    drawn = np.log(np.tile([[0.01, 0.97, 0.01, 0.01], [0.01, 0.01, 0.54, 0.44]], (3, 1)))
    scores = {"A": -1.0, "</s>": 0.0}
    plain = WordNgram(1, lambda word, _: scores.get(word, -4.0))
    ahead = WordNgram(1, plain.log10, lambda start: scores.get(start, -4.0))
    weights = {"alpha": 1.0, "beta": 0.0}
    whole = beam_search(drawn, TINY, plain, width=4000, **weights)
    assert whole == "A A A"
    assert beam_search(drawn, TINY, ahead, width=3, **weights) == whole
    assert beam_search(drawn, TINY, plain, width=3, **weights) != whole


def test_the_end_of_the_sentence_and_the_count_of_words_weigh_by_hand() -> None:
    """AB or A B at 0.5 each, decided by beta or by what may stand before the end."""
    drawn = np.log([[0.01, 0.97, 0.01, 0.01], [0.49, 0.01, 0.01, 0.49], [0.01, 0.01, 0.97, 0.01]])
    even = WordNgram(2, lambda *_: 0.0)
    assert beam_search(drawn, TINY, even, beta=1.0) == "A B"
    assert beam_search(drawn, TINY, even, beta=-1.0) == "AB"
    ends = WordNgram(2, lambda word, context: -2.0 if word == "</s>" and context == ("B",) else 0.0)
    assert beam_search(drawn, TINY, ends, beta=1.0) == "AB"


@given(st.lists(st.integers(0, len(ALPHABET)), max_size=30), st.sampled_from([1, 4, 32]))
def test_sure_outputs_are_decoded_as_the_best_path(path: list[int], width: int) -> None:
    drawn = np.full((len(path), len(ALPHABET) + 1), -20.0)
    drawn[np.arange(len(path)), path] = 0.0
    assert beam_search(drawn, ALPHABET, width=width) == "".join(CHARACTERS.merged(path)).strip()


def test_hundreds_of_outputs_neither_vanish_nor_depend_on_the_container() -> None:
    """The probability of any text of 300 flat outputs is below what a double holds."""
    model = WordNgram(2, lambda *_: -1.0, lambda _: -1.0)
    drawn = outputs(0, 300, len(ALPHABET) + 1)
    text = beam_search(drawn, ALPHABET, model, width=8)
    assert len(text) > 20
    tensor = torch.from_numpy(drawn).requires_grad_()
    assert beam_search(tensor, ALPHABET, model, width=8) == text


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_symbols_hardly_heard_do_not_change_sharp_outputs(seed: int) -> None:
    """Nothing below a thousandth is tried; where each output has one symbol far above, the text stays."""
    drawn = outputs(seed, 12, len(ALPHABET) + 1)
    drawn[np.arange(12), np.random.default_rng(seed).integers(0, len(ALPHABET) + 1, 12)] += 12
    drawn -= np.log(np.exp(drawn).sum(1, keepdims=True))
    assert beam_search(drawn, ALPHABET) == beam_search(drawn, ALPHABET, least=0)


@pytest.mark.parametrize(
    ("drawn", "says"),
    [
        (np.zeros((3, 5)), "alphabet of 3"),
        (np.zeros(4), "alphabet of 3"),
        (np.full((2, 4), np.nan), "not probabilities"),
        (np.full((2, 4), -np.inf), "not probabilities"),
    ],
)
def test_outputs_that_are_none_are_refused(drawn: NDArray[np.float64], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        beam_search(drawn, TINY)


def test_a_beam_without_width_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        beam_search(np.zeros((0, 4)), TINY, width=0)
