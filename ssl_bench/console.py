"""What every command says in the same way: results on stdout, progress on stderr, one line for what went wrong."""

from __future__ import annotations

import json
import shlex
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from ssl_bench import front_door

if TYPE_CHECKING:
    from rich.console import Console

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
