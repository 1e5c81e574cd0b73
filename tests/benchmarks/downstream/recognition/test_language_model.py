"""The word n-gram against a file worked by hand; what is no language model is refused in one line."""

from __future__ import annotations

import gzip
import itertools
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from ssl_benchmarks.downstream.recognition import arpa as module
from ssl_benchmarks.downstream.recognition.language_model import WordNgram
from ssl_models.errors import BadInputError

TRIGRAM = """written by hand

\\data\\
ngram 1=6
ngram 2=4
ngram 3=2

\\1-grams:
-99\t<s>\t-0.5
-1.0\t</s>
-2.0\t<unk>\t-0.125
-0.5\tA\t-0.25
-0.75\tCAT\t-0.375
-1.25\tSAT

\\2-grams:
-0.25\t<s> A\t-0.0625
-0.3\tA CAT\t0.1
-0.4\tCAT SAT\t-0.2
-0.6\tSAT </s>

\\3-grams:
-0.1\t<s> A CAT
-0.2\tA CAT SAT

\\end\\
"""
ZIPPED = gzip.compress(TRIGRAM.encode(), mtime=0)


def written(folder: Path, text: str = TRIGRAM) -> Path:
    path = folder / "lm.arpa"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("context", "word", "log10"),
    [
        ("<s> A", "CAT", -0.1),  # the trigram
        ("A CAT", "SAT", -0.2),
        ("<s>", "A", -0.25),  # the bigram
        ("A", "CAT", -0.3),
        ("", "SAT", -1.25),  # the unigram
        ("SAT A", "CAT", -0.3),  # context SAT A unseen: weighs nothing, then the bigram
        ("CAT SAT", "</s>", -0.2 - 0.6),  # the context's weight and the bigram
        ("A CAT", "A", 0.1 - 0.375 - 0.5),  # two weights and the unigram; a weight may be above 0
        ("<s> A", "SAT", -0.0625 - 0.25 - 1.25),
        ("SAT", "A", -0.5),  # SAT is written without a weight
        ("A CAT", "DOG", 0.1 - 0.375 - 2.0),  # unknown: <unk>
        ("DOG", "A", -0.125 - 0.5),
        ("A DOG", "SAT", -0.125 - 1.25),
        ("SAT SAT SAT <s> A", "CAT", -0.1),  # more context than a trigram sees
    ],
)
def test_backing_off_by_hand(tmp_path: Path, context: str, word: str, log10: float) -> None:
    model = WordNgram.load(written(tmp_path))
    assert model.order == 3
    assert model.score(word, tuple(context.split())) == pytest.approx(log10 * math.log(10), abs=1e-12)


@pytest.mark.parametrize(
    ("start", "log10"), [("A", -0.5), ("C", -0.75), ("CAT", -0.75), ("S", -1.25), ("CATS", -2.0), ("X", -2.0)]
)
def test_the_likeliest_word_that_begins_so_by_hand(tmp_path: Path, start: str, log10: float) -> None:
    """With the words A, CAT and SAT; where none begins like this, the unknown word."""
    assert WordNgram.load(written(tmp_path)).score_begun(start) == pytest.approx(log10 * math.log(10))


def test_of_two_words_the_likelier_and_long_ones_by_their_beginning(tmp_path: Path) -> None:
    long = "B" * 500
    text = f"\\data\\\nngram 1=3\n\n\\1-grams:\n-3\tAB\n-1\tAC\n-2\t{long}\n\\end\\\n"
    model = WordNgram.load(written(tmp_path, text))
    starts = {"A": -1, "AB": -3, "AC": -1, "B": -2, "B" * 400: -2, "C": -100}
    for start, log10 in starts.items():
        assert model.score_begun(start) == pytest.approx(log10 * math.log(10))


def test_a_unigram_sees_no_context(tmp_path: Path) -> None:
    text = "\\data\\\nngram 1=2\n\n\\1-grams:\n-1\tA\n-0.5\tB\n\\end\\\n"
    model = WordNgram.load(written(tmp_path, text))
    assert model.score("B", ("A", "A")) == pytest.approx(-0.5 * math.log(10))
    assert model.score("C", ()) == pytest.approx(-100 * math.log(10))  # no <unk>: KenLM's figure


