"""Forks a process for each cell after importing everything: `python -P -m ssl_benchmarks.cells.server DESCRIPTOR fork|fresh [MODEL ...]`.

Requests come over the socket DESCRIPTOR: "fork", with the channel of the new process and a file for its output, is
answered with a PID; a PID whose end is awaited is answered with an exit code. When the socket closes, everything ends.
This process builds catalogue models on fake tensors only and touches no GPU: its children would inherit threads and a
context that do not survive a fork. If forking is impossible ("fresh", or if something has touched CUDA after all), each
cell starts from scratch.
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
"""Seconds that a process has to end after its channel has closed."""


def main() -> None:
    """Import, then fork on demand."""
    ignore_signals()  # the command handles them, and this process ends with it
    end_with_parent()
    control = socket.socket(fileno=int(sys.argv[1]))
    fresh, models = sys.argv[2] == "fresh", sys.argv[3:]
    if not fresh:
        _import_for(models)
    gc.freeze()  # else the children's collector would write to every shared page
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
        with suppress(Exception), fake_tensors():  # an error is reported by the model's plan
            pretraining(name, weights=False)
    try:
        ctypes.CDLL("libnvidia-ml.so.1")
    except OSError:  # without a driver, CodeCarbon examines the machine here, once for all cells
        from ssl_benchmarks.energy.sources.discovery import find_sources

        find_sources((), cpu=True, model=True, period_s=1.0)


def _forked(control: socket.socket, channel: int, said: int, *, fresh: bool) -> int:
    """The PID of a new process at the other end of `channel`."""
    pid = os.fork()
    with suppress(OSError):
        os.setpgid(pid, 0)  # whatever a user's model forks ends with its cell
    if pid:
        os.close(channel)
        os.close(said)
        return pid
    try:
        end_with_parent()
        control.close()
        os.dup2(said, 1)  # a user's model may print; its output is not an answer
        os.dup2(said, 2)
        if fresh or not _survives_fork():
            os.set_inheritable(channel, True)
            os.execv(sys.executable, [sys.executable, "-P", "-m", "ssl_benchmarks.cells.worker", str(channel)])  # noqa: S606 - our own
        from ssl_benchmarks.cells.worker import answer

        answer(Connection(channel))
    except BaseException:  # noqa: BLE001 - the command reports its last line as the reason
        traceback.print_exc()
        with suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _survives_fork() -> bool:
    """Whether CUDA can be used in this forked process, because nothing has touched it before."""
    import torch

    return not torch.cuda._is_in_bad_fork()


def _exit_code(pid: int) -> int:
    """Exit code as `subprocess` counts it; a process that does not end by itself is killed."""
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
