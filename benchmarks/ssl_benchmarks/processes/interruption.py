"""Ctrl-C, termination, hang-up and SIGUSR1 all end long work in the same way: soon, with a record of what was done."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs
    from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1)
SAME_S = 1.0
"""Signals within this time (s) are one request: a terminal, a job manager and a parent may each send one."""
AGAIN_S = 0.1


@dataclass
class StopRequest:
    """Whether the user wants the work to end at its next good stopping point."""

    made: bool = False


class _Answer:
    """The requests made by the signals of one command.

    Attributes:
        asked_s: time of the first signal, None before it.
        waiting: work that ends by itself on request, so that the first signal need not interrupt it.
        ignored: the signals that this process ignored when it was started.
    """

    def __init__(self) -> None:
        self.asked_s: float | None = None
        self.waiting: list[StopRequest] = []
        self.ignored = {number for number in SIGNALS if signal.getsignal(number) == signal.SIG_IGN}

    def to_signal(self, number: int, frame: FrameType | None) -> None:
        """Signal handler: the first signal notifies waiting work or else interrupts; each later new request interrupts."""
        del number, frame
        now = time.monotonic()
        if self.asked_s is not None and now - self.asked_s < SAME_S:
            return
        self.asked_s = now
        notified = [request for request in self.waiting if not request.made]
        if not notified:
            raise KeyboardInterrupt
        for request in notified:
            request.made = True

    def to_lost(self, lost: UnraisableHookArgs) -> None:
        """Hook for uncatchable errors: an interruption raised in a finaliser is raised again outside it."""
        if issubclass(lost.exc_type, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
        else:
            sys.__unraisablehook__(lost)


_answer: _Answer | None = None


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt on each of `SIGNALS` inside the block, unless another handler has been installed.

    Inside another such block, and outside the main thread, where Python delivers no signals, this does nothing. A
    hang-up stays ignored if it was (nohup).
    """
    global _answer  # noqa: PLW0603 - signals belong to the process
    if _answer is not None or threading.current_thread() is not threading.main_thread():
        yield
        return
    with ExitStack() as stack:
        _answer = _Answer()
        stack.callback(_forget)
        for number in SIGNALS:
            ours = (signal.SIG_DFL, signal.default_int_handler, *((signal.SIG_IGN,) if number == signal.SIGINT else ()))
            _handle(stack, number, _answer.to_signal, ours)
        _handle(stack, signal.SIGALRM, signal.default_int_handler, (signal.SIG_DFL,))
        stack.callback(setattr, sys, "unraisablehook", sys.unraisablehook)
        sys.unraisablehook = _answer.to_lost
        yield


def _handle(stack: ExitStack, number: int, handler: signal._HANDLER, over: tuple[signal._HANDLER, ...]) -> None:
    """Handle a signal until the stack ends, if its current handler is one of `over`."""
    before = signal.getsignal(number)
    if before in over:
        stack.callback(signal.signal, number, before)
        signal.signal(number, handler)


def _forget() -> None:
    global _answer  # noqa: PLW0603 - signals belong to the process
    _answer = None


@contextmanager
def told_of_signals() -> Iterator[StopRequest]:
    """Inside this block, the first signal makes a request without interrupting; a later one interrupts."""
    with stopped_by_signals():
        request = StopRequest()
        if _answer is None:
            yield request
            return
        waiting = _answer.waiting
        waiting.append(request)
        try:
            yield request
        finally:
            waiting.remove(request)


def ignored_before(number: int) -> bool:
    """Whether this process ignored a signal when it was started, as in a background job."""
    return signal.getsignal(number) == signal.SIG_IGN or (_answer is not None and number in _answer.ignored)


def stop_asked() -> bool:
    """Whether a signal has asked the current command to end."""
    return _answer is not None and _answer.asked_s is not None


def ignore_signals() -> None:
    """Ignore all of them from now on: the little that is left to do must be done."""
    for number in (*SIGNALS, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
