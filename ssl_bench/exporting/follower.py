"""What a run folder holds, sent to a tracker: once, or again and again while the run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ssl_bench.exporting.figures import Moment, curve_moments, figures_of
from ssl_bench.exporting.tracker import Tracker, opened
from ssl_bench.sessions.curve import curve_lines, standing
from ssl_bench.sessions.run_folder import RunFolder
from ssl_bench.settings.exporting import Destination, without_password
from ssl_benchmarks.record.quantity import Quantity
from ssl_benchmarks.record.record import Record
from ssl_models.errors import BadInputError

MOST_BYTES = 2**26
"""The most of a curve that is read at once."""
LONGEST_ERROR = 200


class TrackerError(Exception):
    """A tracker that did not take what was sent; the message is one line."""

    def __init__(self, destination: Destination, error: BaseException) -> None:
        first = error
        while (before := first.__cause__ or first.__context__) is not None:
            first = before
        system = first.strerror if isinstance(first, OSError) else None  # such as "Connection refused"
        words = system or " ".join(str(error).split()) or type(error).__name__
        where = (
            f" at {without_password(destination.place)}" if destination.tool == "mlflow" and destination.place else ""
        )
        super().__init__(f"{destination.tool}{where}: {words[:LONGEST_ERROR]}")


class Follower:
    """Sends what is new in a run folder each time it looks; what could not be sent is sent at a later look.

    Args:
        destination: where it goes.
        path: the run folder.

    Attributes:
        record: as it was read last; None as long as there is none.
        points: moments of the curve that were sent.
    """

    def __init__(self, destination: Destination, path: Path) -> None:
        self.record: Record | None = None
        self.points = 0
        self._destination, self._run = destination, RunFolder(path)
        self._tracker: Tracker | None = None
        self._stamp: tuple[int, int] | None = None
        self._offset, self._last_line = 0, dict[str, Any]()
        self._known: dict[str, Quantity] = {}
        self._versions, self._is_new = 0, False

    @property
    def place(self) -> str:
        """Where the figures are found; empty before the tracker was opened."""
        return "" if self._tracker is None else self._tracker.place

    def look(self) -> None:
        """Send what is new.

        Raises:
            TrackerError: if the tracker did not take it.
            BadInputError: for a record that cannot be read.
        """
        self._read()
        if self.record is None:
            return
        with self._trouble():
            if self._tracker is None:
                self._tracker = opened(self._destination, self.record, self._run.path)
            self._send_curve(self._tracker, self.record)
            self._send_rows(self._tracker, self.record)

    def close(self) -> None:
        """Send what is left, and mark the run as ended.

        Raises:
            TrackerError, BadInputError: as `look`.
        """
        self.look()
        with self._trouble():
            if self._tracker is not None and self.record is not None:
                self._tracker.close(self.record, self._run.path)

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except BadInputError:
            raise
        except Exception as error:
            raise TrackerError(self._destination, error) from error

    def _read(self) -> None:
        """Read the record unless it is the one read last."""
        with suppress(FileNotFoundError):
            found = self._run.record_path.stat()
            stamp = (found.st_mtime_ns, found.st_ino)
            if stamp != self._stamp:
                self.record, self._stamp, self._is_new = self._run.read(), stamp, True

    def _send_curve(self, tracker: Tracker, record: Record) -> None:
        while text := self._new_text():
            lines = standing(curve_lines(text))
            moments = list(curve_moments(record, lines, self._last_line))
            if moments:
                tracker.log(moments)
            self.points += len(moments)
            self._offset += len(text)
            self._last_line = lines[-1] if lines else self._last_line

    def _new_text(self) -> bytes:
        """The complete lines of the curve after those sent."""
        try:
            with self._run.metrics_path.open("rb") as file:
                file.seek(self._offset)
                text = file.read(MOST_BYTES)
        except OSError:
            return b""
        return text[: text.rfind(b"\n") + 1]

    def _send_rows(self, tracker: Tracker, record: Record) -> None:
        if not self._is_new:
            return
        changed = tuple(f for f in figures_of(record.measurements) if self._known.get(f.name) != f.quantity)
        if changed:
            tracker.log([Moment(self._versions, datetime.now(UTC).timestamp(), changed)])
            self._known |= {figure.name: figure.quantity for figure in changed}
            self._versions += 1
        self._is_new = False