@pytest.mark.parametrize("change", [lambda t: t.replace("\n", "\r\n"), lambda t: t.replace("\t", " "), str.rstrip])
def test_forms_of_the_same_file(tmp_path: Path, change: object) -> None:
    assert callable(change)
    changed = WordNgram.load(written(tmp_path, change(TRIGRAM)))
    zipped = tmp_path / "any.name"
    zipped.write_bytes(ZIPPED)
    words = ["<s>", "A", "CAT", "SAT", "DOG"]
    for a, b, c in itertools.product(words, repeat=3):
        assert changed.score(c, (a, b)) == WordNgram.load(zipped).score(c, (a, b))


def test_probabilities_after_a_context_sum_to_one(tmp_path: Path) -> None:
    """A bigram made to: what A leaves (0.5) over what its seen follower does not have (0.75)."""
    weight = math.log10(0.5 / 0.75)
    text = (
        "\\data\\\nngram 1=3\nngram 2=1\n\\1-grams:\n"
        f"{math.log10(0.25)} A {weight}\n{math.log10(0.25)} B\n{math.log10(0.5)} </s>\n"
        f"\\2-grams:\n{math.log10(0.5)} A B\n\\end\\\n"
    )
    model = WordNgram.load(written(tmp_path, text))
    assert sum(math.exp(model.score(w, ("A",))) for w in ("A", "B", "</s>")) == pytest.approx(1)


def test_a_lower_case_file_knows_upper_case_words(tmp_path: Path) -> None:
    upper, lower = WordNgram.load(written(tmp_path)), None
    (tmp_path / "lower").mkdir()
    lower = WordNgram.load(
        written(tmp_path / "lower", TRIGRAM.replace("CAT", "cat").replace("SAT", "sat").replace("A", "a"))
    )
    for word in ("A", "CAT", "SAT", "DOG"):
        assert lower.score(word, ("A", "CAT")) == upper.score(word, ("A", "CAT"))


CASED = {
    "the": -1.0, "The": -1.5, "Paris": -2.0, "i": -3.0, "I": -1.2, "US": -2.5, "us": -1.8, "O'Neill": -2.2, "don't": -2.1,
    "\u00c9tat": -4.0,
}  # fmt: skip


def unigrams(folder: Path, words: dict[str, float]) -> Path:
    lines = "".join(f"{log10}\t{word}\n" for word, log10 in words.items())
    return written(folder, f"\\data\\\nngram 1={len(words)}\n\n\\1-grams:\n{lines}\n\\end\\\n")


@pytest.mark.parametrize(
    ("word", "log10"),
    [("THE", -1.0), ("PARIS", -2.0), ("I", -1.2), ("US", -1.8), ("O'NEILL", -2.2), ("DON'T", -2.1), ("LONDON", -9.0)],
)
def test_a_word_in_capitals_is_found_however_it_is_spelled(tmp_path: Path, word: str, log10: float) -> None:
    """The likeliest of several spellings; its beginnings are found too."""
    model = WordNgram.load(unigrams(tmp_path, CASED | {"<unk>": -9.0}))
    assert model.score(word, ()) == pytest.approx(log10 * math.log(10))
    if log10 > -9.0:
        assert (model.score_begun(word) or 0.0) >= model.score(word, ()) - 1e-9
    assert model.unknown([word]) == (log10 == -9.0)


def test_contexts_are_spelled_as_the_file_does(tmp_path: Path) -> None:
    text = "\\data\\\nngram 1=3\nngram 2=2\n\n\\1-grams:\n-1\t<s>\n-1\tParis\t-0.5\n-2\tis\n"
    text += "\\2-grams:\n-0.1\tParis is\n-0.3\t<s> Paris\n\\end\\\n"
    model = WordNgram.load(written(tmp_path, text))
    assert model.score("IS", ("PARIS",)) == pytest.approx(-0.1 * math.log(10))
    assert model.score("PARIS", ("<s>",)) == pytest.approx(-0.3 * math.log(10))


