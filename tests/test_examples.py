"""The scripts and the notebook of examples/ run as they stand, from a folder of their own, by public names alone."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
NOTEBOOK = EXAMPLES / "first_steps.ipynb"


def run(arguments: list[str], folder: Path) -> str:
    """What a Python says that is given these arguments."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def cells() -> list[dict[str, Any]]:
    """The notebook's code."""
    return [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]


def sources() -> dict[str, str]:
    """Each example's code."""
    notebook = "\n".join("".join(cell["source"]) for cell in cells())
    return {path.name: path.read_text(encoding="utf-8") for path in SCRIPTS} | {NOTEBOOK.name: notebook}


def test_they_take_public_names_alone_and_fit_a_screen() -> None:
    assert len(SCRIPTS) == 4
    for name, source in sources().items():
        imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
        modules = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
        modules |= {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
        assert {module for module in modules if module.startswith("ssl_")} == {"ssl_bench"}, name
        assert len(source.splitlines()) <= 32, name


def test_the_notebook_is_clean() -> None:
    assert [cell for cell in cells() if cell["outputs"] or cell["execution_count"] is not None] == []


def test_a_loop_is_metered(tmp_path: Path) -> None:
    said = run([str(EXAMPLES / "meter_a_loop.py")], tmp_path)
    assert said.startswith("50 steps: ")
    assert "machine: " in said


def test_a_table_of_runs_holds_their_numbers(tmp_path: Path) -> None:
    """Committed records have known numbers; one that is no better than random weights is marked."""
    runs = [str(ROOT / "docs" / "results" / name) for name in ("equal-hours", "equal-joules")]
    said = run([str(EXAMPLES / "table_from_runs.py"), *runs], tmp_path)
    assert "0.7916 measured" in said
    assert "0.732" in said
    assert "†" in said
    assert (tmp_path / "paper" / "report.html").is_file()


@pytest.mark.slow
def test_an_encoder_of_ones_own_is_measured_and_profiled(tmp_path: Path) -> None:
    said = run([str(EXAMPLES / "measure_my_encoder.py")], tmp_path)
    assert "peak_memory Quantity(value=" in said
    script = f"{EXAMPLES / 'measure_my_encoder.py'}:encoder"
    assert "conv" in run(["-m", "ssl_bench", "profile", script], tmp_path)


@pytest.mark.slow
def test_two_models_are_compared(tmp_path: Path) -> None:
    said = run([str(EXAMPLES / "compare_two.py")], tmp_path)
    assert "training, essl-tiny: " in said
    assert "times essl-tiny" in said


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path) -> None:
    """All its cells, one after the other, in one process."""
    said = run(["-c", sources()[NOTEBOOK.name]], tmp_path)
    assert "essl-tiny / efficient-tiny, audio_seconds_per_second: " in said
    assert list((tmp_path / "runs").iterdir())
