"""The command line as a process: how it begins, how it answers what goes wrong, how it ends.

What draws help and reads options is imported only when signals are answered already.
"""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from ssl_bench import front_door
from ssl_bench.console import Failed, said
from ssl_bench.ending import leave
from ssl_benchmarks.files.disk import is_full, refusal
from ssl_benchmarks.processes.interruption import stop_asked, stopped_by_signals
from ssl_benchmarks.processes.parent import end_with_named_parent

BY_TYPER = 130
"""Its exit code for a KeyboardInterrupt that it caught."""


def main() -> NoReturn:
    """Entry point of the console script, whose process it ends."""
    front_door.may_split()
    # Threads that wait for each other spin, by default for so long that beside other work on the same cores a step takes ten
    # times as long; this much is as fast on a quiet machine, and takes half of that time beside a load.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    try:
        with stopped_by_signals():
            leave(run())
    except KeyboardInterrupt:  # on the way out
        code = 1
    except Exception:  # noqa: BLE001 - told as Python tells it, then we leave as always
        sys.excepthook(*sys.exc_info())
        code = 1
    leave(code)


def run() -> int:
    """The exit code of the command that was typed: bad input is one line and 2, a stop or a full disk one line and 1."""
    try:
        end_with_named_parent()
        from ssl_bench.app import app
        from ssl_models.lazy_compiler import import_compiler_when_needed

        import_compiler_when_needed()

        code = app(standalone_mode=False) or 0
        return said("interrupted", 1) if code == BY_TYPER and (stop_asked() or front_door.in_child()) else code
    except Failed as end:
        return int(end.code or 0)
    except KeyboardInterrupt:
        return said("interrupted", 1)
    except Exception as error:  # noqa: BLE001 - what is not the user's to mend is raised again
        if stop_asked():  # where an interruption came out of a library as an error of another kind, as typer's Abort
            return said("interrupted", 1)
        return _said_of(error)
    except BaseException as error:  # noqa: BLE001 - a model of the user's may raise anything
        return _ended_by_model(error)


def _ended_by_model(error: BaseException) -> int:
    """Whatever a model of the user's raises while it runs, `sys.exit` included, is one line and no success; else it is raised again."""
    if not front_door.in_child():
        if isinstance(error, SystemExit):
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        raise error
    from traceback import extract_tb

    from ssl_models.loading.user_code import said as in_words

    at = extract_tb(error.__traceback__)[-1]
    return said(f"{in_words(error)} ({at.filename}, line {at.lineno})", 1)


def _said_of(error: Exception) -> int:
    """One line for an error that is the user's to mend, 2 for bad input and 1 for the disk; any other is raised again."""
    from ssl_models.errors import BadInputError

    if isinstance(error, BadInputError):
        return said(str(error), 1 if is_full(error) else 2)
    if text := refusal(error):
        return said(f"{text}; nothing is left half-written: make room, then start again (a training with --resume)", 1)
    if isinstance(error, OSError):
        return said(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", 1)
    # typer's usage errors come from a click of its own, or of its caller's, depending on its version.
    describe = getattr(error, "format_message", None)
    if describe is None:
        return _ended_by_model(error)
    return said(describe(), 2)
