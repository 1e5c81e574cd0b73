"""Running a user's own code so that its effects on this process do not outlast it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TextIO

from ssl_models.errors import BadInputError

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGPIPE", "SIGALRM")

listeners: list[Callable[[str], None]] = []
"""Called with what the user's code is doing, such as "loading mine.py:encoder", and with "" when it is done."""


@contextmanager
def contained(what: str, doing: str) -> Iterator[None]:
    """Run a user's code in the block: `what` it is and what it is `doing` are in every line about it.

    Standard streams, working directory and signal handlers are restored afterwards; a forked process that leaves the
    block, which only one process entered, is ended there.

    Raises:
        BadInputError: for anything that the code raises, including `sys.exit`; Ctrl-C is passed on.
    """
    process, before = os.getpid(), _Surroundings.now()
    _tell(f"{doing} {what}")
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BadInputError:
        raise
    except BaseException as error:
        raise BadInputError(f"{what}: {doing} failed with {said(error)}") from error
    finally:
        if os.getpid() != process:
            os._exit(1)
        before.restore()
        _tell("")


@contextmanager
def told(what: str) -> Iterator[None]:
    """Report what the block is waiting for."""
    _tell(what)
    try:
        yield
    finally:
        _tell("")


def said(error: BaseException) -> str:
    """An error from the user's own code in one line."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - its own __str__ may fail too
        text = "no message"
    return f"{type(error).__name__}: {text}"[:400]


def _tell(text: str) -> None:
    for listener in listeners:
        listener(text)


@dataclass(frozen=True)
class _Surroundings:
    """The parts of a process that a user's code may change but should not.

    Attributes:
        copies: descriptors 0, 1 and 2 with a copy of each.
        streams: `sys.stdin`, `sys.stdout` and `sys.stderr`.
        folder: the working directory; empty if it no longer exists.
        handlers: signal handlers; none outside the main thread, which alone may set them.
    """

    copies: dict[int, int]
    streams: dict[str, TextIO | None]
    folder: str
    handlers: dict[int, Any]

    @classmethod
    def now(cls) -> _Surroundings:
        copies: dict[int, int] = {}
        for descriptor in range(3):
            with suppress(OSError):
                copies[descriptor] = os.dup(descriptor)
        folder = ""
        with suppress(OSError):
            folder = os.getcwd()  # noqa: PTH109 - passed to os.chdir later
        main = threading.current_thread() is threading.main_thread()
        numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)] if main else []
        streams = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}
        return cls(copies, streams, folder, {number: signal.getsignal(number) for number in numbers})

    def restore(self) -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):
                stream.flush()
        for descriptor, copy in self.copies.items():
            with suppress(OSError):
                os.dup2(copy, descriptor)
                os.close(copy)
        for number, (name, stream) in enumerate(self.streams.items()):
            closed = stream is None or getattr(stream, "closed", False)
            if closed and number in self.copies:
                stream = open(number, "r" if number == 0 else "w", closefd=False, encoding="utf-8")  # noqa: SIM115, PLW2901 - for the rest of the process
            setattr(sys, name, stream)
        if self.folder:
            with suppress(OSError):
                os.chdir(self.folder)
        for number, handler in self.handlers.items():
            if handler is not None and signal.getsignal(number) is not handler:
                signal.signal(number, handler)
