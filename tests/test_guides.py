"""Every block of the guides and the reference runs, page by page and in order, in a folder of the page's own.

Only what takes time is cut: models become the tiny ones of their family, and `LESS` ends every command that measures or trains; without
`--strict`, a busy machine fails no page. A block with `<!-- not run: REASON -->` above it is left out. What a reader has already (runs, scripts)
is made by the lines of `<!-- given:` at the head of a page. A block that begins with `# NAME.py` or `# NAME.toml` is that file.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
try:
    from fences import ROOT, Fence, of_page
finally:
    sys.path.pop(0)

DOCS = ROOT / "docs"
PAGES = sorted(path for part in ("guides", "method", "reference", "developing") for path in (DOCS / part).glob("*.md"))
GIVEN = re.compile(r"^<!-- given:\n(?P<lines>.*?)^-->$", re.DOTALL | re.MULTILINE)
RUNNABLE = ("sh", "python", "toml")
COUNTED = ("sslbench profile", "sslbench models")
FILE = re.compile(r"# (?P<name>[\w.-]+\.(?:py|toml))\n")
SIZE = re.compile(r"\b(efficient|hubert|wav2vec2)-(?:small|base|large)\b|\b(essl)\b(?!-)")
LESS = """
sslbench() {
    case "$*" in
        "train-and-measure "*) set -- "$@" --steps 2 --evaluate-minutes 0.5 --no-idle ;;
        "study "*--equal\\ joules*) set -- "$@" --budget 60 --evaluate-minutes 1 --learn-hours 0.01 --no-idle ;;
        "study "*) set -- "$@" --budget 0.02 --evaluate-minutes 1 --learn-hours 0.01 --no-idle ;;
        "evaluate "*) set -- "$@" --minutes 1 --learn-hours 0.01 --no-idle ;;
        "compare "*--models*) set -- "$@" --minutes 2 --precision-target 99% --no-idle ;;
        "measure "*) set -- "$@" --repeats 1 --duration 0.5 --no-idle ;;
    esac
    command sslbench "$@"
}
"""
START = "import subprocess\nfrom pathlib import Path\n\n\ndef sh(lines):\n    subprocess.run(['bash', '-euc', lines], check=True)\n\n\n"


def steps(path: Path) -> list[str]:
    """What a page does, as statements of one program."""
    given = [shell(found["lines"]) for found in GIVEN.finditer(path.read_text(encoding="utf-8"))]
    return given + [step(block) for block in of_page(path) if block.language in RUNNABLE and not block.reason]


def step(block: Fence) -> str:
    if named := FILE.match(block.body):
        return f"Path({named['name']!r}).write_text({tiny(block.body)!r})"
    return shell(block.body) if block.language == "sh" else block.body


def shell(lines: str) -> str:
    """The lines in bash; a count on paper keeps its model, since it takes seconds."""
    return f"sh({chr(10).join(line if line.startswith(COUNTED) else tiny(line) for line in lines.splitlines())!r})"


def tiny(line: str) -> str:
    return SIZE.sub(lambda found: f"{found[1] or found[2]}-tiny", line).replace(" --strict", "")


RUN = [pytest.param(path, id=str(path.relative_to(DOCS))) for path in PAGES if steps(path)]


def test_every_block_is_run_or_says_why_not() -> None:
    """Others are printed text and what Sphinx takes; a block of TOML is a file, which a command of the page reads."""
    blocks = [block for path in PAGES for block in of_page(path) if not block.reason]
    assert {b.language for b in blocks if not b.language.startswith("{")} == {"", *RUNNABLE}
    assert [b for b in blocks if b.language == "toml" and not FILE.match(b.body)] == []
    assert len(RUN) >= 18


def test_models_become_tiny() -> None:
    assert tiny("--models hubert-large,essl,essl-tiny --strict --name efficient-small=Ours") == (
        "--models hubert-tiny,essl-tiny,essl-tiny --name efficient-tiny=Ours"
    )


@pytest.mark.slow
@pytest.mark.parametrize("path", RUN)
def test_a_page_runs(path: Path, tmp_path: Path, small_librispeech: Path) -> None:
    (tmp_path / "LibriSpeech").mkdir()
    for part in small_librispeech.iterdir():
        (tmp_path / "LibriSpeech" / part.name).symlink_to(part)
    (tmp_path / "LibriSpeech" / "train-clean-100").symlink_to("train-clean-5")
    (tmp_path / "program.py").write_text(START + "\n".join(steps(path)), encoding="utf-8")
    (tmp_path / "less.sh").write_text(LESS, encoding="utf-8")  # which bash reads first
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "BASH_ENV": str(tmp_path / "less.sh")}
    own |= {"TESTS": str(ROOT / "tests"), "SSLBENCH_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=tmp_path, env=os.environ | own, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
