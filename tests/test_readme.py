"""Commands and snippets of README.md, the quick start and the results run as they stand there, or the page says why not.

Only budgets and repeats are cut. A block that is not run has `<!-- not run: REASON -->` above it.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
try:
    from fences import ROOT, Fence, of_page
finally:
    sys.path.pop(0)

PAGES = ("README.md", "docs/quickstart.md", "docs/results/index.md", "CONTRIBUTING.md")
BIN = Path(sys.executable).parent
OUTPUT = ""
"""The language of a block that shows what a command printed."""
LINK = re.compile(r"\]\((?!https?:|#)(?P<path>[^)#\s]+)(?:#(?P<part>[^)\s]+))?\)")


def commands(block: Fence) -> list[str]:
    """Its lines, those that go on put together, without comments."""
    lines = block.body.replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def blocks(language: str) -> list[Fence]:
    """Those of all pages, in order."""
    return [block for page in PAGES for block in of_page(ROOT / page) if block.language == language]


def to_run(language: str) -> list[Fence]:
    return [block for block in blocks(language) if not block.reason]


def test_every_block_is_run_or_says_why_not() -> None:
    known = [block for language in ("sh", "python", OUTPUT) for block in blocks(language)]
    fences = sum((ROOT / page).read_text(encoding="utf-8").count("\n```") for page in PAGES)
    assert 2 * len(known) == fences  # no block of another language, none that has no end
    odd = [line for block in to_run("sh") for line in commands(block) if not line.startswith(("sslbench ", "make "))]
    assert odd == []


def test_every_make_target_exists() -> None:
    """`make` itself runs in CI; here its words are held against the Makefile."""
    targets = {line.split(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if ":" in line}
    named = {shlex.split(line)[1] for block in blocks("sh") for line in commands(block) if line.startswith("make ")}
    assert named >= {"demo", "test", "lint"}
    assert named <= targets


def test_every_link_leads_somewhere() -> None:
    """To a file that is there and a heading that it has."""
    lost = []
    for page in PAGES:
        for link in LINK.finditer((ROOT / page).read_text(encoding="utf-8")):
            at = (ROOT / page).parent / link["path"]
            if not at.exists() or (link["part"] and link["part"] not in anchors(at)):
                lost.append(f"{page}: {link.group()}")
    assert lost == []


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_readme_is_read_at_one_sitting() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, small_librispeech: Path) -> Path:
    """A working folder with `LibriSpeech/`: a part of the sample, since more speech is not everywhere."""
    work = tmp_path_factory.mktemp("readme")
    (work / "LibriSpeech").symlink_to(small_librispeech)
    return work


def cut(command: str) -> list[str]:
    """The words of a command, with less to do."""
    words = [str(BIN / "sslbench"), *shlex.split(command, comments=True)[1:]]
    if "train-and-measure" in words:
        words += ["--steps", "2", "--evaluate-minutes", "1"]
    if "--minutes" in words and "compare" in words:
        words[words.index("--minutes") + 1] = "0.3"
    return words


@pytest.mark.slow
def test_every_command_runs(folder: Path) -> None:
    """In the pages' order, since later ones use what earlier ones leave."""
    typed = [line for block in to_run("sh") for line in commands(block) if line.startswith("sslbench")]
    assert len(typed) >= 6
    for command in typed:
        done = subprocess.run(cut(command), cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert (folder / "runs" / "ten" / "run.json").is_file()
    assert (folder / "paper" / "tables" / "pretraining.md").is_file()


@pytest.mark.slow
def test_python_runs(folder: Path) -> None:
    assert to_run("python")
    for block in to_run("python"):
        done = subprocess.run(
            [sys.executable, "-c", block.body], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Quantity(" in done.stdout
