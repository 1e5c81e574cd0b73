"""Processes that need not import what this one has already imported: `python -P tests/warm.py SOCKET USERS`.

Each connection asks for one process with a line of JSON (`arguments` of `sslbench`, or `code` to run; `cwd`, `env`,
`stdout`, `stderr`), and receives its id and, when it has ended, its exit code. What starts is a fork of this process, which
does nothing else: as good as a fresh one except for the imports, which take most of the time of a small command.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import gc
import json
import os
import socket
import sys
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

WANTED = (
    "torch", "torch._dynamo", "transformers.masking_utils", "transformers.models.hubert.modeling_hubert", "pandas",
    "scipy.stats", "scipy.sparse", "sklearn.cluster", "matplotlib.figure", "matplotlib.backends.backend_agg",
    "soundfile", "jiwer", "fvcore.nn", "codecarbon", "lightning_fabric", "rich.progress", "safetensors.torch",
    "ssl_benchmarks.machine.capabilities", "ssl_benchmarks.cells.cell", "ssl_benchmarks.profile.profile", "ssl_reports.pictures.figures", "ssl_bench.app",
    "ssl_bench.training.train_and_measure", "ssl_bench.evaluating.evaluate", "ssl_bench.comparing.compare", "ssl_reports.report",
)  # fmt: skip


def next_request(server: socket.socket, users: str) -> dict[str, Any]:
    """Wait for requests and return with each in its own process; end when nobody holds the lock on `users`."""
    server.settimeout(0.5)
    while True:
        while _ended_child():
            pass
        _end_without(users)
        try:
            caller = server.accept()[0]
        except TimeoutError:
            continue
        with caller:
            if os.fork() == 0:
                server.close()
                caller.settimeout(None)
                return followed(caller)


def _end_without(users: str) -> None:
    """The kernel releases the lock of a process that ends, however that happens; ours is held to the end."""
    with Path(users).open("w") as file, suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os._exit(0)


def _ended_child() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def followed(caller: socket.socket) -> dict[str, Any]:
    """Return in the requested process; the one in between waits for it and informs the caller."""
    line = caller.makefile().readline()
    if not line:  # the caller only checks whether somebody is listening
        os._exit(0)
    request: dict[str, Any] = json.loads(line)
    child = os.fork()
    if child == 0:
        caller.close()
        return request
    caller.sendall(f"{child}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        caller.sendall(f"{code}\n".encode())
    finally:
        os._exit(0)


def become(request: dict[str, Any]) -> None:
    """Take on the requested streams, folder and environment."""
    for stream, path in ((1, request["stdout"]), (2, request["stderr"])):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), stream)
    os.chdir(request["cwd"])
    for name in set(os.environ) - set(request["env"]):
        del os.environ[name]
    os.environ.update(request["env"])
    sys.modules["torch"].set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    if request["strict"]:
        warnings.simplefilter("error")
    # The loader read its path when the process began; a library that is already loaded is found by its name.
    for folder in filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":")):
        for library in Path(folder).glob("libnvidia-ml.so.1"):
            ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
    sys.argv = request["arguments"]


def ended(work: Callable[[], object]) -> None:
    """End as the interpreter does, without tearing down modules one by one, which takes longer than a small command."""
    code = 0

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    atexit.register(leave)
    try:
        work()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
        code = 1


if __name__ == "__main__":
    starter = os.getppid()
    for wanted in WANTED:
        __import__(wanted)
    with suppress(Exception):  # what reading a command line imports
        sys.modules["ssl_bench.app"].app(["models", "none of this name"], standalone_mode=False)
    if os.getppid() != starter:  # nobody is waiting any longer, and another process may have started its own
        sys.exit()
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listening:
        Path(sys.argv[1]).unlink(missing_ok=True)
        listening.bind(sys.argv[1])
        listening.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        asked = next_request(listening, sys.argv[2])
    become(asked)
    if asked["code"] is None:
        from ssl_bench.cli import main

        main()  # which ends its process itself
    else:
        program = compile(asked["code"], "<code>", "exec")
        ended(lambda: exec(program, {"__name__": "__main__"}))  # noqa: S102 - a test's own code
