"""What every command says in the same way: results on stdout, progress on stderr, one line for what went wrong."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Self

import typer
from rich.text import Text

from ssl_bench import front_door

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout; progress stays on stderr.")]

Model = Annotated[
    str, typer.Argument(help="A catalog name, a run's folder, hf:PATH, FILE.py:FUNCTION or PACKAGE.MODULE:FUNCTION.")
]


class Failed(SystemExit):
    """The end of a command that has said why; a model of the user's that leaves raises another."""


def fail(message: str, code: int) -> NoReturn:
    """End with one line on stderr; 1 is a failure, 2 bad use."""
    raise Failed(said(message, code))


def said(message: str, code: int) -> int:
    """The exit code, once one line on stderr says why."""
    line = " ".join(message.split())
    if line and not front_door.told_last(f"sslbench: {line}"):
        with suppress(OSError):  # stderr may be a file on the full disk
            sys.stderr.write(f"sslbench: {line}\n")
    return code


def print_json(command: str, document: dict[str, Any]) -> None:
    """The one document of `--json`."""
    document = {**document, "schema": f"sslbench.{command}/1"}
    front_door.out().write(json.dumps(document, indent=1, allow_nan=False) + "\n")


def stderr() -> Console:
    """Where progress goes."""
    from rich.console import Console

    return Console(stderr=True)


def stdout() -> Console:
    """Where results go."""
    from rich.console import Console

    return Console(file=front_door.out())


def typed_command() -> str:
    """The command as the user typed it."""
    return shlex.join(["sslbench", *sys.argv[1:]])


LINE_EVERY = 15.0  # seconds between lines where there is no terminal to redraw


class StatusLine:
    """A line redrawn on a terminal, else one every 15 s; always on stderr."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live: Live | None = None
        self._said_at = -LINE_EVERY

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            from rich.live import Live

            # Drawn by the loop itself: a refresh thread would cost the machine that is being measured.
            self._live = Live(console=self.console, auto_refresh=False, transient=True)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def phase(self, text: str) -> None:
        """Say what is done now."""
        if self._live is not None:
            self._live.update("", refresh=True)
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    @property
    def due(self) -> bool:
        """Whether it is time for a line again."""
        return time.monotonic() - self._said_at >= (0.5 if self._live else LINE_EVERY)

    def show(self, parts: Sequence[str]) -> None:
        """Show a line, if it is time again."""
        if not self.due:
            return
        self._said_at = time.monotonic()
        text = "   ".join(parts)
        if self._live is not None:
            self._live.update(Text(text), refresh=True)
        else:
            self.console.print(text, highlight=False, markup=False, soft_wrap=True)
            sys.stderr.flush()
