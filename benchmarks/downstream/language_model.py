"""A word n-gram that helps decoding: an ARPA file, or a KenLM binary where the kenlm package is installed."""

from __future__ import annotations

import math
import string
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.downstream.arpa import read_arpa
from models.errors import BadInputError

START, END = "<s>", "</s>"
_KENLM_MAGIC = b"mmap lm http://kheafield.com/code"
_WITHOUT_KENLM = "is a KenLM binary, which the kenlm package reads: pip install kenlm (it needs a C++ compiler), or give the ARPA file"


@dataclass(frozen=True)
class WordNgram:
    """P(word | the `order - 1` words before), with back-off.

    Attributes:
        order: 3 for a trigram.
        log10: of a word and its context, as the file says it.
        log10_begun: of the likeliest word that begins so; None where the words of the model can't be listed.
        lower: whether the file spells in lower case, so that upper-case words are lowered before they are looked up.
    """

    order: int
    log10: Callable[[str, tuple[str, ...]], float]
    log10_begun: Callable[[str], float] | None = None
    lower: bool = False

    @classmethod
    def load(cls, path: Path) -> WordNgram:
        """Read `.arpa`, `.arpa.gz` or a KenLM binary; the content decides, not the name.

        Raises:
            BadInputError: where it is none of these, or a KenLM binary without the kenlm package.
        """
        try:
            with path.open("rb") as stream:
                binary = stream.read(len(_KENLM_MAGIC)) == _KENLM_MAGIC
        except OSError as error:
            raise BadInputError(f"the language model {path} can't be read: {error.strerror}") from error
        if binary:
            return _kenlm(path)
        arpa = read_arpa(path)
        return cls(arpa.order, arpa.log10, arpa.log10_begun, _in_lower_case(arpa.__contains__))

    def score(self, word: str, context: tuple[str, ...]) -> float:
        """Natural logarithm of P(word | context): words before, oldest first, `<s>` at the start of a sentence.

        A word that the model does not know is scored as its `<unk>`; where it has none, at log10 -100 as KenLM does.
        """
        known = context[max(0, len(context) - self.order + 1) :]
        return math.log(10) * self.log10(self._spelled(word), tuple(map(self._spelled, known)))

    def score_begun(self, start: str) -> float | None:
        """Natural logarithm of P of the likeliest word that begins so, without a context; None where that is not known."""
        return None if self.log10_begun is None else math.log(10) * self.log10_begun(self._spelled(start))

    def _spelled(self, word: str) -> str:
        return word.lower() if self.lower else word


def _in_lower_case(known: Callable[[str], bool]) -> bool:
    """English models hold at least A and I as words; in which case they stand tells how all are spelled."""
    return not any(map(known, string.ascii_uppercase)) and any(map(known, string.ascii_lowercase))


def _kenlm(path: Path) -> WordNgram:
    try:
        import kenlm
    except ImportError as error:
        raise BadInputError(f"{path} {_WITHOUT_KENLM}") from error
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

    return WordNgram(model.order, log10, lower=_in_lower_case(model.__contains__))
