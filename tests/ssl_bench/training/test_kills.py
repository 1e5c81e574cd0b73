"""A few kills of `tests/kills.py`, which says what must hold after each; by hand it makes a hundred."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "kills.py"


@pytest.mark.slow
def test_a_training_that_is_killed_again_and_again_ends_as_an_unbroken_one() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--kills", "2"], capture_output=True, text=True, check=False, timeout=3_000
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("all well") == 5, done.stdout
