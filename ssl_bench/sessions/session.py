"""A session of measurements: its record is on the disk from the start, and tells what was done however it ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ssl_benchmarks.processes.interruption import stopped_by_signals

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.record.record import Record


class Session(Protocol):
    """What a command is at.

    Attributes:
        run: its folder.
        details: what the record holds beside its rows.
    """

    run: RunFolder
    details: dict[str, Any]

    def record(self, status: str) -> Record:
        """As it stands."""
        ...


def recorded(session: Session, work: Callable[[], None], report: Callable[[Record, Path], object]) -> Record:
    """Do the work, then write report and record; Ctrl-C and its like end the work, and the record says so.

    Raises:
        BadInputError: where another process has the folder.
    """
    status = "finished"
    with session.run.locked(), stopped_by_signals():
        session.run.write(session.record("unfinished"))
        try:
            work()
        except KeyboardInterrupt:
            session.details["stopped"] = "by the user"
            status = "unfinished"
        record = session.record(status)
        with suppress(KeyboardInterrupt):
            report(record, session.run.path)
        session.run.write(record)
    return record
