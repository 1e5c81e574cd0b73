"""Forks a process for each cell from one that has imported everything: `python -P -m ssl_benchmarks.cells.server DESCRIPTOR fork|fresh [MODEL ...]`.

Over the socket DESCRIPTOR come "fork", with the channel of the new process and a file for what it prints, answered by its
number, and the number of a process whose end is asked for, answered by its exit code. The socket's end is the end of all.
This process builds a model of the catalog on fake tensors alone, and touches no GPU: its children would inherit threads
and a context that do not survive a fork. Where they cannot be forked ("fresh", or something has touched CUDA all the same), each
starts from nothing.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import signal
import socket
import sys
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection

from ssl_benchmarks.processes.interruption import ignore_signals
from ssl_benchmarks.processes.parent import end_with_parent

EVERY_CELL = (
    "numpy", "pandas", "torch", "ssl_benchmarks.timing.ceiling", "ssl_benchmarks.energy", "ssl_benchmarks.energy.neighbours.processes", "ssl_benchmarks.cells.plan",
    "ssl_benchmarks.cells.worker", "ssl_benchmarks.cells.steps",
)  # fmt: skip
LAST_WORDS = 10.0
"""s that a process whose channel has ended may take to end."""


def main() -> None:
    """Import, then fork on demand."""
    ignore_signals()  # they are the command's to answer, and this process ends with it
    end_with_parent()
    control = socket.socket(fileno=int(sys.argv[1]))
    fresh, models = sys.argv[2] == "fresh", sys.argv[3:]
    if not fresh:
        _import_for(models)
    gc.freeze()  # or the children's collector would write to every page that they share
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 16, 2)
        if not message:
            return
        if message == b"fork":
            control.send(str(_forked(control, *descriptors, fresh=fresh)).encode())
        else:
            control.send(str(_exit_code(int(message))).encode())


def _import_for(models: list[str]) -> None:
    """Import what every cell needs, and what building these models imports."""
    from ssl_models.lazy_compiler import import_compiler_when_needed

    import_compiler_when_needed()
    for name in EVERY_CELL:
        importlib.import_module(name)
    from ssl_benchmarks.counting.flops import fake_tensors
    from ssl_models.catalog import pretraining

    for name in models:
        with suppress(Exception), fake_tensors():  # whatever is wrong with it, its plan tells
            pretraining(name, weights=False)
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:  # without a driver codecarbon may look at the machine here, once for all
        from ssl_benchmarks.energy.sources.discovery import find_sources

        find_sources((), cpu=True, model=True, period_s=1.0)


def _forked(control: socket.socket, channel: int, said: int, *, fresh: bool) -> int:
    """The number of a new process at the other end of `channel`."""
    pid = os.fork()
    with suppress(OSError):
        os.setpgid(pid, 0)  # what a model of the user's forks ends with its cell
    if pid:
        os.close(channel)
        os.close(said)
        return pid
    try:
        end_with_parent()
        control.close()
        os.dup2(said, 1)  # a model of the user's may print: none of it is an answer
        os.dup2(said, 2)
        if fresh or not _survives_fork():
            os.set_inheritable(channel, True)
            os.execv(sys.executable, [sys.executable, "-P", "-m", "ssl_benchmarks.cells.worker", str(channel)])  # noqa: S606 - our own
        from ssl_benchmarks.cells.worker import answer

        answer(Connection(channel))
    except BaseException:  # noqa: BLE001 - its last line is the reason that the command tells
        traceback.print_exc()
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _survives_fork() -> bool:
    """Whether CUDA can be used in this forked process, since nothing has touched it before."""
    import torch

    return not torch.cuda._is_in_bad_fork()


def _exit_code(pid: int) -> int:
    """As `subprocess` counts it; a process that does not end by itself is ended."""
    end = time.monotonic() + LAST_WORDS
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


if __name__ == "__main__":
    main()
