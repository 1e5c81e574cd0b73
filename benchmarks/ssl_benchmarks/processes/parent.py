"""Processes that end with their parent, however the parent ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

PARENT = "SSLBENCH_PARENT"
_SET_DEATH_SIGNAL = 1
"""`PR_SET_PDEATHSIG` of Linux's prctl."""
LOOK_S = 1.0


def environment_of_child() -> dict[str, str]:
    """Our environment for a child command that is to stop, as on a termination signal, when this process ends."""
    return {**os.environ, PARENT: str(os.getpid())}


def end_with_named_parent() -> None:
    """End with the parent if the environment names this process' parent (and not that of another process)."""
    named = os.environ.pop(PARENT, "")
    if named == str(os.getppid()):
        end_with_parent(signal.SIGTERM)
    elif named:
        os.kill(os.getpid(), signal.SIGTERM)


def end_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Receive this signal when the parent ends: from the kernel on Linux, elsewhere within a second."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_DEATH_SIGNAL, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it ended before the kernel was notified
            os.kill(os.getpid(), number)
    else:
        threading.Thread(target=_look, args=(parent, number), name="sslbench-parent", daemon=True).start()


def _look(parent: int, number: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os.kill(os.getpid(), number)
