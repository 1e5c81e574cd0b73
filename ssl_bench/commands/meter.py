"""`sslbench meter`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from ssl_bench.commands.options import Config
from ssl_bench.console import Json, fail, print_json, stderr, typed_command
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
    """Run any command and meter it: energy, peak memory, time and CO2e; its streams, signals and exit code stay its own."""
    config.check()
    if bool(command) == (config.pid is not None):
        raise BadInputError("give a command after --, or --pid to join a running process")
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


def _print(session: MeterSession, *, as_json: bool) -> None:
    """One or a few lines on stderr, where the command's own output is not disturbed."""
    record = session.record("finished")
    if as_json:
        print_json("meter", {"run": str(session.run.path), **record.document()})
        return
    from ssl_reports.units import worded

    energy = record.find("energy", session.phase, session.scope)
    memory, seconds = record.find("peak_memory", session.phase), record.find("duration", session.phase)
    parts = [worded(q) for q in (seconds, memory) if q is not None and q.value is not None]
    if energy is not None:
        parts.append(
            f"{worded(energy)} ({session.scope}, {energy.method})" if energy.value is not None else "energy n/a"
        )
    lines = [f"sslbench: {session.name} {session.ended}: {', '.join(parts)}"]
    lines += [f"sslbench: disturbed: {line}" for line in (session.reading.disturbances if session.reading else ())]
    lines += [f"sslbench: still running: {', '.join(session.outlived)}"] if session.outlived else []
    lines.append(f"sslbench: run: {session.run.path}; next: sslbench table {shlex.quote(str(session.run.path))}")
    stderr().print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
