"""A command as if nothing stood between it and its caller: terminal, streams, signals and exit code are its own."""

from __future__ import annotations

import errno
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ssl_benchmarks.processes.interruption import ignored_before
from ssl_models.errors import BadInputError

PASSED_ON = frozenset(
    {signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH}
)
"""Signals that a caller may send to the meter and mean for the command."""
WATCHED = PASSED_ON | {signal.SIGCHLD}
NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""A shell's exit codes for a command that it cannot start."""
FIRST_LOOK_S = 0.05
SENT_BY_KERNEL = 0x80
"""`si_code` of a signal from the terminal, which the command has received too."""


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: exit code; None if a signal ended it.
        signal: number of that signal, else None.
    """

    code: int | None
    signal: int | None = None

    @property
    def words(self) -> str:
        """Such as "with exit code 3" or "by signal SIGTERM"."""
        if self.signal is None:
            return f"with exit code {self.code}"
        with suppress(ValueError):
            return f"by signal {signal.Signals(self.signal).name}"
        return f"by signal {self.signal}"

    @property
    def exit_code(self) -> int:
        """As a shell reports it."""
        return 128 + self.signal if self.signal is not None else self.code or 0


def cannot_start(error: OSError, command: Sequence[str]) -> tuple[str, int]:
    """The message and a shell's exit code for a command that the system refuses to start."""
    code = NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE
    return f"{command[0]}: {error.strerror or error}", code


def block_signals() -> None:
    """Keep the signals meant for the command waiting, in threads started from now on too."""
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)


class Child:
    """A command that has been started; signals meant for it are passed on until it has ended.

    Args:
        command: the program, found as a shell finds it, and its arguments.

    Raises:
        OSError: if it cannot be started.
        BadInputError: for an argument that no program can be given.
    """

    def __init__(self, command: Sequence[str]) -> None:
        if any("\0" in word for word in command):
            raise BadInputError("a command cannot hold a null character")
        block_signals()
        ignored = [number for number in (signal.SIGINT, signal.SIGQUIT) if ignored_before(number)]
        kept = {number: signal.signal(number, signal.SIG_IGN) for number in ignored}
        try:
            self.pid = os.posix_spawnp(
                command[0], list(command), os.environ, setsigmask=[], setsigdef=[signal.SIGPIPE, signal.SIGXFSZ]
            )
        finally:
            for number, handler in kept.items():
                signal.signal(number, handler)
        for number in PASSED_ON:
            if signal.getsignal(number) == signal.SIG_IGN:  # it would be lost before it could be passed on
                signal.signal(number, lambda *_: None)

    def wait(self, look: Callable[[], None], every_s: float) -> Ended:
        """Wait for its end; `look` is called about every `every_s` seconds meanwhile, more often at first."""
        gap, due = FIRST_LOOK_S, time.monotonic() + FIRST_LOOK_S
        while (ended := self._ended()) is None:
            if time.monotonic() >= due:
                look()
                gap = min(2 * gap, every_s)
                due = time.monotonic() + gap
            number = _meant_for_the_command(max(0.01, due - time.monotonic()))
            if number is not None:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, number)
        return ended

    def _ended(self) -> Ended | None:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        if os.WIFSIGNALED(status):
            return Ended(None, os.WTERMSIG(status))
        return Ended(os.WEXITSTATUS(status))


def _meant_for_the_command(seconds: float) -> int | None:
    """A signal to pass on, waited for at most so long; one from the terminal has reached the command already."""
    if not hasattr(signal, "sigtimedwait"):  # macOS, which does not report its origin either
        time.sleep(min(seconds, 0.1))
        number = next(iter(signal.sigpending() & PASSED_ON), None)
        if number is not None:
            signal.sigwait({number})
        return None if number == signal.SIGINT and sys.stdin.isatty() else number
    found = signal.sigtimedwait(WATCHED, seconds)
    passed = found is not None and found.si_signo in PASSED_ON and found.si_code != SENT_BY_KERNEL
    return found.si_signo if found is not None and passed else None


def end_as(ended: Ended) -> int:
    """End this process as the command ended, if a signal did that; otherwise return the exit code."""
    if ended.signal is None or ended.signal in {signal.SIGKILL, signal.SIGSTOP}:
        return ended.exit_code
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the command's own core dump is enough
    with suppress(OSError, ValueError):
        signal.signal(ended.signal, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {ended.signal})
        os.kill(os.getpid(), ended.signal)
    return ended.exit_code
