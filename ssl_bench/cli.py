"""The command line as a process: start-up, error messages and exit codes.

The modules that parse options and draw help are imported only after the signal handlers are installed.
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
"""typer's exit code for a KeyboardInterrupt that it caught."""


def main() -> NoReturn:
    """Entry point of the console script; ends the process."""
    front_door.may_split()
    # OpenMP threads spin while they wait for each other. By default a step then takes ten times as long when other work
    # shares the cores; with this count it takes half of that, and is as fast as ever on an idle machine.
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    try:
        with stopped_by_signals():
            leave(run())
    except KeyboardInterrupt:  # while leaving
        code = 1
    except Exception:  # noqa: BLE001 - printed as Python prints it; then the process ends as usual
        sys.excepthook(*sys.exc_info())
        code = 1
    leave(code)


def run() -> int:
    """Run the typed command; returns its exit code: 2 for bad input, 1 for an interruption or a full disk."""
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
    except Exception as error:  # noqa: BLE001 - an error that the user cannot fix is raised again
        if stop_asked():  # a library may turn an interruption into another error, such as typer's Abort
            return said("interrupted", 1)
        return _said_of(error)
    except BaseException as error:  # noqa: BLE001 - a user's model may raise anything
        return _ended_by_model(error)


def _ended_by_model(error: BaseException) -> int:
    """Report what a user's model raised, `sys.exit` included, in one line, with exit code 1; raise any other error."""
    if not front_door.in_child():
        if isinstance(error, SystemExit):
            return error.code if isinstance(error.code, int) else int(error.code is not None)
        raise error
    from traceback import extract_tb

    from ssl_models.loading.user_code import said as in_words

    at = extract_tb(error.__traceback__)[-1]
    return said(f"{in_words(error)} ({at.filename}, line {at.lineno})", 1)


def _said_of(error: Exception) -> int:
    """Print one line for an error that the user can fix: 2 for bad input, 1 for the disk; any other is raised again."""
    from ssl_models.errors import BadInputError

    if isinstance(error, BadInputError):
        return said(str(error), 1 if is_full(error) else 2)
    if text := refusal(error):
        hint = "no file is left half-written: free some space, then start again (a training with --resume)"
        return said(f"{text}; {hint}", 1)
    if isinstance(error, OSError):
        return said(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", 1)
    # Depending on its version, typer raises usage errors from its own copy of click or from the installed one.
    describe = getattr(error, "format_message", None)
    if describe is None:
        return _ended_by_model(error)
    return said(describe(), 2)
