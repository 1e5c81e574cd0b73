"""The background thread that samples, and its cost."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

JOIN_S = 2.0
"""A hanging driver must not delay the program for longer than this (s)."""


class Sampler:
    """Calls `sample` every `period_s` seconds on a daemon thread; missed calls are skipped, not made up for."""

    def __init__(self, sample: Callable[[], None], period_s: float) -> None:
        self._sample, self._period_s = sample, period_s
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sslbench-energy", daemon=True)
        self.cpu_seconds = 0.0

    def start(self) -> None:
        """Start sampling."""
        self._thread.start()

    def stop(self) -> None:
        """Wait for the sample in progress and end the thread."""
        self._halt.set()
        self._thread.join(JOIN_S)

    def _run(self) -> None:
        due = time.perf_counter() + self._period_s
        while not self._halt.wait(max(0.0, due - time.perf_counter())):
            self._sample()
            self.cpu_seconds = time.thread_time()
            due = max(due + self._period_s, time.perf_counter())
