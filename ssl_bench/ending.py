"""How a command leaves: what it made for itself is removed, what it said is written out, and nothing is waited for."""

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
    """End this process with its exit code, now.

    The interpreter's own way out joins threads, of ours and of a dozen libraries, takes every module apart and runs the
    destructors of native ones: 2 s on a quiet machine, and on a loaded one any of them may hang.
    """
    ignore_signals()
    code = _flushed() or code
    last = threading.Timer(LONGEST_S, _end, (code,))
    last.daemon = True
    last.start()
    # torch makes this folder as it is imported, and needs it only where something is compiled.
    with suppress(OSError, KeyError):
        Path(tempfile.gettempdir(), f"torchinductor_{getpass.getuser()}").rmdir()
    atexit._run_exitfuncs()  # what libraries keep in the temporary folder goes by these
    _end(code)


def _end(code: int) -> NoReturn:
    os._exit(done(code))


def _flushed() -> int:
    """Write out what was said; 1 where that cannot be done."""
    code = 0
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError) as error:
            code = 1
            if getattr(error, "errno", None) != errno.EPIPE and stream is sys.stdout:
                os.write(2, f"sslbench: cannot write the result to stdout ({error})\n".encode())
    return code
