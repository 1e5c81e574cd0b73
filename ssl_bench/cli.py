"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ssl_bench.commands.compare import compare_command
from ssl_bench.commands.env import env_command
from ssl_bench.commands.evaluate import evaluate_command
from ssl_bench.commands.measure import measure_command
from ssl_bench.commands.models import models_command
from ssl_bench.commands.profile import profile_command
from ssl_bench.commands.report import report_command
from ssl_bench.commands.train_and_measure import train_and_measure_command
from ssl_bench.console import fail

app = typer.Typer(
    help="The honest cost of self-supervised speech models: FLOPs, memory, energy, carbon and error rate, measured.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Entry point of the console script: bad input is one line and exit code 2."""
    _require_own_packages()
    from models.errors import BadInputError

    try:
        sys.exit(app(standalone_mode=False) or 0)
    except BadInputError as error:
        fail(str(error), 2)
    except typer.Abort:
        fail("interrupted", 1)
    except OSError as error:
        fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", 1)
    except KeyboardInterrupt:
        fail("interrupted", 1)
    except Exception as error:
        # typer's usage errors come from a click of its own, or of its caller's, depending on its version.
        describe = getattr(error, "format_message", None)
        if describe is None:
            raise
        if text := describe():
            fail(text, 2)
        sys.exit(2)


def _require_own_packages() -> None:
    """Stop where a folder of the user's stands before one of our packages on Python's path."""
    from importlib.util import find_spec

    home = Path(__file__).resolve().parent.parent
    for package in ("models", "benchmarks", "reports"):
        spec = find_spec(package)
        origin = None if spec is None else spec.origin or next(iter(spec.submodule_search_locations or ()), None)
        if origin is None or home not in Path(origin).resolve().parents:
            fail(f"'{package}' resolves to {origin}, which hides sslbench's own; take it off PYTHONPATH", 2)


def _version(*, value: bool) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"sslbench {version('sslbench')}")
        raise typer.Exit


@app.callback()
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=lambda value: _version(value=value), is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """What holds for every command."""


app.command("train-and-measure")(train_and_measure_command)
app.command("compare")(compare_command)
app.command("env")(env_command)
app.command("evaluate")(evaluate_command)
app.command("measure")(measure_command)
app.command("models")(models_command)
app.command("profile")(profile_command)
app.command("report")(report_command)