def test_words_that_it_does_not_know_are_counted(tmp_path: Path) -> None:
    model = WordNgram.load(unigrams(tmp_path, CASED))
    assert model.unknown(["I", "LIKE", "THE", "PARIS", "OF", "THE", "US"]) == 2
    assert model.unknown([]) == 0


@pytest.mark.parametrize(
    ("lines", "word", "log10"),
    [
        (["-inf\t<s>", "-1\ta"], "A", -1),
        (["-99\t<s>", "-1.9\tit\u00a0is", "-1\ta"], "A", -1),
        (["-1\ta"], "A", -1),
        (["-1.9\tone\u2028line", "-1\ta\u3000b", "-0.5\tc"], "C", -0.5),
        (["-Inf\t<s>", "-1e-3\ta"], "A", -0.001),
        (["-0.0\t<s>", "-1  a "], "A", -1),
    ],
    ids=["-inf", "no-break space", "no <s>", "line and wide space", "-Inf", "blanks"],
)
def test_what_the_format_allows_is_read(tmp_path: Path, lines: list[str], word: str, log10: float) -> None:
    """A word that is never predicted, words with spaces that do not part them, no start of sentences."""
    listed = "\n".join(lines)
    text = f"\\data\\\nngram 1={len(lines)}\n\n\\1-grams:\n{listed}\n\n\\end\\\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "lm.arpa").write_text(text, encoding=encoding)
        assert WordNgram.load(tmp_path / "lm.arpa").score(word, ()) == pytest.approx(log10 * math.log(10))
        (tmp_path / "lm.arpa").write_bytes(gzip.compress(text.encode(encoding)))
        assert WordNgram.load(tmp_path / "lm.arpa").score(word, ()) == pytest.approx(log10 * math.log(10))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("\\data\\", "\\date\\", "line"),
        ("ngram 2=4", "ngram 2=5", "line 22 reads"),
        ("ngram 2=4", "ngram 2=3", "3-grams"),
        ("ngram 2=4", "ngram 2=four", "ngram 2=COUNT"),
        ("ngram 2=4", "ngram 3=4", "ngram 2=COUNT"),
        ("ngram 3=2", "ngram 3=99999999999", "KenLM binary"),
        ("ngram 3=2", "ngram 3=2\nngram 4=1", "4-grams"),
        ("\\3-grams:", "\\4-grams:", "3-grams"),
        ("-0.3\tA CAT\t0.1", "-0.3\tA CAT B\t0.1", "2 words"),
        ("-0.3\tA CAT\t0.1", "-0.3\tA", "2 words"),
        ("-0.1\t<s> A CAT", "-0.1\t<s> A CAT -1", "3 words"),
        ("-0.3\tA CAT\t0.1", "nan\tA CAT\t0.1", "log10 probability"),
        ("-0.3\tA CAT\t0.1", "0.3\tA CAT\t0.1", "log10 probability"),
        ("-0.3\tA CAT\t0.1", "-0.3\tA CAT\tinf", "back-off weight"),
        ("-0.3\tA CAT\t0.1", "-0.3\tA CAT\t-inf", "back-off weight"),
        ("-0.3\tA CAT\t0.1", "inf\tA CAT\t0.1", "log10 probability"),
        ("-0.3\tA CAT\t0.1", "CAT\tA CAT\t0.1", "log10 probability"),
        ("-0.3\tA CAT", "-0.3\t<s> A", "twice"),
        ("\\end\\", "", "ends after line"),
        ("\\end\\", "-0.1 A A A", "end"),
        ("CAT\t0.1", "C" * 200_000, "too long"),
        ("\\data\\", "x\n" * 2_000, "begins"),
        (TRIGRAM, "", "ends after line 0"),
    ],
)
def test_what_is_no_arpa_file_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in TRIGRAM
    with pytest.raises(BadInputError, match=says) as caught:
        WordNgram.load(written(tmp_path, TRIGRAM.replace(old, new, 1)))
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x89PNG\r\n\x1a\n\xff\xfe", id="a picture"),
        pytest.param(ZIPPED[:-40], id="cut short"),
        pytest.param(gzip.compress(b"\0" * 1_000_000, mtime=0), id="zeros"),
        pytest.param(ZIPPED[:10] + b"nonsense that no deflate wrote", id="no deflate"),
        pytest.param(b"\x1f\x8b", id="two bytes"),
    ],
)
def test_bytes_that_are_no_text_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "lm.arpa.gz"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"lm\.arpa\.gz") as caught:
        WordNgram.load(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing.arpa", "."])
def test_a_path_that_is_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="can't be read"):
        WordNgram.load(tmp_path / name)


