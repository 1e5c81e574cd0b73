"""Each command that takes long is shown in a tracker, with the figures of its own record at the end."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ssl_bench.exporting.figures import figures_of
from ssl_benchmarks.record.record import read_run

pytestmark = pytest.mark.slow
Run = Callable[..., "subprocess.CompletedProcess[str]"]
MEASURE = ("measure", "efficient-tiny", "--clip-seconds", 1, "--duration", 0.2, "--repeats", 2)
COMPARE = ("compare", "--models", "efficient-tiny", "--phases", "inference", "--clip-seconds", 1, "--minutes", 0)
EVALUATE = ("evaluate", "efficient-tiny", "--tasks", "sid", "--minutes", 0.3)


def shown(folder: Path) -> set[str]:
    """The names of the scalars in a folder of TensorBoard's."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return set(EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload().Tags()["tensors"])


def figures(run: Path) -> set[str]:
    return {name for figure in figures_of(read_run(run).measurements) for name in figure.numbers}


@pytest.mark.parametrize("words", [MEASURE, COMPARE, EVALUATE], ids=lambda words: words[0])
def test_its_figures_are_those_of_the_record(words: tuple[object, ...], sslbench: Run, tmp_path: Path) -> None:
    options = ("--device", "cpu", "--no-idle", "--track", "tensorboard:logs", "--out", "run", "--json")
    done = sslbench(*words, *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("{")
    assert done.stderr.count("sslbench: tracked: logs/run") == 1
    assert figures(tmp_path / "run") <= shown(tmp_path / "logs" / "run")


def test_a_study_shows_itself_and_each_of_its_runs(
    sslbench: Run, tmp_path: Path, speech: Path, small_toml: Path
) -> None:
    limited = tmp_path / "limited.toml"
    limited.write_text(small_toml.read_text().replace("steps = 9999", "steps = 10"))
    done = sslbench(
        "study", "--config", limited, "--data", speech, "--seeds", 2, "--no-idle", "--track", "tensorboard:logs", "--out", "run",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    runs = [path.parent for path in (tmp_path / "run").glob("*/run.json")]
    assert len(runs) == 2
    for run in (tmp_path / "run", *runs):
        assert figures(run) <= shown(tmp_path / "logs" / run.name)
    assert all("training/loss" in shown(tmp_path / "logs" / run.name) for run in runs)
