"""The process that follows a run folder for `--track`: `python -m ssl_bench.exporting.follow TRACK RUN`.

What a tracker needs (its imports, threads and network) stays out of the process that is measured. All that is sent is in
the folder, so that a server that is away for a while misses nothing.
"""

from __future__ import annotations

import atexit
import os
import select
import shlex
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TextIO

from ssl_bench.exporting.follower import Follower, TrackerError
from ssl_bench.settings.exporting import PACKAGES, parse_track
from ssl_benchmarks.processes.interruption import ignore_signals
from ssl_models.errors import BadInputError

LOOK_S = 2.0
"""Seconds between two looks at the folder."""
AGAIN_S = 30.0
"""Seconds after which a tracker that failed is tried again."""
LAST_S = 20.0
"""Seconds that the last look may take; then the process ends in any case."""
YIELDING = 10
"""Steps of priority below the work beside it."""
READY = b"ready\n"


@dataclass
class Following:
    """A follower that warns once and goes on.

    Attributes:
        trouble: why the last look failed; empty if it did not.
    """

    follower: Follower
    say: Callable[[str], None]
    trouble: str = ""
    _warned: bool = False
    _shown: bool = False
    _tried: float = field(default_factory=lambda: -AGAIN_S)

    def look(self) -> None:
        """Send what is new, unless the tracker failed a short while ago."""
        if self.trouble and time.monotonic() - self._tried < AGAIN_S:
            return
        self._try(self.follower.look)
        if self.trouble and not self._warned:
            self._warned = True
            self.say(f"--track {self.trouble}; the run goes on, and what was not sent follows later")
        if self.follower.place and not self._shown:
            self._shown = True
            self.say(f"tracked: {self.follower.place}")

    def close(self) -> None:
        """Send what is left."""
        self._try(self.follower.close)

    def _try(self, send: Callable[[], None]) -> None:
        self.trouble, self._tried = "", time.monotonic()
        try:
            send()
        except (TrackerError, BadInputError) as error:
            self.trouble = str(error)


def main() -> None:
    """Follow until stdin says that the work has ended, or the parent is gone."""
    track, run = sys.argv[1:]
    ignore_signals()  # whatever ends the work, its last figures are sent
    os.nice(YIELDING)
    parent, say, destination = os.getppid(), _speaker(), parse_track(track)
    with suppress(ImportError):  # which the first look reports
        import_module(PACKAGES[destination.tool])
    os.write(1, READY)
    _silence()
    following = Following(Follower(destination, Path(run)), say)
    while not select.select([0], [], [], LOOK_S)[0] and os.getppid() == parent:
        following.look()
    last = threading.Timer(LAST_S, os._exit, (1,))
    last.daemon = True
    last.start()
    following.close()
    if following.trouble:
        uri = ["--uri", track.partition(":")[2]] if destination.tool == "mlflow" and ":" in track else []
        later = shlex.join(["sslbench", "export", run, "--to", destination.tool, *uri])
        say(f"--track {following.trouble}; to send what is missing: {later}")
    atexit._run_exitfuncs()  # libraries write what they hold
    os._exit(0)  # their threads may wait for a server that is gone


def _speaker() -> Callable[[str], None]:
    """What prints a line on our stderr, also when libraries no longer reach it."""
    ours: TextIO = os.fdopen(os.dup(2), "w")
    clear = "\r\x1b[2K" if ours.isatty() else ""  # the work may be drawing its progress there

    def say(line: str) -> None:
        with suppress(OSError):
            ours.write(f"{clear}sslbench: {line}\n")
            ours.flush()

    return say


def _silence() -> None:
    """What libraries print from now on goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)


if __name__ == "__main__":
    main()
