"""A session: one call of a command that writes a run; its record is on disk from the start, however the call ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ssl_benchmarks.processes.interruption import stopped_by_signals
from ssl_benchmarks.record.record import Measurement, Record, headline_scope

if TYPE_CHECKING:
    from ssl_bench.sessions.run_folder import RunFolder
    from ssl_benchmarks.energy.carbon import GridIntensity
    from ssl_benchmarks.record.details.kinds import Kind


def now() -> str:
    """The time as records write it: ISO 8601, UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _machine() -> dict[str, Any]:
    from ssl_benchmarks.machine.environment import environment

    return environment()


@dataclass(kw_only=True)
class Session:
    """The state of a command at work; each command adds its own in a subclass.

    Attributes:
        kind: kind of its record.
        config: its settings, resolved.
        run: the folder of the record.
        grid: carbon intensity of the grid.
        command: the command line that the record names.
        created: see `now`.
        machine: hardware and software.
        details: contents of the record other than its rows.
    """

    kind: ClassVar[Kind]
    config: Any
    run: RunFolder
    grid: GridIntensity | None
    command: str
    created: str = field(default_factory=now)
    machine: dict[str, Any] = field(default_factory=_machine)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def scope(self) -> str:
        """The scope whose energy is the headline."""
        return headline_scope(self.config.device)

    def settings(self) -> dict[str, Any]:
        """The settings as the record holds them."""
        return asdict(self.config)

    def contents(self) -> tuple[Sequence[Measurement], dict[str, Any]]:
        """The rows known so far, and the details that follow from them."""
        return (), {}

    def record(self, status: str) -> Record:
        """The record as it stands."""
        rows, found = self.contents()
        details = {**self.details, **found, "grid": None if self.grid is None else asdict(self.grid)}
        return Record(
            self.run.path.name, self.created, status, self.command, self.settings(), self.machine, tuple(rows),
            details=details, kind=self.kind,
        )  # fmt: skip

    def recorded(self, work: Callable[[], None], report: Callable[[Record, Path], object]) -> Record:
        """Do the work, then write report and record; Ctrl-C or another signal ends the work, and the record says so.

        Raises:
            BadInputError: if another process holds the folder.
        """
        status = "finished"
        with self.run.locked(), stopped_by_signals():
            self.run.write(self.record("unfinished"))
            try:
                work()
            except KeyboardInterrupt:
                self.details["stopped"] = "by the user"
                status = "unfinished"
            record = self.record(status)
            with suppress(KeyboardInterrupt):
                report(record, self.run.path)
            self.run.write(record)
        return record
