"""A command that runs a user's model continues in a child process, so that even a crash is reported in one line.

The parent imports nothing more: it forwards signals, reports what the command is waiting for, and says how the child
ended. The command prints its result on a separate descriptor; whatever the model prints goes to standard error.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TextIO

from ssl_benchmarks.processes.parent import end_with_parent

WAIT_S = 10.0
"""s after which the parent reports what the command is waiting for."""
GRACE_S = {True: 3.0, False: 30.0}
"""s that Ctrl-C may take while the user's code is running (True), and while a record is written (False)."""
PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT")


@dataclass
class _Door:
    """The role of this process: it may still fork, or is the child of one that has.

    Attributes:
        open: whether a command may continue in a child.
        out: the stream that the child's command prints to.
        word: descriptor for the child's messages to its parent.
        process: the child's process ID, by which its own forks are recognised.
        last: the line that the command ends with.
    """

    open: bool = False
    out: TextIO | None = None
    word: int | None = None
    process: int = 0
    last: str = ""


_door = _Door()


def may_split() -> None:
    """Allow a later fork; called by the command line before anything else."""
    _door.open = hasattr(os, "fork")


def apart_if_own(models: Sequence[str | None]) -> None:
    """Continue in a child process if one of the models is the user's own code; the parent never returns."""
    from ssl_models.catalog import is_own

    own = [name for name in models if name and is_own(name)]
    if not own or not _door.open:
        return
    _door.open = False
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        os._exit(_Watched(", ".join(own), child, reading).watch())
    os.close(reading)
    _be_the_child(writing)


def _be_the_child(word: int) -> None:
    from ssl_models.loading.user_code import listeners

    with suppress(OSError):
        os.setpgid(0, 0)  # only the parent gets the terminal's signals, and forwards each once
    end_with_parent()  # without its parent, no one would read the result
    _door.out = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)
    _door.word, _door.process = word, os.getpid()
    os.dup2(2, 1)
    listeners.append(_at)
    os.register_at_fork(after_in_child=_forget)


def _forget() -> None:
    """Close the descriptors in a fork of the child, which must not speak for the command."""
    if _door.out is not None:
        with suppress(OSError):
            os.close(_door.out.fileno())
    if _door.word is not None:
        with suppress(OSError):
            os.close(_door.word)
    _door.word = None


def out() -> TextIO:
    """The stream that a command prints its result to."""
    if _door.out is None:
        return sys.stdout
    if os.getpid() != _door.process:
        os._exit(1)
    return _door.out


def in_child() -> bool:
    """Whether this process is a child that runs a user's model."""
    return _door.out is not None


def _at(text: str) -> None:
    _tell(at=text)


def _tell(**words: Any) -> None:  # noqa: ANN401 - for JSON
    """Send a message to the parent."""
    if _door.word is not None and os.getpid() == _door.process:
        with suppress(OSError):
            os.write(_door.word, (json.dumps(words) + "\n").encode())


def told_last(line: str) -> bool:
    """Keep a command's last line for the parent to print; returns whether there is a parent."""
    if in_child():
        _door.last = line
    return in_child()


def done(code: int) -> int:
    """Inform the parent that the command has ended; returns the exit code, 1 if the result could not be written."""
    if _door.out is not None and os.getpid() == _door.process:
        try:
            _door.out.flush()
        except (OSError, ValueError) as error:
            code = 1
            _door.last = _door.last or f"sslbench: cannot write the result to stdout ({error})"
        _tell(done=code, line=_door.last)
    return code


@dataclass
class _Watched:
    """The child as its parent sees it.

    Attributes:
        own: the user's models.
        at: what their code is doing, as far as is known.
        done: exit code and last line, once the child has reported its end.
    """

    own: str
    child: int
    reading: int
    at: str = ""
    done: tuple[int, str] | None = None
    stopped: float | None = None
    began: float = field(default_factory=time.monotonic)
    _rest: bytes = b""

    def watch(self) -> int:
        """Wait for the child; returns the exit code of the command."""
        for number in (getattr(signal, name) for name in PASSED_ON if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as SIGHUP is under nohup
                signal.signal(number, self._pass_on)
        said = ""
        while (status := self._ended(0.5 if self.stopped is None else 0.1)) is None:
            if self.at and self.at != said and time.monotonic() - self.began > WAIT_S:
                said = self.at
                self._say(f"{self.at}: {WAIT_S:.0f} s so far; Ctrl-C stops it")
            if self.stopped is not None and time.monotonic() - self.stopped > GRACE_S[bool(self.at)]:
                self._kill()
        self._listen()
        self._kill()  # any processes that it left behind
        if self.done is not None:
            if self.done[1]:
                self._say(self.done[1])
            return self.done[0]
        where = f" while {self.at}" if self.at else " without a result"
        self._say(f"sslbench: {'' if self.at else f'{self.own}: '}the process {how_it_ended(status)}{where}")
        return 1

    def _ended(self, seconds: float) -> int | None:
        """The child's exit status, or None if it is still running after so many seconds."""
        with suppress(InterruptedError):
            if select.select([self.reading], [], [], seconds)[0] and not self._listen():
                time.sleep(min(seconds, 0.05))  # it has closed its end and is about to exit
        number, status = os.waitpid(self.child, os.WNOHANG)
        return status if number else None

    def _listen(self) -> bool:
        """Read the child's messages; returns whether more may follow."""
        while select.select([self.reading], [], [], 0)[0]:
            if not (received := os.read(self.reading, 65536)):
                return False
            *lines, self._rest = (self._rest + received).split(b"\n")
            for line in lines:
                with suppress(ValueError):
                    self._take(json.loads(line))
        return True

    def _take(self, words: dict[str, Any]) -> None:
        if "at" in words:
            self.at, self.began = str(words["at"]), time.monotonic()
        if "done" in words:
            self.done = int(words["done"]), str(words["line"])

    def _pass_on(self, number: int, frame: object) -> None:
        del frame
        if self.stopped is not None and number == signal.SIGINT:
            self._kill()  # the second Ctrl-C
            return
        self.stopped = time.monotonic()
        with suppress(OSError):
            os.kill(self.child, number)

    def _kill(self) -> None:
        with suppress(OSError):
            os.killpg(self.child, signal.SIGKILL)

    def _say(self, line: str) -> None:
        with suppress(OSError):
            sys.stderr.write(line + "\n")
            sys.stderr.flush()


def how_it_ended(status: int) -> str:
    """A waitpid status in words."""
    if not os.WIFSIGNALED(status):
        return f"exited with code {os.WEXITSTATUS(status)}"
    number = os.WTERMSIG(status)
    name = signal.Signals(number).name
    more = " (as the kernel does when memory runs out)" if number == signal.SIGKILL else ""
    return f"was ended by {name}{more}"
