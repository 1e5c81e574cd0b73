"""Every command that the README shows is run as it stands there, only its budget or its repeats are cut."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
BIN = Path(sys.executable).parent
pytestmark = pytest.mark.slow


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), flags=re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, small_librispeech: Path) -> Path:
    """A working folder with `LibriSpeech/`: a part of the sample, since more speech is not everywhere."""
    work = tmp_path_factory.mktemp("readme")
    (work / "LibriSpeech").symlink_to(small_librispeech)
    return work


def test_every_command_of_the_readme_runs(folder: Path) -> None:
    commands = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("sslbench")]
    assert len(commands) >= 3
    for command in commands:
        words = [str(BIN / "sslbench"), *shlex.split(command)[1:]]
        if "--equal" in words:
            words[words.index("--budget") + 1] = "0.05"
        elif "train-and-measure" in words:
            words += ["--steps", "2"]
        if "--tasks" in words:
            words += ["--labels", "10min", "--learn-hours", "0.01", "--features", str(folder / "features")]
        if "measure" in words:
            words += ["--duration", "0.3", "--repeats", "1"]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    assert (folder / "runs" / "ten" / "run.json").is_file()


def test_every_make_target_of_the_readme_exists() -> None:
    """`make` itself runs in CI; here its words are held against the Makefile."""
    targets = {line.split(":")[0] for line in (README.parent / "Makefile").read_text().splitlines() if ":" in line}
    named = {shlex.split(line)[1] for block in blocks("sh") for line in block.splitlines() if line.startswith("make ")}
    assert named >= {"demo", "test"}
    assert named <= targets


def test_python_of_the_readme_runs(folder: Path) -> None:
    for block in blocks("python"):
        done = subprocess.run([sys.executable, "-c", block], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "Quantity(" in done.stdout


def test_the_readme_s_own_model_runs(folder: Path) -> None:
    (block,) = blocks("py")
    (folder / "mine.py").write_text(block)
    done = subprocess.run(
        [str(BIN / "sslbench"), "profile", "mine.py:encoder"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "256" in block
    assert "conv" in done.stdout
