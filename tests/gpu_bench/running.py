"""Commands of sslbench as processes, a few at a time, each with a limit at which it is interrupted as by Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOTS = [str(ROOT / folder) for folder in ("", "models", "benchmarks", "reports")]
"""Where the packages of this checkout are."""
CLOSING = 20.0
"""Seconds that an interrupted command may take to write its record; then its group of processes is killed."""
LEAST = 5.0
"""A command is not started with fewer seconds left."""
SHOWN = 160
"""Letters of a log's last line that are shown."""


@dataclass(frozen=True)
class Job:
    """A command: the words after `sslbench`, and the name of its log."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: exit code, negative for a signal; None if it was never started.
        stopped: "out of time", "no time left" or "stopped by the user"; empty if it ended by itself.
        last: the last line of its log.
    """

    job: Job
    code: int | None
    stopped: str = ""
    last: str = ""

    @property
    def fault(self) -> str:
        """What went wrong; empty if nothing did."""
        if self.code == 0 and not self.stopped:
            return ""
        how = self.stopped or f"exit {self.code}"
        return f"{self.job.name}: {how}{f' ({self.last})' if self.last else ''}"


@dataclass
class Running:
    """A started command; `due` is when it is interrupted, then when it is killed."""

    job: Job
    process: subprocess.Popen[bytes]
    log: Path
    due: float
    stopped: str = ""

    def interrupt(self, why: str) -> None:
        """As Ctrl-C does, once; the second time kill its group."""
        if self.stopped:
            return self.kill()
        self.stopped, self.due = why, time.monotonic() + CLOSING
        return self.process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def ended(self) -> Ended:
        self.kill()  # what a crash left behind
        lines = [line for line in self.log.read_text("utf-8", "replace").splitlines() if line.strip()]
        last = lines[-1].strip()[:SHOWN] if lines else ""
        return Ended(self.job, self.process.returncode, self.stopped, last)


def started(job: Job, work: Path, kept_open: int, seconds: float) -> Running:
    """Start a command in `work`, so that its record holds relative paths; it ends when this process does.

    `kept_open` is the lock's file, which it holds as long as it lives.
    """
    from ssl_benchmarks.processes.parent import environment_of_child

    given = [str(Path(path).resolve()) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    environment = environment_of_child() | {
        "PYTHONPATH": os.pathsep.join([*ROOTS, *given]),
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    log = work / "logs" / f"{job.name}.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ssl_bench", *job.words],
            cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
            start_new_session=True, pass_fds=(kept_open,),
        )  # fmt: skip
    return Running(job, process, log, time.monotonic() + seconds)


def run_jobs(jobs: Sequence[Job], work: Path, kept_open: int, *, at_once: int, seconds: float) -> list[Ended]:
    """Run all, `at_once` at a time, for at most `seconds` altogether and `CLOSING`; Ctrl-C interrupts them as the clock does."""
    end, by_user = time.monotonic() + seconds, False
    waiting, running, ended = deque(jobs), list[Running](), list[Ended]()
    while waiting or running:
        try:
            left = end - time.monotonic()
            if waiting and (by_user or left < LEAST):
                ended += [Ended(job, None, "stopped by the user" if by_user else "no time left") for job in waiting]
                waiting.clear()
            while waiting and len(running) < at_once:
                running.append(started(waiting.popleft(), work, kept_open, left))
            for each in [each for each in running if time.monotonic() > each.due]:
                each.interrupt("out of time")
            done = [each for each in running if each.process.poll() is not None]
            ended += [each.ended() for each in done]
            running = [each for each in running if each not in done]
            time.sleep(0.05)
        except KeyboardInterrupt:
            by_user = True
            for each in running:
                each.interrupt("stopped by the user")
    return ended
