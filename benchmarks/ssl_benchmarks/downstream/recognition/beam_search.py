"""CTC prefix beam search over characters, with a word n-gram applied at the ends of words."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssl_benchmarks.downstream.recognition.language_model import END, START, WordNgram

WIDTH = 32  # texts kept after each output
# Never tuned here: the defaults of pyctcdecode 0.5.
ALPHA = 0.5
BETA = 1.5
LEAST = 1e-3  # symbols with a lower probability are not tried at that output
_BLANK = 0


def beam_search(
    log_probabilities: Tensor | NDArray[np.floating],
    alphabet: Sequence[str],
    language_model: WordNgram | None = None,
    *,
    width: int = WIDTH,
    alpha: float = ALPHA,
    beta: float = BETA,
    least: float = LEAST,
) -> str:
    """The text for CTC outputs `(T, symbols)`, where symbol `i + 1` is `alphabet[i]` (one character) and 0 the blank.

    Searches for the text with the highest log P(text | outputs) + alpha log P(words </s>) + beta x words, in natural
    logarithms; without a language model, for the highest P(text | outputs), the sum over all paths that spell the
    text. After each output the best `width` texts are kept (A. Hannun et al. 2014, arXiv:1408.2873; weights as in
    arXiv:1412.5567). The language model scores a word when a space ends it. Until then, the text is kept or dropped by
    the most likely word with the same beginning; otherwise finished words would lose to ever longer ones. A KenLM
    binary, whose words can't be listed, therefore needs a wider beam. Leading and trailing spaces are dropped.

    Raises:
        ValueError: if the outputs do not fit the alphabet, or the width is not positive.
    """
    chances = torch.as_tensor(log_probabilities).detach().double().exp().cpu().numpy()
    if chances.ndim != 2 or chances.shape[1] != len(alphabet) + 1:
        raise ValueError(f"outputs {chances.shape} do not fit an alphabet of {len(alphabet)} and the blank")
    if width < 1:
        raise ValueError(f"the beam width must be at least 1, not {width}")
    if not (chances.max(1, initial=0) > 0).all():
        raise ValueError("outputs contain values that are not probabilities")
    words = _Words(language_model, alpha, beta)
    beam = {"": (1.0, 0.0)}
    for output in chances:
        tried = np.flatnonzero(output >= min(least, output.max()))
        symbols = {alphabet[i - 1] if i != _BLANK else "": float(output[i]) for i in tried.tolist()}
        beam = _grow(beam, symbols)
        rated = [(words.rate(text, *chance), text) for text, chance in beam.items()]
        kept = [text for _, text in heapq.nlargest(width, rated)]
        scale = max(sum(beam[text]) for text in kept)  # only ratios matter; this prevents underflow
        beam = {text: (beam[text][0] / scale, beam[text][1] / scale) for text in kept}
    return max(beam, key=lambda text: (words.rate_ended(text, *beam[text]), text)).strip()


def _grow(beam: dict[str, tuple[float, float]], symbols: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Texts after one more output, each with the probabilities of paths that end in the blank (`""`) and of others."""
    blank: defaultdict[str, float] = defaultdict(float)
    spoken: defaultdict[str, float] = defaultdict(float)
    for text, (was_blank, was_spoken) in beam.items():
        either, last = was_blank + was_spoken, text[-1:]
        for symbol, chance in symbols.items():
            if not symbol:
                blank[text] += either * chance
            elif symbol == last:  # without a blank in between, the same symbol continues
                spoken[text] += was_spoken * chance
                spoken[text + symbol] += was_blank * chance
            else:
                spoken[text + symbol] += either * chance
    both = {text: (blank.get(text, 0.0), chance) for text, chance in spoken.items()}
    both |= {text: (chance, spoken.get(text, 0.0)) for text, chance in blank.items()}
    return {text: chance for text, chance in both.items() if chance != (0.0, 0.0)}


class _Words:
    """The contribution of a text's words to its score; remembered, since the same words occur again and again."""

    def __init__(self, model: WordNgram | None, alpha: float, beta: float) -> None:
        self.model, self.alpha, self.beta = model, alpha, beta
        self.ended, self.begun = cache(self._ended), cache(self._begun)

    def rate(self, text: str, blank: float, spoken: float) -> float:
        """The score with the words that a space has ended, and with what the last one may become."""
        rating = math.log(blank + spoken)
        if self.model is None:
            return rating
        start = text.rfind(" ") + 1
        return rating + self.ended(text[:start])[0] + self.begun(text[start:])

    def rate_ended(self, text: str, blank: float, spoken: float) -> float:
        """The score with all words and the end of the sentence."""
        rating = math.log(blank + spoken)
        if self.model is None:
            return rating
        weight, words = self.ended(text + " ")
        return rating + weight + self.alpha * self.model.score(END, words)

    def _ended(self, text: str) -> tuple[float, tuple[str, ...]]:
        """The weight of the words, and the words; the text is empty or ends with a space."""
        if self.model is None or not text:
            return 0.0, (START,)
        start = text.rfind(" ", 0, -1) + 1
        weight, words = self.ended(text[:start])
        word = text[start:-1]
        if not word:
            return weight, words
        return weight + self.alpha * self.model.score(word, words) + self.beta, (*words, word)

    def _begun(self, start: str) -> float:
        score = self.model.score_begun(start) if self.model is not None and start else None
        return 0.0 if score is None else self.alpha * score + self.beta