def kenlm_binary(folder: Path) -> Path:
    path = folder / "lm.bin"
    path.write_bytes(b"mmap lm http://kheafield.com/code format version 5\n\0")
    return path


def test_a_kenlm_binary_needs_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kenlm", None)
    with pytest.raises(BadInputError, match="pip install kenlm") as caught:
        WordNgram.load(kenlm_binary(tmp_path))
    assert "\n" not in str(caught.value)


def test_a_kenlm_binary_that_its_package_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: str) -> object:
        raise OSError(f"Cannot read model '{path}'\n(Size mismatch)")

    monkeypatch.setitem(sys.modules, "kenlm", SimpleNamespace(Model=refused))
    with pytest.raises(BadInputError, match=r"lm\.bin can't be read by kenlm: .*\(Size mismatch\)$"):
        WordNgram.load(kenlm_binary(tmp_path))


class FakeModel:
    """KenLM's interface to words and states, over the file worked by hand; a state is the words so far."""

    order = 3

    def __init__(self, arpa: module.Arpa) -> None:
        self.arpa = arpa

    def __contains__(self, word: str) -> bool:
        return word in self.arpa

    def BeginSentenceWrite(self, state: SimpleNamespace) -> None:  # noqa: N802
        state.words = ("<s>",)

    def NullContextWrite(self, state: SimpleNamespace) -> None:  # noqa: N802
        state.words = ()

    def BaseScore(self, state: SimpleNamespace, word: str, following: SimpleNamespace) -> float:  # noqa: N802
        following.words = (*state.words, word)[-2:]
        return self.arpa.log10(word, state.words)


def test_a_kenlm_model_is_walked_word_by_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = WordNgram.load(written(tmp_path))
    fake = SimpleNamespace(State=SimpleNamespace, Model=lambda _: FakeModel(module.read_arpa(tmp_path / "lm.arpa")))
    monkeypatch.setitem(sys.modules, "kenlm", fake)
    model = WordNgram.load(kenlm_binary(tmp_path))
    assert (model.order, model.score_begun("A")) == (3, None)
    assert model.unknown(["A", "CAT", "DOG"]) == 1
    for *context, word in itertools.product(["<s>", "A", "CAT", "SAT", "DOG"], repeat=3):
        if context[1] != "<s>" and word != "<s>":
            assert model.score(word, tuple(context)) == ours.score(word, tuple(context))
    assert model.score("CAT", ()) == ours.score("CAT", ())


def test_a_kenlm_model_of_cased_text_is_asked_for_the_usual_spellings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arpa = module.read_arpa(unigrams(tmp_path, CASED | {"<unk>": -9.0}))
    fake = SimpleNamespace(State=SimpleNamespace, Model=lambda _: FakeModel(arpa))
    monkeypatch.setitem(sys.modules, "kenlm", fake)
    model = WordNgram.load(kenlm_binary(tmp_path))
    for word, log10 in {"THE": -1.0, "PARIS": -2.0, "I": -1.2, "US": -1.8, "O'NEILL": -9.0}.items():
        assert model.score(word, ()) == pytest.approx(log10 * math.log(10)), word
    assert model.unknown(["THE", "O'NEILL"]) == 1
