"""Work that a tracker shows while it goes on: a process beside it follows the run folder (see `follow`)."""

from __future__ import annotations

import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ssl_bench.exporting.follow import LAST_S

READY_S = 30.0
"""Seconds that work waits for the tracker's library, so that nothing is measured while it starts."""
Process = subprocess.Popen[bytes]


@contextmanager
def tracked(track: str | None, run: Path) -> Iterator[None]:
    """Follow a run folder while the block runs; a tracker that fails neither ends the block nor slows it.

    Args:
        track: as `--track` takes it; None follows nothing.
        run: the run folder.
    """
    if track is None:
        yield
        return
    command = [sys.executable, "-P", "-m", "ssl_bench.exporting.follow", track, str(run)]
    # In a session of its own no signal from the terminal reaches it: it sends the last figures after an interruption.
    try:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    except OSError as error:
        sys.stderr.write(f"sslbench: --track {track}: cannot be started ({error.strerror}); the run goes on\n")
        yield
        return
    try:
        select.select([process.stdout.fileno()], [], [], READY_S)  # type: ignore[union-attr]
        yield
    finally:
        _end(process)


def _end(process: Process) -> None:
    """Let it send what is left, for a limited time."""
    with suppress(OSError):
        process.stdin.write(b"end\n")  # type: ignore[union-attr] # forks of ours may hold the pipe open
    with suppress(OSError):
        process.stdin.close()  # type: ignore[union-attr]
    process.stdout.close()  # type: ignore[union-attr]
    with suppress(subprocess.TimeoutExpired):
        process.wait(LAST_S + 1)
    process.kill()
    process.wait()
