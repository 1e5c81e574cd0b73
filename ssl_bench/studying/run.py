"""One run of a study, in a separate process: peak memory on a CPU needs a fresh one, and a failure stays contained."""

from __future__ import annotations

import subprocess
import sys
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ssl_bench.sessions.run_folder import RunFolder
from ssl_bench.settings.documents import write_toml
from ssl_benchmarks.cells.bench import ended_because
from ssl_benchmarks.processes.parent import environment_of_child
from ssl_benchmarks.record.details.common import Details
from ssl_benchmarks.record.record import Record, read_record


@dataclass(frozen=True)
class Ended:
    """The state of a run after its process has ended.

    Attributes:
        status: "unfinished" if the user stopped it.
        reason: why it failed, else empty.
        record: the run's record, None if it left none.
    """

    status: Literal["finished", "unfinished", "failed"]
    reason: str
    record: Record | None


def finished_record(folder: Path) -> Record | None:
    """The record of a finished run, else None."""
    path = folder / "run.json"
    record = read_record(path) if path.is_file() else None
    return record if record is not None and record.status == "finished" else None


def train_apart(settings: Mapping[str, Any], folder: Path) -> Ended:
    """Train into `folder`, or resume the run in it; the stderr of the process is passed on.

    Ctrl-C and SIGTERM are passed to the process, which ends with a checkpoint and a record.

    Raises:
        BadInputError: if a process of an earlier call is still writing to the run.
    """
    toml = folder.with_name(f"{folder.name}.toml")
    asked = ["--config", str(toml)]
    if (folder / "run.json").is_file():
        with RunFolder(folder).locked():
            asked = ["--resume", "--out", str(folder)]
    else:
        write_toml({**settings, "out": str(folder)}, toml)
    command = [sys.executable, "-P", "-m", "ssl_bench", "train-and-measure", *asked, "--json"]
    # In its own session it gets a Ctrl-C at the terminal only once, through us.
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env=environment_of_child(),
    ) as process:  # fmt: skip
        lines, interrupted = _passed_on(process)
    path = folder / "run.json"
    record = read_record(path) if path.is_file() else None
    if record is not None and record.status == "finished":
        return Ended("finished", "", record)
    stopped = "" if record is None else record.told(Details).stopped
    if interrupted or stopped.startswith("by the user"):
        return Ended("unfinished", "", record)
    return Ended("failed", stopped or ended_because(process.returncode, lines).removeprefix("sslbench: "), record)


def _passed_on(process: subprocess.Popen[str]) -> tuple[list[str], bool]:
    """Pass on its stderr; returns the last line, and whether the user stopped us meanwhile."""
    last: deque[str] = deque(maxlen=1)
    interrupted = False
    while True:
        try:
            for line in process.stderr or ():
                sys.stderr.write(line)
                sys.stderr.flush()
                last.extend([line.strip()] if line.strip() else [])
            process.wait()
        except KeyboardInterrupt:
            interrupted = True
            process.terminate()
        else:
            return list(last), interrupted
