"""Output that all commands share: results on stdout, progress on stderr, one line for an error."""

from __future__ import annotations

import json
import os
import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Self

import typer
from rich.text import Text

from ssl_bench import front_door

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout; progress goes to stderr.")]


WIDTH_IN_PIPE = 1000
"""Characters of a line where no terminal limits it: nothing is folded or cut."""


@dataclass
class _Amount:
    """How much is said: no progress if `quiet`, every note if `verbose`."""

    quiet: bool = False
    verbose: bool = False


_amount = _Amount()


def say(*, quiet: bool, verbose: bool) -> None:
    """Decide how much this process says."""
    _amount.quiet, _amount.verbose = quiet, verbose


def verbose() -> bool:
    """Whether everything is said."""
    return _amount.verbose


class Failed(SystemExit):
    """Raised by a command that has printed its error, unlike the SystemExit of a user's model."""


def fail(message: str, code: int) -> NoReturn:
    """Exit with one line on stderr; code 1 for a failure, 2 for bad input."""
    raise Failed(said(message, code))


def said(message: str, code: int) -> int:
    """Print the reason as one line on stderr; returns the exit code."""
    line = " ".join(message.split())
    if line and not front_door.told_last(f"sslbench: {line}"):
        with suppress(OSError):  # stderr may be a file on the full disk
            sys.stderr.write(f"sslbench: {line}\n")
    return code


def print_json(command: str, document: dict[str, Any]) -> None:
    """Print the document of `--json`."""
    document = {**document, "schema": f"sslbench.{command}/1"}
    front_door.out().write(json.dumps(document, indent=1, allow_nan=False) + "\n")


def stderr() -> Console:
    """The console for progress."""
    from rich.console import Console

    return Console(stderr=True, quiet=_amount.quiet)


def stdout() -> Console:
    """The console for results; in a pipe as wide as any table, unless COLUMNS says otherwise."""
    from rich.console import Console

    console = Console(file=front_door.out())
    if not console.is_terminal and not os.environ.get("COLUMNS"):
        console.width = WIDTH_IN_PIPE
    return console


FEW = 3
"""The most notes that are printed in full; of more, the first and how many others there are."""


def print_summary(tables: Iterable[Table], lines: Sequence[str], notes: Sequence[str] = ()) -> None:
    """Print tables, then notes and lines, to stdout; nothing is cut, and in a pipe tables are aligned text without boxes.

    Many notes are cut to the first and their number; all of them stand in the report, and appear here with --verbose.
    """
    console = stdout()
    for table in tables:
        for column in table.columns:
            column.overflow = "fold"
        if not console.is_terminal:
            table.box = None
        console.print(table)
    console.print("\n".join([*_few(notes), *lines]), highlight=False, markup=False, soft_wrap=True)


def _few(notes: Sequence[str]) -> list[str]:
    if _amount.verbose or len(notes) <= FEW:
        return list(notes)
    return [notes[0], f"notes:      {len(notes) - 1} more in the report (-v prints them here)"]


def typed_command() -> str:
    """The command as the user typed it."""
    return shlex.join(["sslbench", *sys.argv[1:]])


LINE_EVERY = 15.0  # s between lines where the output is not a terminal


class StatusLine:
    """A line redrawn in place on a terminal, elsewhere printed every 15 s; always on stderr."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None
        self._said_at = -LINE_EVERY

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            from rich.live import Live

            # Refreshed by the loop itself: a refresh thread would load the machine that is being measured.
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def phase(self, text: str) -> None:
        """Print what is being done now."""
        if self._live is not None:
            self._live.update("", refresh=True)
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    @property
    def due(self) -> bool:
        """Whether the next line is due."""
        return time.monotonic() - self._said_at >= (0.5 if self._live else LINE_EVERY)

    def show(self, parts: Sequence[str]) -> None:
        """Show a line if one is due."""
        if not self.due:
            return
        self._said_at = time.monotonic()
        text = "   ".join(parts)
        if self._live is not None:
            self._live.update(Text(text), refresh=True)
        else:
            self.console.print(text, highlight=False, markup=False, soft_wrap=True)
            sys.stderr.flush()
