"""A command that runs a model of the user's own goes on in a child process, so that any way to die leaves one line.

The first process keeps the real standard output and imports nothing more; it passes signals on, tells what is waited for, and
says how the child ended. The child hands over what the command prints on a descriptor of its own: what the model prints, by
whatever way, goes to standard error.
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
"""After which it is said what is waited for."""
GRACE_S = {True: 3.0, False: 30.0}
"""How long Ctrl-C may take while the user's code is loaded, and while a record is written."""
PASSED_ON = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGQUIT")


@dataclass
class _Door:
    """What this process is: one that may still split, or the child of one that has.

    Attributes:
        open: whether a command may go on in a child.
        out: where the child's command prints.
        word: descriptor of what the child tells.
        process: the child's own number; a fork of it is none of ours.
        last: the line that the command ends with.
    """

    open: bool = False
    out: TextIO | None = None
    word: int | None = None
    process: int = 0
    last: str = ""


_door = _Door()


def may_split() -> None:
    """Called by the command line, before anything: from here on the process is ours to split."""
    _door.open = hasattr(os, "fork")


def apart_if_own(models: Sequence[str | None]) -> None:
    """Go on in a child process where one of the models is code of the user's own; the process that called never returns."""
    from ssl_models.catalog import is_foreign

    own = [name for name in models if name and is_foreign(name) and not name.startswith("hf:")]
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
        os.setpgid(0, 0)  # the first process alone hears the terminal, and passes each signal on once
    end_with_parent()  # nobody is left to read what is measured
    _door.out = os.fdopen(os.dup(1), "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)
    _door.word, _door.process = word, os.getpid()
    os.dup2(2, 1)
    listeners.append(_at)
    os.register_at_fork(after_in_child=_forget)


def _forget() -> None:
    """A fork of the child, by whomever, speaks for no command."""
    if _door.out is not None:
        with suppress(OSError):
            os.close(_door.out.fileno())
    if _door.word is not None:
        with suppress(OSError):
            os.close(_door.word)
    _door.word = None


def out() -> TextIO:
    """Where a command prints its result."""
    if _door.out is None:
        return sys.stdout
    if os.getpid() != _door.process:
        os._exit(1)
    return _door.out


def in_child() -> bool:
    """Whether this process runs a model of the user's for another one."""
    return _door.out is not None


def _at(text: str) -> None:
    _tell(at=text)


def _tell(**words: Any) -> None:  # noqa: ANN401 - for JSON
    """Tell the first process."""
    if _door.word is not None and os.getpid() == _door.process:
        with suppress(OSError):
            os.write(_door.word, (json.dumps(words) + "\n").encode())


def told_last(line: str) -> bool:
    """Keep the line that a command ends with, for the first process to say; whether there is one."""
    if in_child():
        _door.last = line
    return in_child()


def done(code: int) -> int:
    """Tell the first process that the command is over; returns the exit code, 1 where the result could not be handed over."""
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
    """The child as the first process sees it.

    Attributes:
        own: the models that are the user's.
        at: what their code is at, as far as is known.
        done: exit code and last line, once the child has said that it is done.
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
            if signal.getsignal(number) is not signal.SIG_IGN:  # as a hang-up is under nohup
                signal.signal(number, self._pass_on)
        said = ""
        while (status := self._ended(0.5 if self.stopped is None else 0.1)) is None:
            if self.at and self.at != said and time.monotonic() - self.began > WAIT_S:
                said = self.at
                self._say(f"{self.at}: for {WAIT_S:.0f} s now; Ctrl-C ends it")
            if self.stopped is not None and time.monotonic() - self.stopped > GRACE_S[bool(self.at)]:
                self._kill()
        self._listen()
        self._kill()  # what it forked and left behind
        if self.done is not None:
            if self.done[1]:
                self._say(self.done[1])
            return self.done[0]
        where = f" while {self.at}" if self.at else ", with no result"
        self._say(f"sslbench: {'' if self.at else f'{self.own}: '}the process {how_it_ended(status)}{where}")
        return 1

    def _ended(self, seconds: float) -> int | None:
        """The child's status, after at most so long."""
        with suppress(InterruptedError):
            if select.select([self.reading], [], [], seconds)[0] and not self._listen():
                time.sleep(min(seconds, 0.05))  # it has closed its end, and is about to go
        number, status = os.waitpid(self.child, os.WNOHANG)
        return status if number else None

    def _listen(self) -> bool:
        """Take up what the child has told; whether it still may tell more."""
        while select.select([self.reading], [], [], 0)[0]:
            if not (told := os.read(self.reading, 65536)):
                return False
            *lines, self._rest = (self._rest + told).split(b"\n")
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
            self._kill()  # asked twice
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
    """A status of waitpid in words."""
    if not os.WIFSIGNALED(status):
        return f"ended itself with exit code {os.WEXITSTATUS(status)}"
    number = os.WTERMSIG(status)
    name = signal.Signals(number).name
    more = ", as the kernel does when memory runs out," if number == signal.SIGKILL else ""
    return f"was ended by {name}{more}"
