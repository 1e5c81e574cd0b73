"""A command, or a running process, metered from its start to its end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from ssl_bench.metering.session import MeterSession
from ssl_bench.settings.metering import MeterConfig
from ssl_benchmarks.energy.neighbours.processes import adopt
from ssl_benchmarks.memory.tree import adopt_orphans, outlived, reap
from ssl_benchmarks.processes.child import Child, Ended, block_signals, cannot_start
from ssl_models.errors import BadInputError

LOOK_S = 1.0
"""Seconds between two readings of the memory of all processes."""
LAUNCHERS = ("python", "bash", "sh", "torchrun", "accelerate")
"""Programs that run a script, whose name says more than theirs."""


class CannotStartError(Exception):
    """A command that the system does not start; `code` is a shell's exit code for it."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


def meter_command(config: MeterConfig, command: Sequence[str], typed: str) -> tuple[MeterSession, Ended]:
    """Run a command and meter it.

    Raises:
        CannotStartError: if there is no such program; nothing is left behind.
        BadInputError: for settings that cannot be used.
    """
    adopt_orphans()
    block_signals()
    session = MeterSession.begun(config, config.name or _named(command), typed)
    try:
        child = Child(command)
    except OSError as error:
        session.meter.stop()
        shutil.rmtree(session.run.path, ignore_errors=True)
        raise CannotStartError(*cannot_start(error, command)) from error
    with suppress(OSError):  # a full disk does not end the command
        session.settle(child.pid)
    ended = child.wait(session.look, LOOK_S)
    session.exit_code = ended.exit_code
    reap()
    session.outlived = outlived()
    session.finish(f"ended {ended.words}")
    return session, ended


def meter_process(config: MeterConfig, pid: int, typed: str) -> MeterSession:
    """Join a running process and meter until it has ended; its exit code is not known.

    Raises:
        BadInputError: if there is no such process.
    """
    try:
        process = psutil.Process(pid)
        name = config.name or process.name()
    except psutil.Error as error:
        raise BadInputError(f"--pid {pid}: no such process") from error
    adopt(pid)
    session = MeterSession.begun(config, name, typed)
    session.settle(pid)
    while _runs(process):
        session.look()
        time.sleep(LOOK_S)
    session.finish(f"process {pid} ended; what it did before it was joined is not metered")
    return session


def _runs(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def _named(command: Sequence[str]) -> str:
    """The name of the program, or of the script or module that an interpreter or a launcher runs."""
    program, *rest = command
    name = Path(program).name
    if not name.startswith(LAUNCHERS) or "-c" in rest:
        return name
    script = next((word for word in rest if not word.startswith("-")), None)
    return name if script is None else Path(script).name
