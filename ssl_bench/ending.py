"""How a command exits: it removes its temporary files, flushes its output, and waits for nothing else."""

from __future__ import annotations

import atexit
import errno
import getpass
import os
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from ssl_bench.front_door import done
from ssl_benchmarks.processes.interruption import ignore_signals

LONGEST_S = 5.0


def leave(code: int) -> NoReturn:
    """End this process at once with its exit code.

    A normal exit joins all threads (ours and those of a dozen libraries), tears down every module and runs native
    destructors: this takes 2 s on an idle machine, and on a loaded one any of it may hang.
    """
    ignore_signals()
    code = _flushed() or code
    last = threading.Timer(LONGEST_S, _end, (code,))
    last.daemon = True
    last.start()
    # torch creates this folder on import and needs it only if something is compiled.
    with suppress(OSError, KeyError):
        Path(tempfile.gettempdir(), f"torchinductor_{getpass.getuser()}").rmdir()
    atexit._run_exitfuncs()  # these remove what libraries keep in the temporary folder
    _end(code)


def _end(code: int) -> NoReturn:
    os._exit(done(code))


def _flushed() -> int:
    """Flush stdout and stderr; returns 1 if that fails, else 0."""
    code = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError) as error:
            code = 1
            if getattr(error, "errno", None) != errno.EPIPE and stream is sys.stdout:
                os.write(2, f"sslbench: cannot write the result to stdout ({error})\n".encode())
    return code
