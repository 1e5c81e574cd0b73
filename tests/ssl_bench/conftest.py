"""Speech to test with and the installed console script, as fixtures."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

SCRIPT = Path(sys.executable).with_name("sslbench")
SMALL = """\
device = "cpu"
seed = 5
steps = 9999
clip-seconds = 2
batch-seconds = 8
checkpoint-minutes = 0.005
[encoder]
width = 32
blocks = 2
heads = 2
hidden = 64
[objective]
clusters = 8
"""


def buzz(pitch: float, seconds: float, seed: int) -> NDArray[np.float64]:
    """Something voiced: harmonics of a gliding pitch that come and go, in a little noise."""
    draw = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * 16_000)) / 16_000
    phase = 2 * np.pi * pitch * (time_s + 0.1 * np.sin(2 * np.pi * time_s) / 2 / np.pi)
    voice = sum(draw.uniform(0.2, 1) / k * np.sin(k * phase) for k in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * draw.uniform(2, 4) * time_s + draw.uniform(0, 6)), 0, 1)
    return 0.1 * voice * syllables + 0.005 * draw.standard_normal(len(time_s))


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four speakers of three utterances of 2 s each, in LibriSpeech's layout."""
    root = tmp_path_factory.mktemp("speech") / "LibriSpeech"
    for speaker in (11, 12, 13, 14):
        folder = root / f"{speaker}" / "7"
        folder.mkdir(parents=True)
        lines = []
        for number in range(3):
            name = f"{speaker}-7-{number:04d}"
            samples = buzz(60.0 + 12 * speaker - 80, 2.0, 10 * speaker + number)
            soundfile.write(folder / f"{name}.flac", samples, 16_000)
            lines.append(f"{name} {('ONE', 'TWO', 'THREE')[number]} AND {('A', 'BE', 'SEA')[number]}")
        (folder / f"{speaker}-7.trans.txt").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="session")
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a child: one thread, plain text of a fixed width, a cache of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COVERAGE"))}
    return kept | {
        "OMP_NUM_THREADS": "1", "COLUMNS": "160", "NO_COLOR": "1", "TERM": "dumb",
        "SSLBENCH_CACHE": str(tmp_path_factory.mktemp("cache")),
    }  # fmt: skip


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def sslbench(clean_environment: dict[str, str], warm: Callable[..., Any]) -> Run:
    """Run a command to its end: `sslbench("models", cwd=tmp_path, env={...})`.

    In a process that need not import torch, or, `fresh`, by the console script that is installed.
    """

    def run(
        *arguments: str | Path, cwd: Path, env: dict[str, str] | None = None, fresh: bool = False
    ) -> subprocess.CompletedProcess[str]:
        environment = clean_environment | (env or {})
        if not fresh:
            done: subprocess.CompletedProcess[str] = warm(*arguments, cwd=cwd, env=environment).finish()
            return done
        command = [str(SCRIPT), *map(str, arguments)]
        return subprocess.run(
            command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=240, check=False
        )

    return run


@pytest.fixture(scope="session")
def small_toml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings of a model that a test can pay for, with a budget that it cannot."""
    path = tmp_path_factory.mktemp("settings") / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A research folder with packages of the same names as ours; importing one of them would fail."""
    root = tmp_path_factory.mktemp("research")
    for name in ("models", "benchmarks", "reports"):
        (root / name).mkdir()
        (root / name / "__init__.py").write_text("raise ImportError('the wrong package')\n")
    return root


@pytest.fixture(scope="session")
def finished(
    tmp_path_factory: pytest.TempPathFactory, sslbench: Run, speech: Path, small_toml: Path, foreign: Path
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A whole run of 150 steps with `--json`, started in a folder with foreign packages: its folder, and how it went."""
    run = tmp_path_factory.mktemp("runs") / "whole"
    done = sslbench(
        "train-and-measure", "--config", small_toml, "--data", speech, "--steps", 150, "--evaluate-minutes", 30, "--out", run, "--json",
        "--grid-intensity", 56, "--pue", 1.5, cwd=foreign,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return run, done


@pytest.fixture
def start_sslbench(clean_environment: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start the console script and go on; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path, cwd: Path) -> subprocess.Popen[str]:
        command = [str(SCRIPT), *map(str, arguments)]
        process = subprocess.Popen(
            command, cwd=cwd, env=clean_environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.communicate()


@pytest.fixture(scope="session")
def wait_for() -> Callable[..., None]:
    """Wait until something holds while a process lives."""

    def wait(holds: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 120.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < end, "waited too long"
            time.sleep(0.02)

    return wait
