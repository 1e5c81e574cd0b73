"""A disk that is full is one line and exit code 1, whichever library meets it, and leaves nothing half-written."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ssl_bench.sessions.run_folder import RunFolder
from ssl_benchmarks.files.atomic import write_atomically
from ssl_benchmarks.files.disk import is_full, refusal
from ssl_models.errors import BadInputError
from ssl_models.loading.checkpoints import write_tensors
from ssl_reports.pictures.training import training_picture

Run = Callable[..., "subprocess.CompletedProcess[str]"]
LIMIT = 8_192


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file of this process may grow beyond this; Python ignores the signal, so a write is an error as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def much() -> bytes:
    return np.random.default_rng(0).bytes(10 * LIMIT)


WRITERS: dict[str, Callable[[Path], object]] = {
    "run.json": lambda folder: write_atomically(folder / "run.json", much()),
    "power.csv.gz": lambda folder: RunFolder(folder).add_trace(
        [
            (float(i), "gpu0", float(watts), 50.0, 1980.0, 0.5, "sampled")
            for i, watts in enumerate(np.frombuffer(much(), np.int64))
        ],
        attempt=1,
    ),
    "metrics.jsonl": lambda folder: RunFolder(folder).add_metrics({"loss": much().hex()}),
    "training.png": lambda folder: training_picture(
        [{"attempt": 1, "seconds": i, "loss": i % 7} for i in range(99)], pd.DataFrame(), folder / "training.png"
    ),
}


@pytest.mark.parametrize("name", WRITERS)
def test_each_file_is_refused_in_one_line_and_not_left_half_written(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path)  # what is imported on the way, and a figure's fonts, are no part of this
    for path in tmp_path.iterdir():
        path.unlink()
    with largest_file(LIMIT), pytest.raises(OSError, match=r"File too large|No space left") as caught:
        WRITERS[name](tmp_path)
    assert refusal(caught.value).startswith(f"{tmp_path / name}: ")
    assert not [path for path in tmp_path.iterdir() if path.stat().st_size]


def test_a_checkpoint_is_refused_with_the_system_s_own_error(tmp_path: Path) -> None:
    with largest_file(LIMIT), pytest.raises(OSError, match="File too large") as caught:
        write_tensors({"weight": torch.zeros(10 * LIMIT)}, tmp_path / "model.safetensors")
    assert refusal(caught.value) == f"{tmp_path / 'model.safetensors'}: file too large"


def test_a_line_of_the_curve_stays_whole_where_the_next_does_not_fit(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.add_metrics({"step": 5})
    with largest_file(LIMIT), pytest.raises(OSError, match="No space left"):
        run.add_metrics({"step": 10, "loss": much().hex()})
    assert run.metrics() == [{"step": 5}]
    run.add_metrics({"step": 15})
    assert run.metrics_path.read_bytes() == b'{"step": 5}\n{"step": 15}\n'


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a"), "a: no space left on device"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk quota exceeded"),
        (RuntimeError('IoError(Os { code: 28, kind: StorageFull, message: "x" })'), "no space left on device"),
        (RuntimeError("I/O error: x (os error 30)"), "read-only file system"),
        (RuntimeError("[enforce fail at x.cc] . No space left on device"), "no space left on device"),
        (OSError("897980 requested and 1984 written"), "no space left on device"),
        (OSError(errno.ENOENT, "No such file", "a"), ""),
        (RuntimeError("error, code: 28"), ""),
    ],
    ids=["full", "quota", "rust", "read-only", "words", "numpy", "missing", "other code"],
)
def test_a_disk_is_known_by_number_and_by_words(error: Exception, wanted: str) -> None:
    assert refusal(error) == wanted
    raised = BadInputError("features cannot be stored there")
    raised.__cause__ = error
    assert refusal(raised) == wanted
    assert is_full(raised) == (wanted not in {"", "read-only file system"})


@pytest.mark.slow
def test_a_training_whose_checkpoint_does_not_fit_is_one_line_and_goes_on_when_there_is_room(
    sslbench: Run, speech: Path, small_toml: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    asked = (
        "train-and-measure",
        "--config",
        small_toml,
        "--data",
        speech,
        "--steps",
        60,
        "--no-evaluate",
        "--out",
        run,
    )
    with largest_file(60_000):
        done = sslbench(*asked, cwd=tmp_path, fresh=True)  # a child of this process, whose limits it has
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "file too large" in done.stderr.strip().splitlines()[-1]
    assert {p.name for p in run.rglob(".*")} <= {".lock", ".attempt.json"}
    assert os.listdir(run / "checkpoints") == []  # noqa: PTH208 - the names are what matters
    done = sslbench("train-and-measure", "--resume", "--out", run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
