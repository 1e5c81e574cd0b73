"""Processes that end with the one that started them, however that one ends."""

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
    """Our environment for a command of ours that shall stop, as by a termination signal, when this process is gone."""
    return {**os.environ, PARENT: str(os.getpid())}


def end_with_named_parent() -> None:
    """Do so where the environment names this process' parent, and only this process'."""
    named = os.environ.pop(PARENT, "")
    if named == str(os.getppid()):
        end_with_parent(signal.SIGTERM)
    elif named:
        os.kill(os.getpid(), signal.SIGTERM)


def end_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Get this signal when the process that started us ends, by the kernel on Linux, elsewhere within a second."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_DEATH_SIGNAL, int(number), 0, 0, 0)
        if os.getppid() != parent:  # it ended before the kernel knew
            os.kill(os.getpid(), number)
    else:
        threading.Thread(target=_look, args=(parent, number), name="sslbench-parent", daemon=True).start()


def _look(parent: int, number: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os.kill(os.getpid(), number)
