"""ARPA files: a back-off word n-gram as text, plain or gzipped."""

from __future__ import annotations

import gzip
import math
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ssl_benchmarks.files.text_files import encoding_of
from ssl_models.errors import BadInputError

MOST_NGRAMS = 10_000_000  # about 2.5 GB of memory
UNSEEN = -100.0  # log10 probability of an unknown word if the file has no <unk>, as in KenLM
_LONGEST_START = 32  # characters used to look up an unfinished word
_LONGEST_LINE = 100_000  # characters
_LONGEST_PREAMBLE = 1_000  # lines before \data\
_BLANK = " \t\r\n"  # between words; a non-breaking space is part of a word, as in KenLM
_BETWEEN = re.compile(f"[{_BLANK}]+")
_COUNT = re.compile(r"ngram\s+(\d{1,3})\s*=\s*(\d{1,18})")


@dataclass(frozen=True)
class Arpa:
    """Log10 probabilities and back-off weights, each by its words joined with spaces."""

    order: int
    probabilities: dict[str, float]
    backoffs: dict[str, float]

    def __contains__(self, word: str) -> bool:
        return word in self.probabilities

    def log10(self, word: str, context: tuple[str, ...]) -> float:
        """Log10 P(word | context), with at most `order - 1` context words, oldest first.

        The longest n-gram in the file is used, with the back-off weight of each dropped context (S. Katz 1987).
        """
        weight = 0.0
        word, *context_known = (w if w in self.probabilities else "<unk>" for w in (word, *context))
        for start in range(len(context_known) + 1):
            history = context_known[start:]
            found = self.probabilities.get(" ".join((*history, word)))
            if found is not None:
                return weight + found
            weight += self.backoffs.get(" ".join(history), 0.0)
        return weight + UNSEEN

    def spelling(self, word: str) -> str:
        """The most likely of the spellings in the file that differ only in case; the word itself if there is none."""
        return self._spellings.get(word.upper(), word)

    def log10_begun(self, start: str) -> float:
        """Log10 P without context of the most likely word with this beginning, in any case; that of `<unk>` if none."""
        return self._begun.get(start[:_LONGEST_START].upper(), self.probabilities.get("<unk>", UNSEEN))

    @cached_property
    def _spellings(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for word, probability in self.probabilities.items():
            key = word.upper()
            if " " not in word and probability > self.probabilities.get(found.get(key, ""), -math.inf):
                found[key] = word
        return found

    @cached_property
    def _begun(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for word, spelling in self._spellings.items():
            probability = self.probabilities[spelling]
            for start in (word[:i] for i in range(1, min(len(word), _LONGEST_START) + 1)):
                found[start] = max(probability, found.get(start, probability))
        return found


def read_arpa(path: Path) -> Arpa:
    """Read an ARPA file of any order.

    Raises:
        BadInputError: if the file can't be read, is not an ARPA file, contradicts itself or is too large for this
            reader.
    """
    try:
        with path.open("rb") as opened:
            opener = gzip.open if opened.read(2) == b"\x1f\x8b" else open
        with opener(path, "rb") as opened:
            encoding = encoding_of(opened.read(4))
        with opener(path, "rt", encoding=encoding) as stream:
            return _Reader(path, iter(lambda: stream.readline(_LONGEST_LINE), "")).arpa()
    except (OSError, EOFError, zlib.error) as error:
        raise BadInputError(f"{path} can't be read as an ARPA language model: {error}") from error
    except UnicodeDecodeError as error:
        raise BadInputError(
            f"{path} is not an ARPA language model: it contains bytes that are neither UTF-8 nor UTF-16 text"
        ) from error


class _Reader:
    """One pass over the lines of a file; every error names the line."""

    def __init__(self, path: Path, lines: Iterator[str]) -> None:
        self.path, self.lines, self.number = path, lines, 0
        self.probabilities: dict[str, float] = {}
        self.backoffs: dict[str, float] = {}

    def arpa(self) -> Arpa:
        counts = self._counts()
        for order, count in enumerate(counts, 1):
            self._section(order, count, last=order == len(counts))
        if self._next() != "\\end\\":
            raise self._wrong("where \\end\\ was expected")
        return Arpa(len(counts), self.probabilities, self.backoffs)

    def _counts(self) -> list[int]:
        """The number of n-grams of each order that the file's header announces."""
        while self._next() != "\\data\\":
            if self.number > _LONGEST_PREAMBLE:
                raise self._wrong("but \\data\\, with which an ARPA file begins, has not occurred")
        counts: list[int] = []
        while (line := self._next()).startswith("ngram"):
            found = _COUNT.fullmatch(line)
            if not found or int(found[1]) != len(counts) + 1:
                raise self._wrong(f"where 'ngram {len(counts) + 1}=COUNT' was expected")
            counts.append(int(found[2]))
        if not counts or line != "\\1-grams:":
            raise self._wrong("where the counts and then \\1-grams: were expected")
        if sum(counts) > MOST_NGRAMS:
            raise BadInputError(
                f"{self.path} holds {sum(counts):,} n-grams, more than the limit of {MOST_NGRAMS:,} for a text file: "
                "convert it to a KenLM binary (build_binary) and pip install kenlm, or prune it"
            )
        return counts

    def _section(self, order: int, count: int, *, last: bool) -> None:
        """Read the n-grams of one order; the header of the first was read with the counts."""
        if order > 1 and self._next() != f"\\{order}-grams:":
            raise self._wrong(f"where \\{order}-grams: was expected after the announced n-grams")
        before = len(self.probabilities)
        for _ in range(count):
            fields = _BETWEEN.split(self._next())
            # The last order has no back-off weights; in the others they are optional.
            if len(fields) != order + 1 and (last or len(fields) != order + 2):
                raise self._wrong(f"where a log10 probability and {order} words were expected")
            words = " ".join(fields[1 : order + 1])
            self.probabilities[words] = self._number(fields[0], most=0.0, least=-math.inf)
            if len(fields) == order + 2:
                self.backoffs[words] = self._number(fields[-1])
        if len(self.probabilities) != before + count:
            raise BadInputError(f"{self.path} lists one of its {order}-grams twice")

    def _number(self, text: str, most: float = sys.float_info.max, least: float = -sys.float_info.max) -> float:
        """A number in the file; a word that is never predicted, such as `<s>`, has log10 probability minus infinity."""
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not least <= number <= most:
            raise self._wrong(f"where a {'log10 probability' if most == 0 else 'back-off weight'} was expected")
        return number

    def _next(self) -> str:
        """The next non-empty line; an error at the end of the file."""
        for line in self.lines:
            self.number += 1
            if len(line) >= _LONGEST_LINE:
                raise BadInputError(f"{self.path} is not an ARPA language model: line {self.number} is too long")
            if stripped := line.strip(_BLANK):
                self.line = stripped
                return stripped
        raise BadInputError(f"{self.path} is not a complete ARPA language model: it ends after line {self.number}")

    def _wrong(self, expected: str) -> BadInputError:
        return BadInputError(
            f"{self.path} is not a complete ARPA language model: line {self.number} reads {self.line[:40]!r} {expected}"
        )
