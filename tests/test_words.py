"""No text that a reader meets holds a phrase at which a reader of papers stops: help, printed lines, notes, templates, docs, comments."""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("ssl_bench", "reports/ssl_reports", "benchmarks/ssl_benchmarks", "models/ssl_models")
TEMPLATES = (".html", ".js", ".tex", ".toml")

# a phrase (a regular expression), and what to write in its place
PHRASES = {
    r"\bc[ao]me by\b": "source, method",
    r"\b(can|cannot|could|was|were|is|are|be|been) had\b": "available, unavailable",
    r"\b(can|cannot|could|to) be had\b": "available, unavailable",
    r"\btold\b": "reported, recorded, stated, given",
    r"\btells?\b": "reports, shows, states; distinguish",
    r"\bat hand\b": "available, current",
    r"\bin all\b(?! (three|four|cases|models|phases|runs|rounds|splits))": "in total",
    r"\balike\b": "under the same conditions, the same",
    r"\b(paid|pays?|paying) back\b": "break-even",
    r"\bpart(s|ed|ing)? by\b": "differ by",
    r"\bwhat (it|they|(the )?(features?|models?|runs?|systems?)) gives?\b": "quality, error rate",
    r"\b(whose|and|or) (the )?like\b": "such as, similar",
    r"\b(its|their) like\b": "similar",
    r"\bhull\b": "union",
    r"\bin squares\b": "in quadrature",
    r"\bthat is enough\b": "at which to stop",
    r"\bat this rate\b": "at the current rate",
    r"\b(frames|samples|hours|watts|bytes|joules|calls|windows|steps|utterances|clips|passes|times) an? "
    r"(second|step|call|DIMM|thread|hour|frame|audio hour|minute|clip|window|round|cell|speaker|file)\b": "per",
    r"\bknows? no\b": "has no, does not support",
    r"^whole:": "projected",
    r"^Of (?!course)": "a noun phrase or a verb",
    r"\bwhoever\b": "anyone who",
    r"\bspoil(s|t|ed|ing)?\b": "disturb, make invalid",
    r"\bmend(s|ed|ing)?\b": "fix, correct",
    r"\bin so far as\b": "as far as",
    r"\bno measurements?\b": "not measured",
    r"\bas it should\b": "correctly",
    r"\bnought\b": "zero",
    r"\bfrom the first joule\b": "from the start",
}
_FOUND = {re.compile(phrase): better for phrase, better in PHRASES.items()}


def _spoken(source: str) -> Iterator[tuple[int, str]]:
    """Line number and text of each line of comments and strings, those of docstrings and f-strings included."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        kind = tokenize.tok_name[token.type]
        if kind in {"COMMENT", "STRING"} or kind.startswith("FSTRING"):
            text = token.string.lstrip("rbfRBF#")
            for offset, line in enumerate(text.splitlines()):
                yield token.start[0] + offset, line.strip(" \"'")


def stumbles(path: Path) -> list[str]:
    """`file:line: phrase (better): text` for each line that holds one of `PHRASES`."""
    source = path.read_text(encoding="utf-8")
    lines = _spoken(source) if path.suffix == ".py" else enumerate(source.splitlines(), 1)
    return [
        f"{path}:{number}: {match.group()} ({better}): {line.strip()}"
        for number, line in lines
        for phrase, better in _FOUND.items()
        if (match := phrase.search(line))
    ]


def _files() -> list[Path]:
    floors = [
        path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*")) if path.suffix in (".py", *TEMPLATES)
    ]
    # Reports of records, which repeat the notes that stood in them when they were made, are no pages of ours.
    reports = ROOT.glob("docs/results/*/**/*.md")
    docs = sorted({path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts}.difference(reports))
    return [*floors, *docs, ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


def test_nobody_stumbles() -> None:
    found = [line for path in _files() for line in stumbles(path)]
    assert not found, "\n".join([f"{len(found)} phrases", *found[:40]])


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_that_is_written_is_found(tmp_path: Path, phrase: str) -> None:
    written = re.sub(r"\(\?[!=][^()]*(\([^()]*\)[^()]*)*\)", "", phrase)  # without what must not follow
    example = f"{_example(written)} x"
    (tmp_path / "page.md").write_text(f"{example}\n")
    (tmp_path / "code.py").write_text(f'"""{example}"""\n\nvalue = f"{example}"  # {example}\n')
    ast.parse((tmp_path / "code.py").read_text())
    assert stumbles(tmp_path / "page.md")
    assert len(stumbles(tmp_path / "code.py")) >= 3


def _example(phrase: str) -> str:
    """A text that a phrase matches: the first of each choice, nothing of what may be left out."""
    text = re.sub(r"\[(\w)\w*\]", r"\1", phrase)
    text = re.sub(r"\w\?|\(the \)\?|\([^()]*\)\?", "", text)
    while "(" in text:
        text = re.sub(r"\(([^()|]*)[^()]*\)", r"\1", text)
    return re.sub(r"\\b|\^", "", text)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        folder = Path(name)
        for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
            if path.suffix in (".py", ".md", *TEMPLATES):
                sys.stdout.writelines(f"{line}\n" for line in stumbles(path))
