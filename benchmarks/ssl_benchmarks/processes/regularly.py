"""Something small done every few seconds beside the work, however long a step of it takes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

JOIN_S = 2.0
"""A disk that hangs must not hold the work up for longer than this."""


class Regularly:
    """Calls `do` at once and then every `period_s` seconds on a daemon thread, while the block runs.

    A disk that is full ends nothing here: the work meets it in its own files.
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
