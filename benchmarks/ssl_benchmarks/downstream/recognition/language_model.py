"""A word n-gram for decoding: an ARPA file, or a KenLM binary if the kenlm package is installed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ssl_benchmarks.downstream.recognition.arpa import read_arpa
from ssl_models.errors import BadInputError

START, END = "<s>", "</s>"
_KENLM_MAGIC = b"mmap lm http://kheafield.com/code"
WITHOUT_KENLM = "is a KenLM binary, which needs the kenlm package: pip install kenlm (it needs a C++ compiler), or give the ARPA file"


@dataclass(frozen=True)
class WordNgram:
    """P(word | the `order - 1` words before), with back-off.

    Attributes:
        order: 3 for a trigram.
        log10: of a word and its context, as spelled in the file.
        log10_begun: of the most likely word with a given beginning; None if the model's words can't be listed.
        spelling: spelling of a word in the file, whatever its case: recognisers use capitals, files anything.
        holds: whether a word, in this spelling, is in the file.
    """

    order: int
    log10: Callable[[str, tuple[str, ...]], float]
    log10_begun: Callable[[str], float] | None = None
    spelling: Callable[[str], str] = str
    holds: Callable[[str], bool] = bool

    @classmethod
    def load(cls, path: Path) -> WordNgram:
        """Read `.arpa`, `.arpa.gz` or a KenLM binary; the content decides, not the name.

        Raises:
            BadInputError: if it is none of these, or a KenLM binary and the kenlm package is missing.
        """
        if is_kenlm(path):
            return _kenlm(path)
        arpa = read_arpa(path)
        return cls(arpa.order, arpa.log10, arpa.log10_begun, arpa.spelling, arpa.__contains__)

    def score(self, word: str, context: tuple[str, ...]) -> float:
        """Natural logarithm of P(word | context): the words before, oldest first, `<s>` at the start of a sentence.

        An unknown word is scored as the model's `<unk>`, or with log10 -100 if it has none, as in KenLM.
        """
        known = context[max(0, len(context) - self.order + 1) :]
        return math.log(10) * self.log10(self.spelling(word), tuple(map(self.spelling, known)))

    def score_begun(self, start: str) -> float | None:
        """Natural logarithm of P without context of the most likely word with this beginning; None if that is unknown."""
        return None if self.log10_begun is None else math.log(10) * self.log10_begun(start)

    def unknown(self, words: Iterable[str]) -> int:
        """Number of words that the model does not contain, in any case."""
        return sum(not self.holds(self.spelling(word)) for word in words)


def is_kenlm(path: Path) -> bool:
    """Whether the file is a KenLM binary.

    Raises:
        BadInputError: if it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(len(_KENLM_MAGIC)) == _KENLM_MAGIC
    except OSError as error:
        raise BadInputError(f"the language model {path} can't be read: {error.strerror}") from error


def _kenlm(path: Path) -> WordNgram:
    try:
        import kenlm
    except ImportError as error:
        raise BadInputError(f"{path} {WITHOUT_KENLM}") from error
    try:
        model = kenlm.Model(str(path))
    except OSError as error:
        raise BadInputError(f"{path} can't be read by kenlm: {' '.join(str(error).split())}") from error

    def log10(word: str, context: tuple[str, ...]) -> float:
        state, following = kenlm.State(), kenlm.State()
        (model.BeginSentenceWrite if context[:1] == (START,) else model.NullContextWrite)(state)
        for before in context[context[:1] == (START,) :]:
            model.BaseScore(state, before, following)
            state, following = following, state
        return float(model.BaseScore(state, word, following))

    @cache
    def spelling(word: str) -> str:
        """One of the three usual spellings, since a binary does not list its words."""
        known = [each for each in (word, word.lower(), word.capitalize()) if each in model]
        return max(known, key=lambda each: log10(each, ()), default=word)

    return WordNgram(model.order, log10, spelling=spelling, holds=model.__contains__)
