"""`sslbench meter`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from ssl_bench.commands.options import Config
from ssl_bench.console import Json, fail, print_json, stderr, typed_command
from ssl_bench.metering.nodes import Task
from ssl_bench.settings.metering import MeterConfig
from ssl_models.errors import BadInputError

if TYPE_CHECKING:
    from ssl_bench.metering.session import MeterSession


def meter_command(
    config: MeterConfig,
    *,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND", help="The command and its arguments, after --.", show_default=False),
    ] = None,
    file: Config = None,  # noqa: ARG001 - its contents are in `config`
    as_json: Json = False,
) -> None:
    """Run any command and meter it: energy, peak memory, time and CO2e; its streams, signals and exit code are passed through unchanged."""
    config.check()
    if bool(command) == (config.pid is not None):
        raise BadInputError("give a command after --, or --pid to join a running process")
    task = Task.this()
    if command and task.local > 0:
        _run_alone(command)
    from ssl_bench.metering import command as metering
    from ssl_benchmarks.processes.child import end_as

    if config.pid is not None:
        _print(metering.meter_process(config, config.pid, typed_command()), as_json=as_json)
        return
    try:
        session, ended = metering.meter_command(config, command or [], typed_command())
    except metering.CannotStartError as error:
        fail(str(error), error.code)
    _print(session, as_json=as_json)
    if code := end_as(ended):
        raise typer.Exit(code)


def _run_alone(command: list[str]) -> NoReturn:
    """Become the command: the first task of a node meters for all of them."""
    from ssl_benchmarks.processes.child import cannot_start

    try:
        os.execvp(command[0], command)  # noqa: S606 - the user's own command
    except OSError as error:
        fail(*cannot_start(error, command))


def _print(session: MeterSession, *, as_json: bool) -> None:
    """The record on stdout, or a few lines on stderr, where the command's own output is not disturbed."""
    if as_json:
        print_json("meter", {"run": str(session.run.path), **session.record("finished").document()})
        return
    from ssl_bench.metering.summary import summary

    stderr().print("\n".join(summary(session)), highlight=False, markup=False, soft_wrap=True)
