"""`make bench-gpu` on a machine without a GPU: it reports what is missing, needs no venv, and leaves records; when it ends, its parts end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from ssl_bench.data.corpus import read_corpus
from ssl_benchmarks.record.record import read_record

ROOT = Path(__file__).parents[1]
PACKAGES = os.pathsep.join(map(str, (ROOT, ROOT / "models", ROOT / "benchmarks", ROOT / "reports")))
SCRIPT = ROOT / "tests" / "bench_gpu.py"


def started(*words: object) -> subprocess.Popen[str]:
    """The script as make starts it."""
    environment = os.environ | {
        "PYTHONPATH": PACKAGES,
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-P", str(SCRIPT), *map(str, words)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/"
    )


MISSING = """
import runpy, sys
for name in ("soundfile", "jiwer"):
    sys.modules[name] = None  # what cannot be imported
del sys.argv[0]
sys.exit(runpy.run_path(sys.argv[0])["main"]())
"""


def test_each_missing_package_is_a_line_with_its_purpose(warm: Callable[..., Any], tmp_path: Path) -> None:
    arguments = [SCRIPT, "--quick", "--out", tmp_path / "run"]
    done = warm(*arguments, cwd=tmp_path, env=dict(os.environ), code=MISSING).finish()
    told = done.stdout.splitlines()
    assert done.returncode == 2, done.stderr
    assert [line.split(":")[0] for line in told[1:]] == ["soundfile", "jiwer (and rapidfuzz)"]
    assert "reading speech" in told[1]
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.parametrize("given", [False, True], ids=["sample corpus", "a folder"])
def test_both_parts_leave_their_records(given: bool, small_librispeech: Path, tmp_path: Path) -> None:  # noqa: FBT001 - a case
    folder = small_librispeech if given else tmp_path / "none"
    process = started("--quick", "--speech", folder, "--out", tmp_path / "run")
    told = process.communicate()[0]
    assert process.returncode == 0, told
    assert told.startswith("bench-gpu on the CPU, with tiny sizes and smaller budgets")
    for equal in ("joules", "audio-hours"):
        record = read_record(tmp_path / "run" / equal / "run.json")
        assert record.status == "finished"
        assert [entry["status"] for entry in record.details["study"]["runs"]] == ["finished"]
        metrics = {row.metric for row in record.measurements if row.model == "efficient-tiny"}
        assert {"cer", "per"} <= metrics
        assert "real_time_factor" not in metrics
        assert f"== equal {equal}: " in told
    assert "left out: nothing" in told
    assert {entry["from"] for entry in record.details["controls_read"]} == {"joules"}
    assert {entry["system"] for entry in record.details["controls_read"]} == {"efficient-tiny (untrained)", "log-mel"}
    apart = [set(read_corpus(tmp_path / "run" / part).speakers) for part in ("train", "test")]
    assert not apart[0] & apart[1]
    assert len(read_corpus(tmp_path / "run" / "test").utterances) == len(apart[1]) == 4


@pytest.mark.slow
def test_it_ends_in_time_and_names_what_was_left_out(tmp_path: Path) -> None:
    """With hardly any time, both parts are interrupted, and neither is an error."""
    process = started("--quick", "--limit", 4, "--out", tmp_path / "run")
    told = process.communicate()[0]
    assert process.returncode == 0, told
    assert "interrupted by the clock; closing" in told
    (line,) = (line for line in told.splitlines() if line.startswith("left out: "))
    for equal in ("joules", "audio-hours"):
        assert f"equal {equal}: efficient-tiny, " in line


@pytest.mark.slow
def test_what_ends_it_ends_its_part(tmp_path: Path) -> None:
    """Terminated like a job: the part is interrupted and writes its record, and no process is left."""
    process = started("--quick", "--out", tmp_path / "run")
    record = tmp_path / "run" / "joules" / "run.json"
    while not record.is_file():
        assert process.poll() is None
        time.sleep(0.1)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    told = process.communicate()[0]
    assert process.returncode == 1, told
    assert "interrupted by the user; closing" in told
    assert read_record(record).status == "unfinished"
    assert children
    assert not psutil.wait_procs(children, timeout=5)[1]
