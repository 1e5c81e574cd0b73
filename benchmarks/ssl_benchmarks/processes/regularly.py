"""A small task done every few seconds besides the main work, however long its steps take."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

JOIN_S = 2.0
"""A hanging disk must not delay the work for longer than this (s)."""


class Regularly:
    """Calls `do` at once and then every `period_s` seconds on a daemon thread, while the block runs.

    A full disk is not an error here: the work will notice it when it writes its own files.
    """

    def __init__(self, do: Callable[[], None], period_s: float) -> None:
        self._do, self._period_s = do, period_s
        self._halt = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sslbench-bill", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._halt.set()
        self._thread.join(JOIN_S)

    def _run(self) -> None:
        while True:
            with suppress(OSError):
                self._do()
            if self._halt.wait(self._period_s):
                return
