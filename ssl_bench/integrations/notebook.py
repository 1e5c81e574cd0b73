"""`%%sslbench`: a notebook's cell, metered."""

from __future__ import annotations

import argparse
import shlex
import typing
from typing import Any, Literal, NoReturn

from ssl_bench.metering.metered import metered
from ssl_bench.settings.metering import MeterConfig
from ssl_models.errors import BadInputError


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401 - IPython's shell
    """Make `%%sslbench [--name NAME] [the options of sslbench meter]` known, after `%load_ext ssl_bench`."""

    def sslbench(line: str, cell: str) -> None:
        """Run the cell, meter it, and say what it cost; it leaves a run of kind `meter`."""
        _meter(shell, line, cell)

    shell.register_magic_function(sslbench, "cell")


def _meter(shell: Any, line: str, cell: str) -> None:  # noqa: ANN401 - IPython's shell
    try:
        options = _parsed(line)
        whole = metered(options.pop("name", None) or "cell", **options)
        run = whole.__enter__()
    except BadInputError as wrong:
        print(f"sslbench: {wrong}")  # noqa: T201 - the output of the cell
        return
    found = shell.run_cell(cell)
    error = found.error_before_exec or found.error_in_exec  # the shell has shown it
    whole.__exit__(type(error) if error else None, error, error.__traceback__ if error else None)
    print(run.summary)  # noqa: T201 - the output of the cell


class _Parser(argparse.ArgumentParser):
    """The options of a line; a wrong one is an error, and no exit."""

    def error(self, message: str) -> NoReturn:
        raise BadInputError(f"%%sslbench: {message}")


def _parsed(line: str) -> dict[str, Any]:
    """What a line gives, by option."""
    parser = _Parser(prog="%%sslbench", add_help=False, allow_abbrev=False)
    for setting in MeterConfig.settings():
        if setting.name == "pid":
            continue
        if setting.kind is bool:
            parser.add_argument(setting.flag, action=argparse.BooleanOptionalAction, dest=setting.name)
        else:
            plain = str if typing.get_origin(setting.kind) is Literal else setting.kind
            parser.add_argument(setting.flag, type=setting.option.parse or plain, dest=setting.name)
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise BadInputError(f"%%sslbench: {error}") from error
    return {name: value for name, value in vars(parser.parse_args(words)).items() if value is not None}
